package footfall_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
)

// What a careful reader tried to break, and once did.

func TestLogout_OfASessionBegunInTheSameRequest(t *testing.T) {
	s := newStage(t, nil)
	h := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		footfall.FromContext(r.Context())
		if err := s.tracker.Logout(r.Context()); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, "bye")
	}))
	if resp := newBrowser(t, h).do("POST", "/"); cookieNames(resp) != "" {
		t.Errorf("it set the cookies %q for a session that is over", cookieNames(resp))
	}
	late := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		footfall.FromContext(r.Context())
		http.NotFound(w, r)
		if customer, err := s.tracker.Customer(r.Context()); customer != "" || err != nil {
			t.Errorf("after a 404 the customer is %q, %v", customer, err)
		}
	}))
	newBrowser(t, late).do("GET", "/")
}

func TestLogout_WithADeadCookieBeginsNothing(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("POST", "/login/alice")
	dead := b.with(b.cookie("session"))
	b.do("POST", "/logout")
	resp := dead.do("POST", "/logout")
	if c := resp.Cookies(); len(c) != 1 || c[0].Name != "session" || c[0].MaxAge >= 0 {
		t.Errorf("logging out with an ended session's cookie sets %v: it clears that cookie", c)
	}
}

// A refund or a late order is no sign of the visitor.
func TestRefund_RevivesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("POST", "/login/alice")
		b.do("POST", "/order/1")
		time.Sleep(2 * time.Hour)
		if err := s.tracker.Refund(context.Background(), footfall.RefundInput{OrderID: "1", ID: "r1", Amount: footfall.Money{Amount: 5, Currency: "EUR"}}); err != nil {
			t.Fatal(err)
		}
		s.settle()
		s.restart()
		b.handler = s.site()
		if resp := b.do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a refund brought a session back that had ended: %d", resp.StatusCode)
		}
	})
}

// With the archive behind and the hot store unable to take the end, a logged-out
// session stays so.
func TestLogout_WithALaggingArchive(t *testing.T) {
	s := newStage(t, func(c *footfall.Config) { c.LiveSessions = 1 })
	s.archive.down.Store(true)
	filler := newBrowser(t, s.site())
	filler.do("GET", "/") // the table is full of what the archive does not have
	s.archive.down.Store(false)
	b := newBrowser(t, s.site())
	b.do("POST", "/login/alice")
	thief := b.with(b.cookie("session"))
	s.settle()
	s.archive.down.Store(true)
	b.do("POST", "/logout")
	s.archive.down.Store(false)
	if resp := thief.do("GET", "/me"); resp.StatusCode == http.StatusOK {
		t.Error("the archive, a moment behind, brought a logged-out session back")
	}
}

// A hot store that lost the latest second does not keep a session from changing.
func TestHotStore_LostItsLastSecond(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	id := sessionOf(t, b)
	ctx := context.Background()
	old, version, _, _, err := s.hot.Read(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	b.do("POST", "/login/alice")
	s.settle()
	s.restart() // the other instance: it holds nothing
	if _, err := s.hot.Put(ctx, id, "old", old, 0, version, time.Hour); err != nil {
		t.Fatal(err)
	}
	b.handler = s.site()
	if got := text(t, b.do("GET", "/me")); got != id+" alice" {
		t.Errorf("/me says %q", got)
	}
	if got := text(t, b.do("POST", "/value/cart/1")); got != "ok" {
		t.Errorf("the session cannot be changed any more: %s", got)
	}
	if got := text(t, b.do("POST", "/login/alice")); got != "ok" {
		t.Errorf("nobody can log in on it any more: %s", got)
	}
}

// Somebody who shows a visitor cookie is known: nothing of theirs is folded into
// a stranger's session.
func TestFold_OnlyWhoShowsNoCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		site := s.site()
		known := newBrowser(t, site)
		known.do("GET", "/")
		time.Sleep(time.Hour) // her session is over, her visitor cookie is not
		known.do("GET", "/back")
		id := sessionOf(t, known)
		stranger := newBrowser(t, site)
		stranger.do("GET", "/")
		stranger.do("GET", "/next")
		time.Sleep(10 * time.Second)
		if rec := s.stored(id); rec.PageViews != 1 {
			t.Errorf("the known visitor's session has %d page views", rec.PageViews)
		}
		if n, err := s.sqlite.SessionsBegun(context.Background(), time.Now().Add(-time.Minute)); n != 2 || err != nil {
			t.Errorf("%d sessions are left, %v", n, err)
		}
	})
}

// Middleware that passes on Hijack but not ReadFrom is common.
func TestHandler_HijackBehindOtherMiddleware(t *testing.T) {
	s := newStage(t, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		type passing struct {
			http.ResponseWriter
			http.Flusher
			http.Hijacker
		}
		s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h, ok := w.(http.Hijacker)
			if !ok {
				t.Error("http.Hijacker is lost")
				return
			}
			conn, rw, err := h.Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
			_ = rw.Flush()
		})).ServeHTTP(passing{w, w.(http.Flusher), w.(http.Hijacker)}, r)
	}))
	defer server.Close()
	if got := text(t, get(t, server, nil)); got != "a" {
		t.Errorf("over the hijacked connection came %q", got)
	}
	if n := s.count("sessions_begun"); n != 0 {
		t.Errorf("%d sessions began whose cookie nobody got", n)
	}
}

// A login that comes after the answer went out says so, and takes nothing from
// the visitor.
func TestLogin_AfterATimeout(t *testing.T) {
	s := newStage(t, nil)
	release, done := make(chan struct{}), make(chan error, 1)
	mux := http.NewServeMux()
	mux.Handle("POST /slow", http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		done <- s.tracker.Login(r.Context(), "alice", time.Now())
	}), 10*time.Millisecond, "too slow"))
	mux.Handle("/", s.site())
	b := newBrowser(t, s.tracker.Handler(mux))
	b.do("POST", "/value/cart/17")
	b.do("POST", "/slow")
	close(release)
	if err := <-done; !errors.Is(err, footfall.ErrHeaderSent) {
		t.Errorf("Login after the answer: %v", err)
	}
	if got := text(t, b.do("GET", "/value/cart")); got != "17" {
		t.Errorf("the visitor's cookie is worth nothing any more: cart %q", got)
	}
}

// A customer whose client calls itself a tool is a customer.
func TestCustomer_WithAToolsAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.header.Set("User-Agent", "curl/8.9.1")
		b.do("POST", "/login/alice")
		for range 4 {
			time.Sleep(20 * time.Minute)
			if resp := b.do("GET", "/me"); resp.StatusCode != http.StatusOK {
				t.Fatalf("an active customer idled out: %d", resp.StatusCode)
			}
		}
		if n := s.count("bot_views"); n != 0 {
			t.Errorf("%d bot views of a customer", n)
		}
	})
}

// A process that has forgotten when the new secret was first used does not let
// the old one live for ever.
func TestSupersededSecret_AfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		old := b.with(b.cookie("session"))
		b.do("POST", "/login/alice")
		time.Sleep(time.Minute)
		b.do("GET", "/")
		s.restart()
		old.handler = s.site()
		if got := text(t, old.do("GET", "/peek")); got != "none" {
			t.Errorf("after a restart the superseded secret finds %q", got)
		}
	})
}

// A request that began on a superseded secret never sets a cookie, however long
// it takes.
func TestSupersededSecret_SetsNoCookieLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		mux := http.NewServeMux()
		mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(30 * time.Second)
			_, _ = s.tracker.Customer(r.Context())
			fmt.Fprint(w, "done")
		})
		mux.Handle("/", s.site())
		b := newBrowser(t, s.tracker.Handler(mux))
		b.do("GET", "/")
		old := b.with(b.cookie("session"))
		b.do("POST", "/login/alice")
		b.do("GET", "/")
		if resp := old.do("GET", "/slow"); len(resp.Cookies()) != 0 {
			t.Errorf("it set %v", resp.Cookies())
		}
	})
}

func TestTrack_KeepsNumbers(t *testing.T) {
	s := newStage(t, nil)
	var id string
	h := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.tracker.Track(r.Context(), footfall.EventInput{Type: "x", Metadata: []byte(`{"n":9007199254740993,"f":0.1}`)}); err != nil {
			t.Error(err)
		}
		for _, bad := range []string{`{} {}`, `null x`} {
			if err := s.tracker.Track(r.Context(), footfall.EventInput{Type: "x", Metadata: []byte(bad)}); err == nil {
				t.Errorf("the metadata %q was accepted", bad)
			}
		}
		for _, name := range []string{"purchase", "order_completed", "refund", "customer_login", "", "a b", strings.Repeat("x", 65)} {
			if err := s.tracker.Track(r.Context(), footfall.EventInput{Type: name}); err == nil {
				t.Errorf("the event %q was accepted", name)
			}
		}
		session, _ := footfall.FromContext(r.Context())
		id = session.SessionID
	}))
	newBrowser(t, h).do("POST", "/")
	s.settle()
	events, err := s.sqlite.Events(context.Background(), id, 10)
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	if got := string(events[0].Metadata); got != `{"f":0.1,"n":9007199254740993}` {
		t.Errorf("metadata is stored as %s", got)
	}
}

// Requests that change one value at a time lose nothing of each other.
func TestUpdateValue_InParallel(t *testing.T) {
	s := newStage(t, nil)
	h := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			err := s.tracker.UpdateValue(r.Context(), "n", func(before json.RawMessage) (any, error) {
				n := 0
				if before != nil {
					if err := json.Unmarshal(before, &n); err != nil {
						return nil, err
					}
				}
				return n + 1, nil
			})
			if err == nil {
				return
			}
			if !errors.Is(err, footfall.ErrUnavailable) { // five conflicts in a row: again
				t.Error(err)
				return
			}
		}
	}))
	b := newBrowser(t, h)
	b.do("POST", "/")
	var wg sync.WaitGroup
	for range 30 {
		r := b.request("POST", "/")
		wg.Go(func() { b.with("").send(r) })
	}
	wg.Wait()
	n := 0
	newValue := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.tracker.Value(r.Context(), "n", &n); err != nil {
			t.Error(err)
		}
	}))
	b.handler = newValue
	b.do("POST", "/")
	if n != 31 {
		t.Errorf("31 requests that add one make %d", n)
	}
}

// Ending the customer's other sessions never ends this one's browser's, whatever
// it asks for at the same moment.
func TestEndOtherSessions_BesideOtherRequests(t *testing.T) {
	s := newStage(t, nil)
	for i := range 10 {
		customer := fmt.Sprint("customer-", i)
		b := newBrowser(t, s.site())
		b.do("POST", "/login/"+customer)
		id := sessionOf(t, b)
		var wg sync.WaitGroup
		for range 6 {
			r := b.request("GET", "/")
			wg.Go(func() {
				if resp := b.with("").send(r); strings.Contains(cookieNames(resp), "session") {
					t.Error("a request beside it was given another session")
				}
			})
		}
		b.do("POST", "/others")
		wg.Wait()
		if got := text(t, b.do("GET", "/me")); got != id+" "+customer {
			t.Fatalf("/me says %q", got)
		}
	}
}
