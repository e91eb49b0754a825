package blackbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// transport keeps connections for all browsers.
var transport = &http.Transport{MaxIdleConnsPerHost: 1000, MaxIdleConns: 4000, DisableCompression: true, ExpectContinueTimeout: patience}

// A browser keeps cookies.
type browser struct {
	t    testing.TB
	shop *shop
	jar  *cookiejar.Jar
	http *http.Client
	// What it sends with each request.
	header http.Header
}

func (s *shop) browser(header ...string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	b := &browser{
		t: s.t, shop: s, jar: jar, header: http.Header{"User-Agent": {firefox}},
		http: &http.Client{Transport: transport, Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	setHeader(b.header, header)
	return b
}

// stranger is a browser without a jar: it sends the cookies it is told to.
func (s *shop) stranger(header ...string) *browser {
	b := s.browser(header...)
	b.http.Jar = nil
	return b
}

// setHeader sets "Name: value" lines; one without a value removes the header.
// Of several Cookie lines all are sent.
func setHeader(h http.Header, lines []string) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case value == "":
			h.Del(name)
		case name == "Cookie" && h.Get(name) != "":
			h.Add(name, value)
		default:
			h.Set(name, value)
		}
	}
}

// An answer has been read to its end.
type answer struct {
	t       testing.TB
	request string
	status  int
	header  http.Header
	body    []byte

	// The envelope, if it is one.
	Success        *bool
	Data           json.RawMessage
	Error, Message string
}

// try makes a request. An error means that no whole answer came.
func (b *browser) try(method, path, body string, header ...string) (*answer, error) {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, b.shop.url+path, content)
	if err != nil {
		return nil, err
	}
	req.Header = b.header.Clone()
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	setHeader(req.Header, header)
	resp, err := b.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answer{t: b.t, request: method + " " + path, status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	_ = json.Unmarshal(a.body, a)
	return a, nil
}

// do is try where nothing may go wrong.
func (b *browser) do(method, path, body string, header ...string) *answer {
	b.t.Helper()
	a, err := b.try(method, path, body, header...)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (b *browser) get(path string, header ...string) *answer {
	b.t.Helper()
	return b.do("GET", path, "", header...)
}

func (b *browser) post(path, body string, header ...string) *answer {
	b.t.Helper()
	return b.do("POST", path, body, header...)
}

// view looks at a page, which has to work.
func (b *browser) view(path string, header ...string) *answer {
	b.t.Helper()
	return b.get(path, header...).want(200)
}

// cookie is what the browser would send, in wire form; "" for none.
func (b *browser) cookie(name string) string {
	u, err := url.Parse(b.shop.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) session() string { return sessionIn(b.cookie("session")) }
func (b *browser) visitor() string { return visitorIn(b.cookie("visitor_id")) }

// asks is what GET /session says; it changes nothing.
func (b *browser) asks(header ...string) *sessionJSON {
	b.t.Helper()
	return b.get(sessionPath, header...).want(200).session()
}

// A sessionJSON is a session as the shop and the command show it.
type sessionJSON struct {
	SessionID, VisitorID, Type string
	CustomerID, OrderID        *string
	LandingPage, UTMSource     *string
	PageViews                  int
	Converted                  bool
	StartedAt, LastSeenAt      time.Time
	EndedAt                    *time.Time
	EndReason                  *string
}

// want fails unless the status is this.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d\n%.500s", a.request, a.status, status, a.body)
	}
	return a
}

func (a *answer) String() string {
	if a == nil {
		return "no answer"
	}
	return fmt.Sprintf("%s: %d %v %.300s", a.request, a.status, a.header, a.body)
}

// into decodes the answer's data.
func (a *answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Data, v); err != nil {
		a.t.Fatalf("%s: data: %v\n%.500s", a.request, err, a.body)
	}
}

func (a *answer) session() *sessionJSON {
	a.t.Helper()
	var s *sessionJSON
	a.into(&s)
	return s
}

// set returns the wire value that the answer sets for a cookie, "" if it sets
// none or clears it.
func (a *answer) set(name string) string {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name && c.MaxAge >= 0 {
			return c.Value
		}
	}
	return ""
}

// once fails if the answer sets a cookie more than once.
func (a *answer) once() *answer {
	a.t.Helper()
	seen := map[string]int{}
	for _, line := range a.header["Set-Cookie"] {
		name, _, _ := strings.Cut(line, "=")
		if seen[name]++; seen[name] > 1 {
			a.t.Errorf("%s: sets cookie %s %d times", a.request, name, seen[name])
		}
	}
	return a
}

// An orderJSON is a placed order.
type orderJSON struct {
	ID        string
	SessionID *string
	Total     struct {
		Amount   int64
		Currency string
	}
}

func (a *answer) order() (o orderJSON) {
	a.t.Helper()
	a.into(&o)
	return o
}

// sign signs a value as Express's cookie-parser does.
func sign(value, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(value))
	return wire("s:" + value + "." + base64.RawStdEncoding.EncodeToString(mac.Sum(nil)))
}

// wire is encodeURIComponent.
func wire(s string) string {
	return strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(url.QueryEscape(s))
}

// signed is the value in a cookie, and what follows it.
func signed(cookie string) (value, signature string) {
	text, err := url.PathUnescape(cookie)
	if err != nil || !strings.HasPrefix(text, "s:") {
		return "", ""
	}
	i := strings.LastIndexByte(text, '.')
	return text[2:i], text[i+1:]
}

// sessionIn is the session id in a session cookie, visitorIn the visitor id in a
// visitor cookie.
func sessionIn(cookie string) string {
	value, _ := signed(cookie)
	id, _, _ := strings.Cut(value, ".")
	return id
}

func visitorIn(cookie string) string {
	value, _ := signed(cookie)
	return strings.TrimPrefix(value, "v1.")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
