package stage

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const (
	// Firefox is the User-Agent of every browser, unless a test changes it.
	Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	// Origin is where the shop is.
	Origin = "http://shop.example"
)

// A Browser keeps cookies, as a visitor's does.
type Browser struct {
	T       testing.TB
	Handler http.Handler // what it visits
	Jar     http.CookieJar
	Header  http.Header // of each request
	Addr    string      // the visitor's
}

// NewBrowser is a browser that holds no cookies yet.
func NewBrowser(t testing.TB, h http.Handler) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{T: t, Handler: h, Jar: jar, Header: http.Header{"User-Agent": {Firefox}}, Addr: "203.0.113.7:4711"}
}

// Request makes a request with the browser's cookies, and does not send it.
func (b *Browser) Request(method, target string, body ...string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, Origin+target, strings.NewReader(strings.Join(body, "")))
	r.RemoteAddr = b.Addr
	for name, values := range b.Header {
		r.Header[name] = values
	}
	for _, c := range b.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return r
}

// Do makes a request and keeps the answer's cookies.
func (b *Browser) Do(method, target string, body ...string) *http.Response {
	return b.Send(b.Request(method, target, body...))
}

// Send sends a request as it is and keeps the answer's cookies.
func (b *Browser) Send(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	b.Handler.ServeHTTP(w, r)
	resp := w.Result()
	b.Jar.SetCookies(r.URL, resp.Cookies())
	return resp
}

// Cookie is the value of a cookie as the browser holds it, "" if it does not.
func (b *Browser) Cookie(name string) string {
	for _, c := range b.Jar.Cookies(home()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// With is a browser of the same kind that holds one session cookie and nothing
// else: somebody who got hold of it.
func (b *Browser) With(session string) *Browser {
	other := NewBrowser(b.T, b.Handler)
	other.Jar.SetCookies(home(), []*http.Cookie{{Name: "session", Value: session, Path: "/"}})
	return other
}

func home() *url.URL { return &url.URL{Scheme: "http", Host: "shop.example", Path: "/"} }

// Text is the answer's body.
func Text(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// Status is the answer's status; its body is read and thrown away.
func Status(resp *http.Response) int {
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// SessionOf is the id of the session that the browser's cookie stands for, or
// "none". It counts nothing and prolongs nothing.
func SessionOf(t testing.TB, b *Browser) string {
	t.Helper()
	return strings.Fields(Text(t, b.Do("GET", "/peek")) + " ")[0]
}
