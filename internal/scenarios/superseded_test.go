package scenarios_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

func TestSupersededSecret_Dies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		old := b.With(b.Cookie("session"))
		id := stage.SessionOf(t, b)
		b.Do("POST", "/login/alice")
		time.Sleep(time.Minute) // the answer with the new cookie may have been lost: nobody has used it yet
		if got := stage.Text(t, old.Do("GET", "/peek")); got != id {
			t.Errorf("before its successor's first use a superseded secret finds %q, not the visit", got)
		}
		b.Do("GET", "/")
		time.Sleep(11 * time.Second)
		if got := stage.Text(t, old.Do("GET", "/peek")); got != "none" {
			t.Errorf("11 s after its successor's first use a superseded secret finds %q: it is dead after 10", got)
		}
	})
}

// A process that has forgotten when the new secret was first used does not let
// the old one live for ever.
func TestSupersededSecret_AfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		old := b.With(b.Cookie("session"))
		b.Do("POST", "/login/alice")
		time.Sleep(time.Minute)
		b.Do("GET", "/")
		s.Restart()
		old.Handler = s.Site()
		if got := stage.Text(t, old.Do("GET", "/peek")); got != "none" {
			t.Errorf("after a restart the superseded secret finds %q", got)
		}
	})
}

// A request that began on a superseded secret never sets a cookie, however long
// it takes.
func TestSupersededSecret_SetsNoCookieLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		mux := http.NewServeMux()
		mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(30 * time.Second)
			_, _ = s.Tracker.Customer(r.Context())
			fmt.Fprint(w, "done")
		})
		mux.Handle("/", s.Site())
		b := stage.NewBrowser(t, s.Tracker.Handler(mux))
		b.Do("GET", "/")
		old := b.With(b.Cookie("session"))
		b.Do("POST", "/login/alice")
		b.Do("GET", "/")
		if resp := old.Do("GET", "/slow"); len(resp.Cookies()) != 0 {
			t.Errorf("it set %v", resp.Cookies())
		}
	})
}

// A slow request beside a login in another tab takes nothing from it.
func TestSupersededSecret_WhileARequestRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		mux := http.NewServeMux()
		mux.HandleFunc("POST /pay", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(15 * time.Second)
			_, _, err := s.Tracker.PlaceOrder(r.Context(), footfall.OrderInput{ID: "o1", Total: footfall.Money{Amount: 1, Currency: "EUR"}})
			fmt.Fprint(w, "done", err)
		})
		mux.Handle("/", s.Site())
		b := stage.NewBrowser(t, s.Tracker.Handler(mux))
		b.Do("GET", "/")
		id := stage.SessionOf(t, b)
		r := b.Request("POST", "/pay")
		done := make(chan *http.Response)
		go func() {
			w := httptest.NewRecorder()
			b.Handler.ServeHTTP(w, r)
			done <- w.Result()
		}()
		time.Sleep(time.Second)
		b.Do("POST", "/login/alice")
		b.Do("GET", "/")
		resp := <-done
		b.Jar.SetCookies(r.URL, resp.Cookies())
		if got := stage.Text(t, b.Do("GET", "/me")); got != id+" alice" {
			t.Errorf("/me: %q", got)
		}
	})
}

// A superseded cookie counts visits; it does not turn them into sales.
func TestSupersededSecret_ConvertsNothing(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	attacker := b.With(b.Cookie("session"))
	b.Do("POST", "/login/alice")
	id := stage.SessionOf(t, b)
	if got := stage.Text(t, attacker.Do("POST", "/order/1")); got != "ok" {
		t.Errorf("tracking failed a sale: %s", got)
	}
	if rec := s.Stored(id); rec.Converted || rec.OrderID != "" {
		t.Errorf("the customer's session is converted %v, by order %q", rec.Converted, rec.OrderID)
	}
	if o, ok, err := s.SQLite.Order(context.Background(), "1"); !ok || err != nil || o.SessionID != "" || o.CustomerID != "" || o.VisitorID == "" {
		t.Errorf("the order is %+v %v %v: a visitor's, of no session", o, ok, err)
	}
}
