package scenarios_test

import (
	"net/http"
	"testing"

	"github.com/footfall-go/footfall/internal/stage"
)

// crossSite is a request that another site's page made: what the browser says of it.
type crossSite struct {
	name, method, path string
	header             map[string]string
}

// withheld are requests without the cookies that the browser has.
var withheld = []crossSite{
	{"a payment's return by POST", "POST", "/event/payment_return", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Origin": "https://bank.example", "Referer": "https://bank.example/"}},
	{"its return without a referrer", "POST", "/event/payment_return", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Origin": "null"}},
	{"its return by a browser without Fetch metadata", "POST", "/event/payment_return", map[string]string{"Origin": "https://bank.example"}},
	{"its return from a page that hides its origin, likewise", "POST", "/event/payment_return", map[string]string{"Origin": "null"}},
	{"its return by a browser that names no origin", "POST", "/event/payment_return", map[string]string{"Referer": "https://bank.example/"}},
	{"a request from a browser's extension", "POST", "/event/seen", map[string]string{"Origin": "moz-extension://1f2e3d"}},
	{"a frame of the shop on another site", "GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe", "Referer": "https://blog.example/"}},
	{"an embedded document", "GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"}},
	{"a widget's fetch", "GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Origin": "https://blog.example"}},
	{"a widget's fetch by a browser without Fetch metadata", "GET", "/", map[string]string{"Origin": "https://blog.example"}},
	{"a widget's beacon", "POST", "/event/seen", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty", "Origin": "https://blog.example"}},
	{"an image on another site", "GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}},
	{"an image on another site, in a browser without Fetch metadata", "GET", "/pixel", map[string]string{"Referer": "https://blog.example/", "Accept": "image/webp,image/png,image/*;q=0.8,*/*;q=0.5"}},
	{"a download that another site starts", "GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"}},
}

func (c *crossSite) send(b *stage.Browser, cookies bool) *http.Response {
	r := b.Request(c.method, c.path)
	for name, value := range c.header {
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	if !cookies {
		r.Header.Del("Cookie")
	}
	return b.Send(r)
}

// A browser holds its SameSite=Lax cookies back from what other sites make it send.
// That such a request has none does not say that the browser has none: it must keep
// those that it has.
func TestWithheldCookies_SetNothingAndBeginNothing(t *testing.T) {
	t.Parallel()
	for _, c := range withheld {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := stage.New(t, nil)
			b := stage.NewBrowser(t, s.Site())
			b.Do("GET", "/")
			b.Do("POST", "/login/alice")
			b.Do("POST", "/value/cart/full")
			session, visitor := b.Cookie("session"), b.Cookie("visitor_id")
			s.Settle()
			views := s.Stored(stage.SessionOf(t, b)).PageViews
			if resp := c.send(b, false); len(resp.Cookies()) > 0 || resp.Header.Get("Set-Cookie") != "" {
				t.Errorf("the answer sets the cookies %q: they replace those that the browser held back", cookieNames(resp))
			}
			if b.Cookie("session") != session || b.Cookie("visitor_id") != visitor {
				t.Error("the browser's cookies changed")
			}
			if resp := b.Do("GET", "/me"); resp.StatusCode != http.StatusOK {
				t.Errorf("afterwards the customer's own page is %d: the buyer was logged out", resp.StatusCode)
			}
			s.Settle()
			if n := s.Count("sessions_begun"); n != 1 {
				t.Errorf("%d sessions began: the request began one of its own", n)
			}
			if n := s.Stored(stage.SessionOf(t, b)).PageViews; n != views {
				t.Errorf("page views went from %d to %d", views, n)
			}
		})
	}
}

// A browser that sends its cookies all the same is recognised.
func TestWithheldCookies_ThoseThatCameCount(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	for _, c := range withheld {
		if c.path != "/" || c.header["Sec-Fetch-Dest"] == "image" || c.header["Sec-Fetch-Dest"] == "object" {
			continue
		}
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		id := stage.SessionOf(t, b)
		c.send(b, true)
		if n := s.Stored(id).PageViews; n != 2 {
			t.Errorf("%s that came with its cookies: %d page views, want 2", c.name, n)
		}
	}
}

// What must go on beginning sessions.
func TestWithheldCookies_OthersBegin(t *testing.T) {
	t.Parallel()
	for _, c := range []crossSite{
		{"a link on another site", "GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Referer": "https://news.example/"}},
		{"a link, by a browser that names no destination", "GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}},
		{"a link, by a browser without Fetch metadata", "GET", "/", map[string]string{"Referer": "https://news.example/"}},
		{"a typed address", "GET", "/", map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}},
		{"the shop's own form", "POST", "/event/add_to_cart", map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Origin": stage.Origin}},
		{"the shop's own form on a page without referrers", "POST", "/event/add_to_cart", map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Origin": "null"}},
		{"the shop's own form, by a browser without Fetch metadata", "POST", "/event/add_to_cart", map[string]string{"Origin": stage.Origin}},
		{"a form of a subdomain, likewise", "POST", "/event/add_to_cart", map[string]string{"Origin": "http://www.shop.example"}},
		{"a form of another host of the shop's domain, likewise", "POST", "/event/add_to_cart", map[string]string{"Origin": "http://checkout.shop.example", "Host": "www.shop.example"}},
		{"a form that names its page alone, likewise", "POST", "/event/add_to_cart", map[string]string{"Referer": stage.Origin + "/p/1"}},
		{"a fetch from a subdomain", "GET", "/", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": "http://m.shop.example"}},
		{"a fetch of the shop's page", "GET", "/", map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}},
		{"an app's POST", "POST", "/event/add_to_cart", nil},
	} {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		if resp := c.send(b, true); cookieNames(resp) != "session visitor_id" {
			t.Errorf("%s sets the cookies %q, want both: its browser has none", c.name, cookieNames(resp))
		}
		s.Settle()
		if n := s.Count("sessions_begun"); n != 1 {
			t.Errorf("%s: %d sessions begin, want 1", c.name, n)
		}
	}
}

// An identity provider logs a customer in by a form that its page posts to the shop.
func TestWithheldCookies_ALoginByAForeignPostLogsIn(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	visitor := b.Cookie("visitor_id")
	saml := crossSite{"SAML", "POST", "/login/alice", withheld[0].header}
	if resp := saml.send(b, false); cookieNames(resp) != "session" {
		t.Errorf("a login by a foreign POST sets the cookies %q, want the session's alone: the browser may have a visitor cookie, which it held back", cookieNames(resp))
	}
	if resp := b.Do("GET", "/me"); resp.StatusCode != http.StatusOK {
		t.Errorf("after a login by a foreign POST the customer's own page is %d", resp.StatusCode)
	}
	if b.Cookie("visitor_id") != visitor {
		t.Error("the login made the browser another visitor")
	}
	// A browser without cookies gets its visitor cookie with the next answer.
	fresh := stage.NewBrowser(t, b.Handler)
	saml.send(fresh, false)
	if fresh.Do("GET", "/"); fresh.Cookie("visitor_id") == "" {
		t.Error("a browser that never had a visitor cookie gets none after such a login")
	}
}

// Two machines of a network share no domain, though their addresses end alike.
func TestWithheldCookies_AnAddressIsNoDomain(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	c := crossSite{"a form of another machine", "POST", "/event/seen", map[string]string{"Origin": "http://192.168.0.5", "Host": "10.0.0.5"}}
	if resp := c.send(b, false); cookieNames(resp) != "" {
		t.Errorf("%s sets the cookies %q", c.name, cookieNames(resp))
	}
}
