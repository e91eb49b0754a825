package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

func TestLogin(t *testing.T) {
	t.Run("keeps the session and replaces its secret", func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		id, before := stage.SessionOf(t, b), b.Cookie("session")
		b.Do("POST", "/login/alice")
		if got := stage.Text(t, b.Do("GET", "/me")); got != id+" alice" {
			t.Errorf("after login /me says %q: the session keeps its id, %s", got, id)
		}
		if b.Cookie("session") == before {
			t.Error("login left the cookie as it was: whoever knew it before is logged in now")
		}
	})
	t.Run("leaves a cookie from before worth nothing but counting", func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		attacker := b.With(b.Cookie("session"))
		b.Do("POST", "/value/cart/17")
		b.Do("POST", "/login/alice")
		if resp := attacker.Do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a cookie captured before login got %d from a customer's page", resp.StatusCode)
		}
		if got := stage.Text(t, attacker.Do("GET", "/peek")); got != stage.SessionOf(t, b) {
			t.Errorf("within the grace time a superseded cookie sees %q: the visit, and no customer", got)
		}
		if got := stage.Text(t, attacker.Do("GET", "/value/cart")); got != "" {
			t.Errorf("a superseded cookie read the value %q", got)
		}
		if resp := attacker.Do("GET", "/"); len(resp.Cookies()) != 0 {
			t.Errorf("a request on a superseded secret was given cookies: %v", resp.Cookies())
		}
	})
	t.Run("ends another customer's session and begins a new one", func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		b.Do("POST", "/login/alice")
		first := stage.SessionOf(t, b)
		b.Do("POST", "/value/cart/17")
		b.Do("POST", "/value/currency/EUR?lasting")
		b.Do("POST", "/login/bob")
		second := stage.SessionOf(t, b)
		if second == first {
			t.Fatal("two customers share one session")
		}
		if cart, currency := stage.Text(t, b.Do("GET", "/value/cart")), stage.Text(t, b.Do("GET", "/value/currency")); cart != "" || currency != "EUR" {
			t.Errorf("after an account switch cart=%q and currency=%q: only values marked so survive", cart, currency)
		}
		if rec := s.Stored(first); rec.EndReason != footfall.EndAccountSwitch || rec.CustomerID != "alice" {
			t.Errorf("the first customer's session is stored as ended %q, customer %q", rec.EndReason, rec.CustomerID)
		}
		if rec := s.Stored(second); rec.CustomerID != "bob" || rec.Type() != footfall.TypeCustomer {
			t.Errorf("the second session is stored for %q, %s", rec.CustomerID, rec.Type())
		}
	})
	t.Run("is refused when the customer was revoked since the password check began", func(t *testing.T) {
		s := stage.New(t, nil)
		var err error
		h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			since := time.Now()
			if err := s.Tracker.EndCustomerSessions(r.Context(), "alice"); err != nil {
				t.Error(err)
			}
			err = s.Tracker.Login(r.Context(), "alice", since)
		}))
		stage.NewBrowser(t, h).Do("POST", "/")
		if err == nil {
			t.Error("a login whose password check began before the revocation was let in")
		}
	})
	t.Run("keeps values", func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("POST", "/value/cart/17")
		b.Do("POST", "/login/alice")
		if got := stage.Text(t, b.Do("GET", "/value/cart")); got != "17" {
			t.Errorf("after login the cart is %q: it survives", got)
		}
		s.Restart()
		b.Handler = s.Site()
		if got := stage.Text(t, b.Do("GET", "/value/cart")); got != "17" {
			t.Errorf("after a restart the cart is %q", got)
		}
	})
	t.Run("on one session in parallel lets one secret win", func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		var wg sync.WaitGroup
		cookies := make([]string, 8)
		for i := range cookies {
			r := b.Request("POST", "/login/alice")
			wg.Go(func() {
				other := b.With("")
				other.Send(r)
				cookies[i] = other.Cookie("session")
			})
		}
		wg.Wait()
		customers := 0
		for _, c := range cookies {
			if b.With(c).Do("GET", "/me").StatusCode == http.StatusOK {
				customers++
			}
		}
		if customers == 0 {
			t.Error("after parallel logins nobody is logged in")
		}
	})
}

// Seed defect 3.
func TestLogin_ReplacesWhatAuthenticates(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	attacker := stage.NewBrowser(t, s.Site())
	attacker.Do("GET", "/")
	victim := attacker.With(attacker.Cookie("session")) // the attacker planted it
	victim.Do("POST", "/login/alice")
	if resp := attacker.Do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("session fixation: the planted cookie is logged in (%d)", resp.StatusCode)
	}
}

// Seed defect 16.
func TestLogin_SecondCustomerGetsASessionOfHisOwn(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	b.Do("POST", "/order/1")
	first := stage.SessionOf(t, b)
	b.Do("POST", "/login/bob")
	if rec := s.Stored(first); rec.CustomerID != "alice" || rec.OrderID != "1" {
		t.Errorf("alice's session is now %q's, with order %q", rec.CustomerID, rec.OrderID)
	}
}

// Logging in after the answer has begun cannot work, and says so before it
// changes anything.
func TestLogin_AfterHeader(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	var err error
	h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "begun")
		err = s.Tracker.Login(r.Context(), "alice", time.Now())
	}))
	b := stage.NewBrowser(t, h)
	b.Do("GET", "/")
	if !errors.Is(err, footfall.ErrHeaderSent) {
		t.Errorf("Login after the first byte: %v", err)
	}
	if n := s.Count("logins"); n != 0 {
		t.Error("it logged in all the same: the browser never learns the new secret")
	}
}

// A login that comes after the answer went out says so, and takes nothing from
// the visitor.
func TestLogin_AfterATimeout(t *testing.T) {
	s := stage.New(t, nil)
	release, done := make(chan struct{}), make(chan error, 1)
	mux := http.NewServeMux()
	mux.Handle("POST /slow", http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		done <- s.Tracker.Login(r.Context(), "alice", time.Now())
	}), 10*time.Millisecond, "too slow"))
	mux.Handle("/", s.Site())
	b := stage.NewBrowser(t, s.Tracker.Handler(mux))
	b.Do("POST", "/value/cart/17")
	b.Do("POST", "/slow")
	close(release)
	if err := <-done; !errors.Is(err, footfall.ErrHeaderSent) {
		t.Errorf("Login after the answer: %v", err)
	}
	if got := stage.Text(t, b.Do("GET", "/value/cart")); got != "17" {
		t.Errorf("the visitor's cookie is worth nothing any more: cart %q", got)
	}
}

// A slowHot waits with the first document of customer alice.
type slowHot struct {
	footfall.HotStore
	gate chan struct{}
	on   *sync.Once
}

func (h *slowHot) Put(ctx context.Context, id, series string, doc []byte, p, v int64, ttl time.Duration) (bool, error) {
	if strings.Contains(string(doc), `"customerId":"alice"`) {
		h.on.Do(func() { <-h.gate })
	}
	return h.HotStore.Put(ctx, id, series, doc, p, v, ttl)
}

// A login that says that it failed leaves nobody logged in.
func TestLogin_AnewAfterATimeout(t *testing.T) {
	s := stage.New(t, nil)
	gate := make(chan struct{})
	s.Hot.HotStore = &slowHot{s.Hot.HotStore, gate, &sync.Once{}}
	done := make(chan error, 1)
	h := s.Tracker.Handler(http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		done <- s.Tracker.Login(r.Context(), "alice", time.Now())
	}), 50*time.Millisecond, "too slow"))
	b := stage.NewBrowser(t, h)
	b.Do("POST", "/slow")
	close(gate)
	err := <-done
	b.Handler = s.Site()
	got := stage.Text(t, b.Do("GET", "/me"))
	if errors.Is(err, footfall.ErrHeaderSent) && strings.Contains(got, "alice") {
		t.Error("Login said that it failed, and the browser is logged in")
	}
}

// When the password check began says nothing of when the secret changed.
func TestLogin_AfterALongCheckKeepsTheGraceTime(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /otp", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Tracker.Login(r.Context(), "alice", time.Now().Add(-time.Minute)); err != nil {
			t.Error(err)
		}
	})
	mux.Handle("/", s.Site())
	b := stage.NewBrowser(t, s.Tracker.Handler(mux))
	b.Do("GET", "/")
	inflight := b.Request("GET", "/peek2")
	inflight2 := b.Request("POST", "/logout")
	b.Do("POST", "/otp")
	resp := b.With("").Send(inflight)
	if strings.Contains(cookieNames(resp), "session") {
		t.Error("a request in flight during the login replaces the login's cookie")
	}
	if resp = b.With("").Send(inflight2); resp.StatusCode != http.StatusServiceUnavailable || len(resp.Cookies()) != 0 {
		t.Errorf("a logout in flight during the login: %d, cookies %v; it changes nothing", resp.StatusCode, resp.Cookies())
	}
}
