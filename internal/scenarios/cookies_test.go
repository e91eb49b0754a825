package scenarios_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// Seed defect 1.
func TestCookie_UnsignedSessionIsNoSession(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	signed := b.Cookie("session")
	value := strings.TrimPrefix(strings.ReplaceAll(signed, "%3A", ":"), "s:")
	value = value[:strings.LastIndex(value, ".")]
	reads := s.Hot.Reads.Load()
	for _, forged := range []string{value, value[:36], "s:" + value, "s%3A" + value + ".", signed[:len(signed)-3] + "abc", "s%3A" + value + "." + strings.Repeat("A", 43)} {
		if got := stage.Text(t, b.With(forged).Do("GET", "/peek")); got != "none" {
			t.Errorf("the unsigned or forged cookie %q is the session %q", forged, got)
		}
	}
	if n := s.Hot.Reads.Load() - reads; n != 0 {
		t.Errorf("cookies that nobody signed caused %d look-ups", n)
	}
}

// Seed defect 2.
func TestCookie_SecretsAreChecked(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]string{nil, {""}, {"short"}, {"your-super-secret-key-at-least-32-characters-long"}, {strings.Repeat("a", 64)}, {stage.Secret, "short"}} {
		if _, err := footfall.New(footfall.Config{Secrets: bad}); err == nil || !strings.Contains(err.Error(), "Config.Secrets") {
			t.Errorf("the secrets %q: error %v, want one that names the field", bad, err)
		}
	}
	t.Run("a key ring: the first signs, all verify, old signatures are renewed", func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		id, session, visitor := stage.SessionOf(t, b), b.Cookie("session"), b.Cookie("visitor_id")
		s.Config.Secrets = []string{"another secret, newer, of 32 bytes or more", stage.Secret}
		s.Restart()
		b.Handler = s.Site()
		b.Do("GET", "/")
		if got := stage.SessionOf(t, b); got != id {
			t.Fatalf("rotating secrets made the session %s into %s", id, got)
		}
		if b.Cookie("session") == session || b.Cookie("visitor_id") == visitor {
			t.Error("cookies signed by the old secret were not signed anew")
		}
		s.Config.Secrets = s.Config.Secrets[:1]
		s.Restart()
		b.Handler = s.Site()
		if got := stage.SessionOf(t, b); got != id {
			t.Errorf("without the old secret the renewed cookie is %q", got)
		}
		if got := stage.Text(t, b.With(session).Do("GET", "/peek")); got != "none" {
			t.Errorf("without the old secret its cookie still is %q", got)
		}
	})
}

// Seed defect 9.
func TestCookie_VisitorIsSigned(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	visitor := s.Stored(stage.SessionOf(t, b)).VisitorID
	for _, forged := range []string{visitor, "v1." + visitor, "s%3Av1." + visitor + ".AAAA", b.Cookie("session")} {
		other := stage.NewBrowser(t, b.Handler)
		r := other.Request("GET", "/")
		r.AddCookie(&http.Cookie{Name: "visitor_id", Value: forged})
		other.Send(r)
		if got := s.Stored(stage.SessionOf(t, other)).VisitorID; got == visitor {
			t.Errorf("the forged visitor cookie %q was believed", forged)
		}
		if other.Cookie("visitor_id") == "" {
			t.Error("a forged visitor cookie was not replaced")
		}
	}
	again := stage.NewBrowser(t, b.Handler)
	r := again.Request("GET", "/")
	r.AddCookie(&http.Cookie{Name: "visitor_id", Value: b.Cookie("visitor_id")})
	again.Send(r)
	if got := s.Stored(stage.SessionOf(t, again)).VisitorID; got != visitor {
		t.Errorf("a visitor who comes back is %s, was %s", got, visitor)
	}
}

// Seed defect 13.
func TestCookie_IsNotCached(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	for i, r := range []*http.Request{b.Request("GET", "/"), b.Request("POST", "/login/alice"), b.Request("POST", "/logout")} {
		if i > 0 {
			r = b.Request(r.Method, r.URL.Path)
		}
		resp := b.Send(r)
		if resp.Header.Get("Cache-Control") != "private, no-store" || resp.Header.Get("Vary") != "Cookie" {
			t.Errorf("%s %s sets a cookie with Cache-Control %q and Vary %q", r.Method, r.URL.Path, resp.Header.Get("Cache-Control"), resp.Header.Get("Vary"))
		}
	}
}

// Seed defect 20.
func TestCookie_LastsAsLongAsTheSessionMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		resp := b.Do("GET", "/")
		for _, c := range resp.Cookies() {
			if c.Name == "session" && c.MaxAge != 24*60*60 {
				t.Errorf("the session cookie's Max-Age is %d s: the absolute limit", c.MaxAge)
			}
		}
		id := stage.SessionOf(t, b)
		for range 6 { // an active shopper, for two hours
			time.Sleep(20 * time.Minute)
			b.Do("GET", "/")
		}
		if got := stage.SessionOf(t, b); got != id {
			t.Error("an active shopper lost the session")
		}
		time.Sleep(20 * time.Minute)
		resp = b.Do("POST", "/login/alice")
		if c := resp.Cookies()[0]; c.MaxAge != int((24*time.Hour-140*time.Minute)/time.Second) {
			t.Errorf("after rotation Max-Age is %d: what is left of the absolute limit", c.MaxAge)
		}
	})
}

// Seed defect 29.
func TestCookie_VisitorsHasAFixedEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, func(c *footfall.Config) { c.VisitorTTL = 10 * 24 * time.Hour })
		b := stage.NewBrowser(t, s.Site())
		end := func(resp *http.Response) time.Time {
			for _, c := range resp.Cookies() {
				if c.Name == "visitor_id" {
					return time.Now().Add(time.Duration(c.MaxAge) * time.Second)
				}
			}
			return time.Time{}
		}
		first := end(b.Do("GET", "/"))
		session := b.Cookie("session")
		time.Sleep(20 * time.Minute)
		lost := b.With(session)
		if again := end(lost.Do("GET", "/")); again.Sub(first).Abs() > time.Second {
			t.Errorf("a lost visitor cookie was restored to end at %v, first it was %v: its end is fixed", again, first)
		}
		if resp := lost.Do("GET", "/"); !end(resp).IsZero() {
			t.Error("a visitor cookie that is there was set again: visits do not prolong it")
		}
	})
}
