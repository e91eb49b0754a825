package footfalltest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
)

// Agent is the user agent of a [Browser]: a person's, since software is not tracked.
const Agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

const origin = "http://shop.example"

// A Browser is one visitor: it keeps cookies from answer to request. It is for one
// goroutine at a time.
type Browser struct {
	// Header is sent with each request. It has a user agent.
	Header http.Header
	// RemoteAddr is where the requests come from.
	RemoteAddr string

	t       testing.TB
	tracker *Tracker
	jar     http.CookieJar
}

// Browser returns a visitor who has not been here before.
func (tr *Tracker) Browser() *Browser {
	tr.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	return &Browser{
		Header: http.Header{"User-Agent": {Agent}}, RemoteAddr: "203.0.113.7:4711",
		t: tr.t, tracker: tr, jar: jar,
	}
}

// Request returns a request with the browser's cookies. The target is a path, with a
// query if need be; body may be nil.
func (b *Browser) Request(method, target string, body io.Reader) *http.Request {
	r := httptest.NewRequestWithContext(b.t.Context(), method, origin+target, body)
	r.RemoteAddr = b.RemoteAddr
	for name, values := range b.Header {
		r.Header[name] = values
	}
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return r
}

// Do has a handler answer a request under [footfall.Tracker.Handler], and keeps the
// cookies of the answer. A handler that is under it already is not tracked twice.
func (b *Browser) Do(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	b.tracker.Handler(h).ServeHTTP(w, r)
	resp := w.Result()
	b.jar.SetCookies(r.URL, resp.Cookies())
	return resp
}

// Get is Do of a GET request.
func (b *Browser) Get(h http.Handler, target string) *http.Response {
	return b.Do(h, b.Request(http.MethodGet, target, nil))
}

// Within runs f with a request that has the browser's session, in a handler that
// is no page: for code that needs a request's context.
func (b *Browser) Within(f func(r *http.Request)) {
	h := b.tracker.Uncounted(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(r) }))
	_ = b.Do(h, b.Request(http.MethodPost, "/footfalltest", nil)).Body.Close()
}

// LogIn logs a customer in, and fails the test if that cannot be done.
func (b *Browser) LogIn(customerID string) {
	b.t.Helper()
	b.Within(func(r *http.Request) {
		if err := b.tracker.Login(r.Context(), customerID, time.Now()); err != nil {
			b.t.Fatalf("log %s in: %v", customerID, err)
		}
	})
}

// SetValue keeps a value in the session, and fails the test if that cannot be done.
func (b *Browser) SetValue(key string, value any, options ...footfall.ValueOption) {
	b.t.Helper()
	b.Within(func(r *http.Request) {
		if err := b.tracker.SetValue(r.Context(), key, value, options...); err != nil {
			b.t.Fatalf("set value %s: %v", key, err)
		}
	})
}

// Session is the browser's session as the stores have it; false if it has none.
func (b *Browser) Session() (session footfall.Session, ok bool) {
	b.t.Helper()
	h := b.tracker.Optional(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		if session, ok, err = b.tracker.Tracker.Session(r.Context()); err != nil {
			b.t.Fatalf("read the session: %v", err)
		}
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, b.Request(http.MethodGet, "/footfalltest", nil))
	return session, ok
}
