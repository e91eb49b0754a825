package footfall_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
)

// Tracker.Session tells absence from error: while the stores cannot say, what this
// process remembers is no answer.
func TestSession_AnErrorIsNoSession(t *testing.T) {
	s := newStage(t, nil)
	var session footfall.Session
	var ok bool
	var err error
	h := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = s.tracker.Login(r.Context(), "anna", time.Now())
			return
		}
		session, ok, err = s.tracker.Session(r.Context())
	}))
	b := newBrowser(t, h)
	b.do("GET", "/")
	b.do("POST", "/")
	if b.do("GET", "/"); err != nil || !ok || session.CustomerID != "anna" {
		t.Fatalf("with all in order: %+v, %v, %v; want the customer's session", session, ok, err)
	}
	s.hot.down.Store(true)
	b.do("GET", "/")
	if !errors.Is(err, footfall.ErrUnavailable) {
		t.Errorf("while the hot store fails the error is %v, want one that wraps ErrUnavailable", err)
	}
	if ok || session.CustomerID != "" {
		t.Errorf("while the hot store fails the session is %q of customer %q, want none beside the error", session.SessionID, session.CustomerID)
	}
}

// Whoever closes a tracker a second time hears what the first one heard.
func TestClose_EveryCallReturnsTheFirstError(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	s.archive.down.Store(true)
	b.do("GET", "/")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	first := s.tracker.Close(ctx)
	if first == nil {
		t.Fatal("Close returns nil though the archive did not take what the journal holds")
	}
	if second := s.tracker.Close(t.Context()); second == nil || second.Error() != first.Error() {
		t.Errorf("the second Close returns %v, the first returned %v: who asks twice must hear the same", second, first)
	}
	s.archive.down.Store(false)
	s.start() // what was left is carried over, and Close has no error at the end
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

func (h *hungHot) Read(ctx context.Context, id string) ([]byte, int64, int64, int64, error) {
	if err := h.hang(ctx); err != nil {
		return nil, 0, 0, 0, err
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
		f := newFleet(t, 1)
		hung := &hungHot{HotStore: memstore.New(0)}
		f.instances[0].hot.HotStore = hung
		b := newBrowser(t, f.sites[0])
		b.do("GET", "/")
		if got := text(t, b.do("POST", "/login/anna")); got != "ok" {
			t.Fatal(got)
		}
		f.settle()
		hung.mu.Lock()
		hung.hung = true
		hung.mu.Unlock()
		began := time.Now()
		resp := b.do("POST", "/logout")
		took := time.Since(began)
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 {
			t.Errorf("logout: %d %s, want 200: the archive takes the end", resp.StatusCode, body)
		}
		if took > 2*time.Second {
			t.Errorf("the answer to a logout took %v, more than the 2 s that a control fact has", took)
		}
	})
}
