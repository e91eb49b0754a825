package footfall_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/sqlitearchive"
)

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

// When the password check began says nothing of when the secret changed.
func TestLogin_AfterALongCheckKeepsTheGraceTime(t *testing.T) {
	s := newStage(t, nil)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /otp", func(w http.ResponseWriter, r *http.Request) {
		if err := s.tracker.Login(r.Context(), "alice", time.Now().Add(-time.Minute)); err != nil {
			t.Error(err)
		}
	})
	mux.Handle("/", s.site())
	b := newBrowser(t, s.tracker.Handler(mux))
	b.do("GET", "/")
	inflight := b.request("GET", "/peek2")
	inflight2 := b.request("POST", "/logout")
	b.do("POST", "/otp")
	resp := b.with("").send(inflight)
	if strings.Contains(cookieNames(resp), "session") {
		t.Error("a request in flight during the login replaces the login's cookie")
	}
	if resp = b.with("").send(inflight2); resp.StatusCode != http.StatusServiceUnavailable || len(resp.Cookies()) != 0 {
		t.Errorf("a logout in flight during the login: %d, cookies %v; it changes nothing", resp.StatusCode, resp.Cookies())
	}
}

// A slow request beside a login in another tab takes nothing from it.
func TestSupersededSecret_WhileARequestRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		mux := http.NewServeMux()
		mux.HandleFunc("POST /pay", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(15 * time.Second)
			_, _, err := s.tracker.PlaceOrder(r.Context(), footfall.OrderInput{ID: "o1", Total: footfall.Money{Amount: 1, Currency: "EUR"}})
			fmt.Fprint(w, "done", err)
		})
		mux.Handle("/", s.site())
		b := newBrowser(t, s.tracker.Handler(mux))
		b.do("GET", "/")
		id := sessionOf(t, b)
		r := b.request("POST", "/pay")
		done := make(chan *http.Response)
		go func() {
			w := httptest.NewRecorder()
			b.handler.ServeHTTP(w, r)
			done <- w.Result()
		}()
		time.Sleep(time.Second)
		b.do("POST", "/login/alice")
		b.do("GET", "/")
		resp := <-done
		b.jar.SetCookies(r.URL, resp.Cookies())
		if got := text(t, b.do("GET", "/me")); got != id+" alice" {
			t.Errorf("/me: %q", got)
		}
	})
}

// The surest siblings of all have one visitor cookie.
func TestFold_AReturningVisitorsOwnRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		time.Sleep(time.Hour)
		var rs []*http.Request
		for range 6 {
			rs = append(rs, b.request("GET", "/api"))
		}
		for _, r := range rs {
			b.send(r)
		}
		time.Sleep(3 * time.Second)
		b.do("GET", "/next")
		time.Sleep(20 * time.Second)
		n, _ := s.sqlite.SessionsBegun(context.Background(), time.Now().Add(-time.Minute))
		if n != 1 {
			t.Errorf("%d sessions of one returning visitor's page", n)
		}
	})
}

// With the journal full a login lives in the hot store, and activity keeps it alive.
func TestJournalFull_KeepsACustomerLoggedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(c *footfall.Config) { c.JournalMaxBytes = 1 << 20 })
		s.archive.down.Store(true)
		filler := newBrowser(t, s.site())
		filler.do("GET", "/")
		for s.count("journal_refused") < 20 {
			filler.do("GET", "/?"+strings.Repeat("x", 1500))
		}
		for n := s.count("journal_refused"); s.count("journal_refused") < n+20; {
			filler.do("GET", "/")
		}
		b := newBrowser(t, s.site())
		if got := text(t, b.do("POST", "/login/alice")); got != "ok" {
			t.Fatal(got)
		}
		id := sessionOf(t, b)
		for i := range 5 {
			time.Sleep(10 * time.Minute)
			filler.do("GET", "/")
			if got := text(t, b.do("GET", "/shop")); got != id+" alice" {
				t.Errorf("after %d0 minutes of page views: %q", i+1, got)
				break
			}
		}
		s.archive.down.Store(false)
	})
}

// A login that says that it failed leaves nobody logged in.
func TestLogin_AnewAfterATimeout(t *testing.T) {
	s := newStage(t, nil)
	gate := make(chan struct{})
	s.hot.HotStore = &slowHot{s.hot.HotStore, gate, &sync.Once{}}
	done := make(chan error, 1)
	h := s.tracker.Handler(http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		done <- s.tracker.Login(r.Context(), "alice", time.Now())
	}), 50*time.Millisecond, "too slow"))
	b := newBrowser(t, h)
	b.do("POST", "/slow")
	close(gate)
	err := <-done
	b.handler = s.site()
	got := text(t, b.do("GET", "/me"))
	if errors.Is(err, footfall.ErrHeaderSent) && strings.Contains(got, "alice") {
		t.Error("Login said that it failed, and the browser is logged in")
	}
}

// The shop's own code may panic; the request ends all the same.
func TestHandler_IsPageViewPanics(t *testing.T) {
	s := newStage(t, func(c *footfall.Config) {
		c.IsPageView = func(r *http.Request, status int) bool {
			if status == 200 {
				panic("nil map")
			}
			return false
		}
	})
	h := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(500)
			}
		}()
		fmt.Fprint(w, "hi")
	}))
	done := make(chan int, 1)
	go func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", origin+"/", nil))
		done <- w.Code
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
		t.Error("the request hangs for ever")
	}
}

// Middleware further in may still run when the answer has gone out.
func TestHandler_RestrictedBesideTheAnswer(t *testing.T) {
	s := newStage(t, nil)
	h := s.tracker.Handler(http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.tracker.Uncounted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			for range 200 {
				s.tracker.Uncounted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})).ServeHTTP(w, r)
			}
		})).ServeHTTP(w, r)
	}), 10*time.Millisecond, "too slow"))
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	b.handler = h
	for range 30 {
		b.do("GET", "/")
	}
	time.Sleep(20 * time.Millisecond)
}

// Of much activity with nothing to count, the latest moment is kept.
func TestActivity_TheLastOfItReachesTheArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("POST", "/login/alice")
		id := sessionOf(t, b)
		time.Sleep(5 * time.Second)
		b.do("GET", "/me")
		time.Sleep(900 * time.Millisecond)
		b.do("GET", "/me")
		last := time.Now()
		time.Sleep(10 * time.Second)
		if rec := s.stored(id); last.Sub(rec.LastSeenAt) > 100*time.Millisecond {
			t.Errorf("the archive's lastSeenAt is %v behind, 10 s later", last.Sub(rec.LastSeenAt))
		}
	})
}

// A fold that cannot be done now is done later.
func TestFold_WaitsForTheHotStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		site := s.site()
		b := newBrowser(t, site)
		var rs []*http.Request
		for range 6 {
			rs = append(rs, b.request("GET", "/api"))
		}
		for _, r := range rs {
			b.send(r)
		}
		time.Sleep(time.Second)
		b.do("GET", "/next")
		s.hot.down.Store(true)
		time.Sleep(8 * time.Second)
		s.hot.down.Store(false)
		time.Sleep(time.Minute)
		n, _ := s.sqlite.SessionsBegun(context.Background(), time.Now().Add(-time.Hour))
		if n != 1 {
			t.Errorf("%d sessions a minute after the hot store is back", n)
		}
	})
}

// A change of password is no login.
func TestEndOtherSessions_IsNoLogin(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("POST", "/login/alice")
	id := sessionOf(t, b)
	b.do("POST", "/others")
	s.settle()
	ev, _ := s.sqlite.Events(context.Background(), id, 10)
	n := 0
	for _, e := range ev {
		if e.EventType == footfall.EventCustomerLogin {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d customer_login events, counter %d", n, s.count("logins"))
	}
}

// What was revoked just before a crash counts from the first request on.
func TestReplay_RevocationsAreKnownBeforeAnybodyIsLetIn(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("POST", "/login/alice")
	s.settle()
	s.archive.down.Store(true)
	if err := s.tracker.EndCustomerSessions(context.Background(), "alice"); err != nil {
		t.Fatal(err)
	}
	shared := s.hot.HotStore
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	_ = s.tracker.Close(ctx)
	cancel()
	s.archive.Close()
	var err error
	if s.sqlite, err = sqlitearchive.Open(filepath.Join(s.dir, "footfall.db"), sqlitearchive.Options{}); err != nil {
		t.Fatal(err)
	}
	s.archive = &faultyArchive{Archive: s.sqlite}
	s.hot = &faultyHot{HotStore: shared}
	c := s.config
	c.Hot, c.Archive = s.hot, s.archive
	if s.tracker, err = footfall.New(c); err != nil {
		t.Fatal(err)
	}
	b.handler = s.site()
	resp := b.do("GET", "/me")
	if resp.StatusCode == http.StatusOK {
		t.Errorf("a revoked customer is let in after the replay: %s", text(t, resp))
	}
}

// A trusted proxy in front of an intranet is not forgotten.
func TestProxy_TrustedWithPrivateClients(t *testing.T) {
	s := newStage(t, func(c *footfall.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")} })
	b := newBrowser(t, s.site())
	b.addr = "10.0.0.1:99"
	b.header.Set("X-Forwarded-For", "10.1.2.3")
	b.do("GET", "/")
	if n := s.count("forgotten_proxy"); n != 0 {
		t.Errorf("a trusted proxy's private client counts as a forgotten proxy (%d)", n)
	}
}

// Software that holds a session cookie keeps nothing alive.
func TestBot_ExtendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		id := sessionOf(t, b)
		b.header.Set("User-Agent", "curl/8.0")
		for range 3 {
			time.Sleep(20 * time.Minute)
			b.do("GET", "/me")
		}
		rec := s.stored(id)
		if rec.LastSeenAt.Sub(rec.StartedAt) > time.Minute {
			t.Errorf("a bot's requests to an uncounted route extend an anonymous session by %v", rec.LastSeenAt.Sub(rec.StartedAt))
		}
	})
}

// A clean end leaves nothing to replay, also when the last thing that happened
// was activity with nothing to count.
func TestClose_LeavesAnEmptyJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("POST", "/login/alice")
		b.do("GET", "/me")
		time.Sleep(900 * time.Millisecond)
		b.do("GET", "/me")
		id, last := sessionOf(t, b), time.Now()
		s.stop()
		left, err := filepath.Glob(filepath.Join(s.dir, "journal", "*.wal"))
		if err != nil || len(left) != 0 {
			t.Errorf("the journal still has %v, %v", left, err)
		}
		s.start()
		if behind := last.Sub(s.stored(id).LastSeenAt); behind > 100*time.Millisecond {
			t.Errorf("the archive's lastSeenAt is %v behind", behind)
		}
	})
}

// A superseded cookie counts visits; it does not turn them into sales.
func TestSupersededSecret_ConvertsNothing(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	attacker := b.with(b.cookie("session"))
	b.do("POST", "/login/alice")
	id := sessionOf(t, b)
	if got := text(t, attacker.do("POST", "/order/1")); got != "ok" {
		t.Errorf("tracking failed a sale: %s", got)
	}
	if rec := s.stored(id); rec.Converted || rec.OrderID != "" {
		t.Errorf("the customer's session is converted %v, by order %q", rec.Converted, rec.OrderID)
	}
	if o, ok, err := s.sqlite.Order(context.Background(), "1"); !ok || err != nil || o.SessionID != "" || o.CustomerID != "" || o.VisitorID == "" {
		t.Errorf("the order is %+v %v %v: a visitor's, of no session", o, ok, err)
	}
}

// An order that the journal could not take is recorded when it can.
func TestOrder_OnAFullJournalIsRecordedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(c *footfall.Config) { c.JournalMaxBytes = 1 << 20 })
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		s.archive.down.Store(true)
		for s.count("orders_unwritten") == 0 { // the reserve goes too
			b.do("GET", "/?"+strings.Repeat("x", 1500))
			if got := text(t, b.do("POST", fmt.Sprint("/order/", s.count("orders")))); got != "ok" {
				t.Fatalf("a full journal failed a sale: %s", got)
			}
		}
		placed := s.count("orders")
		s.archive.down.Store(false)
		time.Sleep(10 * time.Second)
		s.settle()
		for i := range placed {
			if _, ok, err := s.sqlite.Order(context.Background(), fmt.Sprint(i)); !ok || err != nil {
				t.Fatalf("order %d of %d is not there: %v", i, placed, err)
			}
		}
	})
}
