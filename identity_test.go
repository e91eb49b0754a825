package footfall_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/store"
)

func sessionOf(t testing.TB, b *browser) string {
	t.Helper()
	return strings.Fields(text(t, b.do("GET", "/peek")) + " ")[0]
}

func TestTracker_Login(t *testing.T) {
	t.Run("keeps the session and replaces its secret", func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		id, before := sessionOf(t, b), b.cookie("session")
		b.do("POST", "/login/alice")
		if got := text(t, b.do("GET", "/me")); got != id+" alice" {
			t.Errorf("after login /me says %q: the session keeps its id, %s", got, id)
		}
		if b.cookie("session") == before {
			t.Error("login left the cookie as it was: whoever knew it before is logged in now")
		}
	})
	t.Run("leaves a cookie from before worth nothing but counting", func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		attacker := b.with(b.cookie("session"))
		b.do("POST", "/value/cart/17")
		b.do("POST", "/login/alice")
		if resp := attacker.do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a cookie captured before login got %d from a customer's page", resp.StatusCode)
		}
		if got := text(t, attacker.do("GET", "/peek")); got != sessionOf(t, b) {
			t.Errorf("within the grace time a superseded cookie sees %q: the visit, and no customer", got)
		}
		if got := text(t, attacker.do("GET", "/value/cart")); got != "" {
			t.Errorf("a superseded cookie read the value %q", got)
		}
		if resp := attacker.do("GET", "/"); len(resp.Cookies()) != 0 {
			t.Errorf("a request on a superseded secret was given cookies: %v", resp.Cookies())
		}
	})
	t.Run("ends another customer's session and begins a new one", func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		b.do("POST", "/login/alice")
		first := sessionOf(t, b)
		b.do("POST", "/value/cart/17")
		b.do("POST", "/value/currency/EUR?lasting")
		b.do("POST", "/login/bob")
		second := sessionOf(t, b)
		if second == first {
			t.Fatal("two customers share one session")
		}
		if cart, currency := text(t, b.do("GET", "/value/cart")), text(t, b.do("GET", "/value/currency")); cart != "" || currency != "EUR" {
			t.Errorf("after an account switch cart=%q and currency=%q: only values marked so survive", cart, currency)
		}
		if rec := s.stored(first); rec.EndReason != footfall.EndAccountSwitch || rec.CustomerID != "alice" {
			t.Errorf("the first customer's session is stored as ended %q, customer %q", rec.EndReason, rec.CustomerID)
		}
		if rec := s.stored(second); rec.CustomerID != "bob" || rec.Type() != footfall.TypeCustomer {
			t.Errorf("the second session is stored for %q, %s", rec.CustomerID, rec.Type())
		}
	})
	t.Run("is refused when the customer was revoked since the password check began", func(t *testing.T) {
		s := newStage(t, nil)
		var err error
		h := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			since := time.Now()
			if err := s.tracker.EndCustomerSessions(r.Context(), "alice"); err != nil {
				t.Error(err)
			}
			err = s.tracker.Login(r.Context(), "alice", since)
		}))
		newBrowser(t, h).do("POST", "/")
		if err == nil {
			t.Error("a login whose password check began before the revocation was let in")
		}
	})
	t.Run("keeps values", func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("POST", "/value/cart/17")
		b.do("POST", "/login/alice")
		if got := text(t, b.do("GET", "/value/cart")); got != "17" {
			t.Errorf("after login the cart is %q: it survives", got)
		}
		s.restart()
		b.handler = s.site()
		if got := text(t, b.do("GET", "/value/cart")); got != "17" {
			t.Errorf("after a restart the cart is %q", got)
		}
	})
	t.Run("on one session in parallel lets one secret win", func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		var wg sync.WaitGroup
		cookies := make([]string, 8)
		for i := range cookies {
			r := b.request("POST", "/login/alice")
			wg.Go(func() {
				other := b.with("")
				other.send(r)
				cookies[i] = other.cookie("session")
			})
		}
		wg.Wait()
		customers := 0
		for _, c := range cookies {
			if b.with(c).do("GET", "/me").StatusCode == http.StatusOK {
				customers++
			}
		}
		if customers == 0 {
			t.Error("after parallel logins nobody is logged in")
		}
	})
}

func TestTracker_SupersededSecretDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		old := b.with(b.cookie("session"))
		id := sessionOf(t, b)
		b.do("POST", "/login/alice")
		time.Sleep(time.Minute) // the answer with the new cookie may have been lost: nobody has used it yet
		if got := text(t, old.do("GET", "/peek")); got != id {
			t.Errorf("before its successor's first use a superseded secret finds %q, not the visit", got)
		}
		b.do("GET", "/")
		time.Sleep(11 * time.Second)
		if got := text(t, old.do("GET", "/peek")); got != "none" {
			t.Errorf("11 s after its successor's first use a superseded secret finds %q: it is dead after 10", got)
		}
	})
}

func TestTracker_Logout(t *testing.T) {
	t.Run("is durable, clears the cookie and stays so after a restart", func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		b.do("POST", "/login/alice")
		id, thief := sessionOf(t, b), b.with(b.cookie("session"))
		b.do("POST", "/logout")
		if b.cookie("session") != "" {
			t.Error("logout left the session cookie")
		}
		if b.cookie("visitor_id") == "" {
			t.Error("logout took the visitor cookie too")
		}
		check := func(when string) {
			if resp := thief.with(thief.cookie("session")).do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s a logged-out cookie got %d from a customer's page", when, resp.StatusCode)
			}
		}
		check("right away")
		s.restart()
		thief.handler = s.site()
		check("after a restart")
		if rec := s.stored(id); rec.EndReason != footfall.EndLogout || rec.EndedAt.IsZero() {
			t.Errorf("the archive says the session ended %q at %v", rec.EndReason, rec.EndedAt)
		}
	})
	t.Run("wins over what other requests are changing", func(t *testing.T) {
		s := newStage(t, nil)
		for range 20 {
			b := newBrowser(t, s.site())
			b.do("GET", "/")
			b.do("POST", "/login/alice")
			thief := b.with(b.cookie("session"))
			var wg sync.WaitGroup
			for range 4 {
				r := b.request("POST", "/value/cart/1")
				wg.Go(func() { b.with("").send(r) })
			}
			wg.Go(func() { thief.with(thief.cookie("session")).do("POST", "/logout") })
			wg.Wait()
			if resp := thief.do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
				t.Fatalf("a value written beside a logout brought the session back: %d", resp.StatusCode)
			}
		}
	})
}

func TestTracker_CustomerSessions(t *testing.T) {
	s := newStage(t, nil)
	site := s.site()
	phone, laptop, other := newBrowser(t, site), newBrowser(t, site), newBrowser(t, site)
	for _, b := range []*browser{phone, laptop} {
		b.do("GET", "/")
		b.do("POST", "/login/alice")
	}
	other.do("POST", "/login/bob")
	s.settle()
	list := func() int {
		t.Helper()
		s.settle()
		sessions, err := s.tracker.CustomerSessions(context.Background(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		return len(sessions)
	}
	if n := list(); n != 2 {
		t.Fatalf("alice has %d sessions, not the 2 she logged in with", n)
	}
	alive := func(b *browser) bool { return b.do("GET", "/me").StatusCode == http.StatusOK }

	if got := text(t, laptop.do("POST", "/others")); got != "ok" {
		t.Fatal(got)
	}
	if !alive(laptop) || alive(phone) || !alive(other) {
		t.Error("ending all sessions but this one: this one goes on, the customer's others end, nobody else's do")
	}
	if n := list(); n != 1 {
		t.Errorf("then alice has %d sessions, not 1", n)
	}
	phone.do("POST", "/login/alice")
	if ended, err := s.tracker.EndSession(context.Background(), sessionOf(t, phone)); err != nil || !ended {
		t.Errorf("EndSession: %v, %v", ended, err)
	}
	if alive(phone) || !alive(laptop) {
		t.Error("ending one session ends that one")
	}
	if err := s.tracker.EndCustomerSessions(context.Background(), "alice"); err != nil {
		t.Fatal(err)
	}
	if alive(laptop) || !alive(other) {
		t.Error("ending a customer's sessions ends all of them and nobody else's")
	}
	s.restart()
	laptop.handler = s.site()
	if alive(laptop) {
		t.Error("a revoked session came back with a restart")
	}
	laptop.do("POST", "/login/alice")
	if !alive(laptop) {
		t.Error("after a revocation one can log in again")
	}
}

func TestTracker_Expiry(t *testing.T) {
	for _, c := range []struct {
		name   string
		every  time.Duration // a page view
		until  time.Duration
		alive  bool
		reason footfall.EndReason
	}{
		{"idle", 0, 31 * time.Minute, false, footfall.EndIdle},
		{"not quite idle", 0, 29 * time.Minute, true, ""},
		{"active", 20 * time.Minute, 110 * time.Minute, true, ""},
		{"absolute", 20 * time.Minute, 2*time.Hour + time.Minute, false, footfall.EndAbsolute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, func(c *footfall.Config) { c.MaxAge = 2 * time.Hour })
				b := newBrowser(t, s.site())
				b.do("POST", "/login/alice")
				id := sessionOf(t, b)
				for passed := time.Duration(0); passed < c.until; {
					step := c.every
					if step == 0 || passed+step > c.until {
						step = c.until - passed
					}
					time.Sleep(step)
					passed += step
					if passed < c.until {
						b.do("GET", "/")
					}
				}
				if got := b.do("GET", "/me").StatusCode == http.StatusOK; got != c.alive {
					t.Errorf("after %v the customer is let in: %v, want %v", c.until, got, c.alive)
				}
				ended := store.Lifetimes{Idle: 30 * time.Minute, Absolute: 2 * time.Hour}.Ended(s.stored(id).Session, time.Now())
				if ended.EndReason != c.reason {
					t.Errorf("its end is %q, want %q", ended.EndReason, c.reason)
				}
			})
		})
	}
}
