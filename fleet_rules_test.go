package footfall_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
)

func TestFleet_PageViewsAreExact(t *testing.T) {
	t.Parallel()
	const each, instances = 100, 3
	f := newFleet(t, instances)
	b := newBrowser(t, nil)
	f.on(0, b, "GET", "/")
	var clients sync.WaitGroup
	for i := range instances {
		for range 4 {
			c := b.with(b.cookie("session"))
			c.handler = f.sites[i]
			clients.Go(func() {
				for range each {
					c.do("GET", "/")
				}
			})
		}
	}
	clients.Wait()
	const want = 1 + each*instances*4
	id := sessionOf(t, b)
	soon(t, 5*time.Second, "the hot store shows all page views", func() bool { return f.hotViews(id) == want })
	f.settle()
	if rec := f.instances[0].stored(id); rec.PageViews != want {
		t.Errorf("%d page views through %d instances are %d in the archive", want, instances, rec.PageViews)
	}
}

func TestFleet_LoginIsSeenWithTheNextRequest(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	b := newBrowser(t, nil)
	f.on(0, b, "GET", "/")
	f.on(1, b, "GET", "/") // both hold the session as an anonymous one
	old := b.with(b.cookie("session"))
	if got := text(t, f.on(0, b, "POST", "/login/alice")); got != "ok" {
		t.Fatal(got)
	}
	if got := text(t, f.on(1, b, "GET", "/me")); !strings.HasSuffix(got, " alice") {
		t.Errorf("after a login on one instance, the next request on another is answered %q", got)
	}
	if got := status(f.on(1, old, "GET", "/me")); got != http.StatusUnauthorized {
		t.Errorf("the cookie from before the login is worth %d on another instance", got)
	}
}

func TestFleet_LogoutIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	login := func(t *testing.T) (*fleet, *browser, *browser) {
		f := newFleet(t, 2)
		b := newBrowser(t, nil)
		f.on(0, b, "POST", "/login/alice")
		if got := status(f.on(1, b, "GET", "/me")); got != http.StatusOK {
			t.Fatalf("logged in on one instance, GET /me on another is %d", got)
		}
		return f, b, b.with(b.cookie("session"))
	}
	t.Run("with_the_next_request", func(t *testing.T) {
		t.Parallel()
		f, b, thief := login(t)
		f.on(0, b, "POST", "/logout")
		if got := status(f.on(1, thief, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("after a logout on one instance, the next request on another is %d", got)
		}
	})
	t.Run("after_an_old_snapshot", func(t *testing.T) {
		t.Parallel()
		f, b, thief := login(t)
		putBack := f.snapshot(sessionOf(t, b))
		f.on(0, b, "POST", "/logout")
		putBack()
		if got := status(f.on(1, thief, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("with an old snapshot in the hot store, a session that was logged out is worth %d", got)
		}
	})
	t.Run("while_the_archive_is_away_after_an_old_snapshot", func(t *testing.T) {
		t.Parallel()
		f, b, thief := login(t)
		putBack := f.snapshot(sessionOf(t, b))
		f.instances[1].archive.down.Store(true)
		f.on(0, b, "POST", "/logout")
		putBack()
		if got := status(f.on(1, thief, "GET", "/me")); got != http.StatusServiceUnavailable {
			t.Errorf("nobody can know whether a session of an old snapshot was logged out, but the answer is %d", got)
		}
	})
	t.Run("though_the_hot_store_does_not_take_it", func(t *testing.T) {
		t.Parallel()
		f, b, thief := login(t)
		f.instances[0].hot.down.Store(true)
		if got := text(t, f.on(0, b, "POST", "/logout")); got != "ok" {
			t.Fatalf("a logout that the archive takes: %s", got)
		}
		if got := status(f.on(1, thief, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("after a logout that the hot store did not take, the next request on another instance is %d", got)
		}
	})
	t.Run("or_it_is_503", func(t *testing.T) {
		t.Parallel()
		f, b, _ := login(t)
		f.instances[0].archive.down.Store(true)
		if got := status(f.on(0, b, "POST", "/logout")); got != http.StatusServiceUnavailable || b.cookie("session") == "" {
			t.Errorf("a logout that the archive does not take is %d, and the cookie is now %q", got, b.cookie("session"))
		}
	})
}

func TestFleet_RevocationIsKnownWhenItReturns(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	b := newBrowser(t, nil)
	f.on(1, b, "POST", "/login/alice")
	checked := time.Now()
	if err := f.instances[0].tracker.EndCustomerSessions(context.Background(), "alice"); err != nil {
		t.Fatal(err)
	}
	if got := status(f.on(1, b, "GET", "/me")); got != http.StatusUnauthorized {
		t.Errorf("after a revocation on one instance, the next request on another is %d", got)
	}
	late := f.instances[1].tracker.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := f.instances[1].tracker.Login(r.Context(), "alice", checked); err == nil {
			t.Error("a login whose password check began before the revocation was granted on another instance")
		}
	}))
	newBrowser(t, late).do("POST", "/")
}

func TestFleet_EmptiedHotStoreComesBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	b := newBrowser(t, nil)
	f.on(0, b, "POST", "/login/alice")
	views := int64(0)
	visit := func(n int) {
		for i := range n {
			if got := text(t, f.on(i%2, b, "GET", "/")); !strings.HasSuffix(got, " alice") {
				t.Fatalf("a customer's page is %q", got)
			}
			views++
		}
	}
	visit(20)
	id := sessionOf(t, b)
	if err := f.store.Delete(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	visit(20)
	if got := status(f.on(1, b, "GET", "/me")); got != http.StatusOK {
		t.Errorf("after the hot store lost everything, the customer is answered %d", got)
	}
	f.settle()
	if rec := f.instances[0].stored(id); rec.PageViews != views {
		t.Errorf("%d page views are %d in the archive", views, rec.PageViews)
	}
	soon(t, 30*time.Second, "the hot store shows all page views again", func() bool {
		time.Sleep(2 * time.Second)
		visit(1)
		time.Sleep(500 * time.Millisecond)
		return f.hotViews(id) == views
	})
}

func TestFleet_LostJournalLosesNoSession(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.instances[0].archive.down.Store(true) // as good as lost
	b := newBrowser(t, nil)
	f.on(0, b, "GET", "/landing?utm_source=letter")
	for range 3 {
		f.on(1, b, "GET", "/")
	}
	f.instances[1].settle()
	rec, ok, err := f.sqlite.Session(context.Background(), sessionOf(t, b))
	if err != nil || !ok || rec.PageViews != 3 || rec.UTMSource != "letter" {
		t.Errorf("of a session that another instance began, the archive has %+v, %v, %v", rec.Session, ok, err)
	}
}

func TestFleet_LoginWithoutTheHotStore(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(s *stage, off bool){
		"down":      func(s *stage, off bool) { s.hot.down.Store(off) },
		"read_only": func(s *stage, off bool) { s.hot.readOnly.Store(off) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2)
			b, fresh := newBrowser(t, nil), newBrowser(t, nil)
			f.on(0, b, "GET", "/")
			f.on(1, b, "GET", "/")
			f.settle()
			id := sessionOf(t, b)
			for _, s := range f.instances {
				cut(s, true)
			}
			for _, b := range []*browser{b, fresh} {
				if got := text(t, f.on(0, b, "POST", "/login/alice")); got != "ok" {
					t.Fatalf("a login that the archive takes: %s", got)
				}
			}
			if sessionOf(t, b) != id {
				t.Error("the login began another session")
			}
			cookie := b.cookie("session")
			if name == "read_only" { // what can be read is older than the login
				if got := text(t, f.on(1, b, "GET", "/me")); !strings.HasSuffix(got, " alice") {
					t.Errorf("a login that only the archive has is answered %q by another instance", got)
				}
			} else if got := status(f.on(1, b, "GET", "/me")); got != http.StatusServiceUnavailable {
				t.Errorf("without the hot store, a customer's route is %d", got)
			}
			for i := range f.instances {
				f.on(i, b, "GET", "/")
			}
			if b.cookie("session") != cookie {
				t.Error("the outage changed the cookie")
			}
			for _, s := range f.instances {
				cut(s, false)
			}
			for i := range f.instances {
				for _, b := range []*browser{b, fresh} {
					if got := text(t, f.on(i, b, "GET", "/me")); !strings.HasSuffix(got, " alice") {
						t.Errorf("after the outage the customer is answered %q by instance %d", got, i)
					}
				}
			}
		})
	}
}

// A session that began a moment ago, while the hot store takes nothing, is known
// to the instance that began it alone.
func TestFleet_BeginningThatIsStillOnItsWay(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	for _, s := range f.instances {
		s.hot.readOnly.Store(true)
	}
	f.instances[0].archive.down.Store(true)
	b := newBrowser(t, nil)
	f.on(0, b, "GET", "/")
	cookie := b.cookie("session")
	for range 3 {
		f.on(1, b, "GET", "/")
	}
	if got := status(f.on(1, b, "GET", "/me")); got != http.StatusServiceUnavailable || b.cookie("session") != cookie {
		t.Errorf("a customer's route is %d, and the cookie changed: %v", got, b.cookie("session") != cookie)
	}
	f.instances[0].archive.down.Store(false)
	soon(t, 10*time.Second, "all page views are counted", func() bool {
		rec, ok, err := f.sqlite.Session(context.Background(), sessionOf(t, b))
		return err == nil && ok && rec.PageViews == 4
	})
}

func TestFleet_CountsWithoutTheHotStore(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	anonymous, customer := newBrowser(t, nil), newBrowser(t, nil)
	f.on(0, anonymous, "GET", "/")
	f.on(0, customer, "POST", "/login/alice")
	f.on(0, customer, "GET", "/")
	f.settle()
	for _, s := range f.instances {
		s.hot.down.Store(true)
	}
	for i := range 10 { // the second instance has never seen them
		f.on(i%2, anonymous, "GET", "/")
		// Who was read within the last second is still known.
		if got := text(t, f.on(i%2, customer, "GET", "/")); i%2 == 1 && strings.HasSuffix(got, "alice") {
			t.Errorf("with the hot store down a page is told who is logged in: %q", got)
		}
	}
	f.settle()
	for b, want := range map[*browser]int64{anonymous: 11, customer: 11} {
		if rec := f.instances[0].stored(sessionOf(t, b)); rec.PageViews != want {
			t.Errorf("page views without the hot store: %d of %d were counted", rec.PageViews, want)
		}
	}
}

// Neither store can say what a cookie is worth: what happens is counted when the
// archive can.
func TestFleet_CountsWithoutAnyStore(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	for _, s := range f.instances {
		s.hot.down.Store(true)
		s.archive.down.Store(true)
	}
	b := newBrowser(t, nil)
	f.on(0, b, "GET", "/")
	cookie := b.cookie("session")
	for range 5 {
		f.on(1, b, "GET", "/")
	}
	f.on(1, b, "POST", "/event/add_to_cart")
	forged := b.with(cookie[:45] + strings.Repeat("A", 20) + cookie[65:])
	f.on(1, forged, "GET", "/")
	if b.cookie("session") != cookie {
		t.Error("the outage changed the cookie")
	}
	for _, s := range f.instances {
		s.hot.down.Store(false)
		s.archive.down.Store(false)
	}
	soon(t, 10*time.Second, "all page views are in the archive", func() bool {
		rec, ok, err := f.sqlite.Session(context.Background(), sessionOf(t, b))
		return err == nil && ok && rec.PageViews == 6
	})
	f.settle()
	events, err := f.sqlite.Events(context.Background(), sessionOf(t, b), 100)
	if err != nil || len(events) != 7 {
		t.Errorf("the archive has %d events of the session, want 7 (%v)", len(events), err)
	}
	for _, e := range events {
		if e.VisitorID != events[0].VisitorID || e.VisitorID == "" {
			t.Errorf("an event is of visitor %q", e.VisitorID)
		}
	}
}

func TestFleet_OrderWithoutTheArchive(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	b := newBrowser(t, nil)
	f.on(0, b, "GET", "/")
	f.instances[0].archive.down.Store(true)
	if got := text(t, f.on(0, b, "POST", "/order/o1")); got != "ok" {
		t.Fatalf("an order while the archive is away: %s", got)
	}
	f.instances[0].archive.down.Store(false)
	if got := text(t, f.on(0, b, "POST", "/order/o2")); got != "ok" {
		t.Fatal(got)
	}
	f.settle()
	for _, id := range []string{"o1", "o2"} {
		if order, ok, err := f.sqlite.Order(context.Background(), id); err != nil || !ok || order.SessionID != sessionOf(t, b) {
			t.Errorf("order %s: %+v, %v, %v", id, order, ok, err)
		}
	}
}

func TestFleet_StartWithoutTheArchive(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	b := newBrowser(t, nil)
	f.on(0, b, "POST", "/login/alice")
	s := f.add(true)
	if got := status(f.on(1, b, "GET", "/me")); got != http.StatusServiceUnavailable {
		t.Errorf("an instance that does not know what was revoked answers a customer with %d", got)
	}
	if got := status(f.on(1, b, "GET", "/")); got != http.StatusOK {
		t.Errorf("an instance without its archive answers a page with %d", got)
	}
	s.archive.down.Store(false)
	if got := text(t, f.on(1, b, "GET", "/me")); !strings.HasSuffix(got, " alice") {
		t.Errorf("with the archive back a customer is answered %q", got)
	}
}

var _ footfall.Archive = (*faultyArchive)(nil)
