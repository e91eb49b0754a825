package scenarios_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/store"
)

func TestLogout(t *testing.T) {
	t.Run("is durable, clears the cookie and stays so after a restart", func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		b.Do("POST", "/login/alice")
		id, thief := stage.SessionOf(t, b), b.With(b.Cookie("session"))
		b.Do("POST", "/logout")
		if b.Cookie("session") != "" {
			t.Error("logout left the session cookie")
		}
		if b.Cookie("visitor_id") == "" {
			t.Error("logout took the visitor cookie too")
		}
		check := func(when string) {
			if resp := thief.With(thief.Cookie("session")).Do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s a logged-out cookie got %d from a customer's page", when, resp.StatusCode)
			}
		}
		check("right away")
		s.Restart()
		thief.Handler = s.Site()
		check("after a restart")
		if rec := s.Stored(id); rec.EndReason != footfall.EndLogout || rec.EndedAt.IsZero() {
			t.Errorf("the archive says the session ended %q at %v", rec.EndReason, rec.EndedAt)
		}
	})
	t.Run("wins over what other requests are changing", func(t *testing.T) {
		s := stage.New(t, nil)
		for range 20 {
			b := stage.NewBrowser(t, s.Site())
			b.Do("GET", "/")
			b.Do("POST", "/login/alice")
			thief := b.With(b.Cookie("session"))
			var wg sync.WaitGroup
			for range 4 {
				r := b.Request("POST", "/value/cart/1")
				wg.Go(func() { b.With("").Send(r) })
			}
			wg.Go(func() { thief.With(thief.Cookie("session")).Do("POST", "/logout") })
			wg.Wait()
			if resp := thief.Do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
				t.Fatalf("a value written beside a logout brought the session back: %d", resp.StatusCode)
			}
		}
	})
}

// Seed defect 5.
func TestLogout_IsDurable(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	thief := b.With(b.Cookie("session"))
	s.Archive.Down.Store(true) // the journal has it, the archive does not
	if got := stage.Text(t, b.Do("POST", "/logout")); got != "ok" {
		t.Fatal(got)
	}
	s.Archive.Down.Store(false)
	s.Restart()
	thief.Handler = s.Site()
	if resp := thief.Do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the next read restored a logged-out session: %d", resp.StatusCode)
	}
}

// Seed defect 6.
func TestLogout_OldCopiesDoNotWin(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	id := stage.SessionOf(t, b)
	ctx := context.Background()
	old, version, _, err := s.Hot.Read(ctx, id)
	if err != nil || old == nil {
		t.Fatal(err)
	}
	thief := b.With(b.Cookie("session"))
	b.Do("POST", "/logout")
	if err := s.Hot.Delete(ctx, id); err != nil { // the hot store is restored from an old snapshot
		t.Fatal(err)
	}
	if _, err := s.Hot.Put(ctx, id, "old", old, 0, version, time.Hour); err != nil {
		t.Fatal(err)
	}
	if resp := thief.Do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an old copy in the hot store brought a logged-out session back: %d", resp.StatusCode)
	}
}

func TestLogout_OfASessionBegunInTheSameRequest(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		footfall.FromContext(r.Context())
		if err := s.Tracker.Logout(r.Context()); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, "bye")
	}))
	if resp := stage.NewBrowser(t, h).Do("POST", "/"); cookieNames(resp) != "" {
		t.Errorf("it set the cookies %q for a session that is over", cookieNames(resp))
	}
	late := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		footfall.FromContext(r.Context())
		http.NotFound(w, r)
		if customer, err := s.Tracker.Customer(r.Context()); customer != "" || err != nil {
			t.Errorf("after a 404 the customer is %q, %v", customer, err)
		}
	}))
	stage.NewBrowser(t, late).Do("GET", "/")
}

func TestLogout_WithADeadCookieBeginsNothing(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	dead := b.With(b.Cookie("session"))
	b.Do("POST", "/logout")
	resp := dead.Do("POST", "/logout")
	if c := resp.Cookies(); len(c) != 1 || c[0].Name != "session" || c[0].MaxAge >= 0 {
		t.Errorf("logging out with an ended session's cookie sets %v: it clears that cookie", c)
	}
}

// With the archive behind and the hot store unable to take the end, a logged-out
// session stays so.
func TestLogout_WithALaggingArchive(t *testing.T) {
	t.Parallel()
	s := stage.New(t, func(c *footfall.Config) { c.LiveSessions = 1 })
	s.Archive.Down.Store(true)
	filler := stage.NewBrowser(t, s.Site())
	filler.Do("GET", "/") // the table is full of what the archive does not have
	s.Archive.Down.Store(false)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	thief := b.With(b.Cookie("session"))
	s.Settle()
	s.Archive.Down.Store(true)
	b.Do("POST", "/logout")
	s.Archive.Down.Store(false)
	if resp := thief.Do("GET", "/me"); resp.StatusCode == http.StatusOK {
		t.Error("the archive, a moment behind, brought a logged-out session back")
	}
}

// hungHot is a hot store that answers nothing, from a moment on.
type hungHot struct {
	footfall.HotStore
	mu   sync.Mutex
	hung bool
}

func (h *hungHot) hang(ctx context.Context) error {
	h.mu.Lock()
	hung := h.hung
	h.mu.Unlock()
	if !hung {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (h *hungHot) Read(ctx context.Context, id string) ([]byte, int64, store.Activity, error) {
	if err := h.hang(ctx); err != nil {
		return nil, 0, store.Activity{}, err
	}
	return h.HotStore.Read(ctx, id)
}

func (h *hungHot) Put(ctx context.Context, id, series string, doc []byte, p, v int64, ttl time.Duration) (bool, error) {
	if err := h.hang(ctx); err != nil {
		return false, err
	}
	return h.HotStore.Put(ctx, id, series, doc, p, v, ttl)
}

// A control fact is answered within 2 s, whatever the hot store does: the wait for
// the other instances is part of them.
func TestLogout_IsAnsweredWithinTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := stage.NewFleet(t, 1)
		hung := &hungHot{HotStore: memstore.New(0)}
		f.Instances[0].Hot.HotStore = hung
		b := stage.NewBrowser(t, f.Sites[0])
		b.Do("GET", "/")
		if got := stage.Text(t, b.Do("POST", "/login/anna")); got != "ok" {
			t.Fatal(got)
		}
		f.Settle()
		hung.mu.Lock()
		hung.hung = true
		hung.mu.Unlock()
		began := time.Now()
		resp := b.Do("POST", "/logout")
		took := time.Since(began)
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 {
			t.Errorf("logout: %d %s, want 200: the archive takes the end", resp.StatusCode, body)
		}
		if took > 2*time.Second {
			t.Errorf("the answer to a logout took %v, more than the 2 s that a control fact has", took)
		}
	})
}
