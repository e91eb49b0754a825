package scenarios_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/stage"
)

func TestFleet_PageViewsAreExact(t *testing.T) {
	t.Parallel()
	const each, instances = 100, 3
	f := stage.NewFleet(t, instances)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "GET", "/")
	var clients sync.WaitGroup
	for i := range instances {
		for range 4 {
			c := b.With(b.Cookie("session"))
			c.Handler = f.Sites[i]
			clients.Go(func() {
				for range each {
					c.Do("GET", "/")
				}
			})
		}
	}
	clients.Wait()
	const want = 1 + each*instances*4
	id := stage.SessionOf(t, b)
	stage.Soon(t, 5*time.Second, "the hot store shows all page views", func() bool { return f.HotViews(id) == want })
	f.Settle()
	if rec := f.Instances[0].Stored(id); rec.PageViews != want {
		t.Errorf("%d page views through %d instances are %d in the archive", want, instances, rec.PageViews)
	}
}

func TestFleet_EmptiedHotStoreComesBack(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "POST", "/login/alice")
	views := int64(0)
	visit := func(n int) {
		for i := range n {
			if got := stage.Text(t, f.On(i%2, b, "GET", "/")); !strings.HasSuffix(got, " alice") {
				t.Fatalf("a customer's page is %q", got)
			}
			views++
		}
	}
	visit(20)
	id := stage.SessionOf(t, b)
	if err := f.Store.Delete(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	visit(20)
	if got := stage.Status(f.On(1, b, "GET", "/me")); got != http.StatusOK {
		t.Errorf("after the hot store lost everything, the customer is answered %d", got)
	}
	f.Settle()
	if rec := f.Instances[0].Stored(id); rec.PageViews != views {
		t.Errorf("%d page views are %d in the archive", views, rec.PageViews)
	}
	stage.Soon(t, 30*time.Second, "the hot store shows all page views again", func() bool {
		time.Sleep(2 * time.Second)
		visit(1)
		time.Sleep(500 * time.Millisecond)
		return f.HotViews(id) == views
	})
}

func TestFleet_LostJournalLosesNoSession(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	f.Instances[0].Archive.Down.Store(true) // as good as lost
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "GET", "/landing?utm_source=letter")
	for range 3 {
		f.On(1, b, "GET", "/")
	}
	f.Instances[1].Settle()
	rec, ok, err := f.SQLite.Session(context.Background(), stage.SessionOf(t, b))
	if err != nil || !ok || rec.PageViews != 3 || rec.UTMSource != "letter" {
		t.Errorf("of a session that another instance began, the archive has %+v, %v, %v", rec.Session, ok, err)
	}
}

// A session that began a moment ago, while the hot store takes nothing, is known
// to the instance that began it alone.
func TestFleet_BeginningThatIsStillOnItsWay(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	for _, s := range f.Instances {
		s.Hot.ReadOnly.Store(true)
	}
	f.Instances[0].Archive.Down.Store(true)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "GET", "/")
	cookie := b.Cookie("session")
	for range 3 {
		f.On(1, b, "GET", "/")
	}
	if got := stage.Status(f.On(1, b, "GET", "/me")); got != http.StatusServiceUnavailable || b.Cookie("session") != cookie {
		t.Errorf("a customer's route is %d, and the cookie changed: %v", got, b.Cookie("session") != cookie)
	}
	f.Instances[0].Archive.Down.Store(false)
	stage.Soon(t, 10*time.Second, "all page views are counted", func() bool {
		rec, ok, err := f.SQLite.Session(context.Background(), stage.SessionOf(t, b))
		return err == nil && ok && rec.PageViews == 4
	})
}

func TestFleet_CountsWithoutTheHotStore(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	anonymous, customer := stage.NewBrowser(t, nil), stage.NewBrowser(t, nil)
	f.On(0, anonymous, "GET", "/")
	f.On(0, customer, "POST", "/login/alice")
	f.On(0, customer, "GET", "/")
	f.Settle()
	for _, s := range f.Instances {
		s.Hot.Down.Store(true)
	}
	for i := range 10 { // the second instance has never seen them
		f.On(i%2, anonymous, "GET", "/")
		// Who was read within the last second is still known.
		if got := stage.Text(t, f.On(i%2, customer, "GET", "/")); i%2 == 1 && strings.HasSuffix(got, "alice") {
			t.Errorf("with the hot store down a page is told who is logged in: %q", got)
		}
	}
	f.Settle()
	for b, want := range map[*stage.Browser]int64{anonymous: 11, customer: 11} {
		if rec := f.Instances[0].Stored(stage.SessionOf(t, b)); rec.PageViews != want {
			t.Errorf("page views without the hot store: %d of %d were counted", rec.PageViews, want)
		}
	}
}

// Neither store can say what a cookie is worth: what happens is counted when the
// archive can.
func TestFleet_CountsWithoutAnyStore(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	for _, s := range f.Instances {
		s.Hot.Down.Store(true)
		s.Archive.Down.Store(true)
	}
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "GET", "/")
	cookie := b.Cookie("session")
	for range 5 {
		f.On(1, b, "GET", "/")
	}
	f.On(1, b, "POST", "/event/add_to_cart")
	forged := b.With(cookie[:45] + strings.Repeat("A", 20) + cookie[65:])
	f.On(1, forged, "GET", "/")
	if b.Cookie("session") != cookie {
		t.Error("the outage changed the cookie")
	}
	for _, s := range f.Instances {
		s.Hot.Down.Store(false)
		s.Archive.Down.Store(false)
	}
	stage.Soon(t, 10*time.Second, "all page views are in the archive", func() bool {
		rec, ok, err := f.SQLite.Session(context.Background(), stage.SessionOf(t, b))
		return err == nil && ok && rec.PageViews == 6
	})
	f.Settle()
	events, err := f.SQLite.Events(context.Background(), stage.SessionOf(t, b), 100)
	if err != nil || len(events) != 7 {
		t.Errorf("the archive has %d events of the session, want 7 (%v)", len(events), err)
	}
	for _, e := range events {
		if e.VisitorID != events[0].VisitorID || e.VisitorID == "" {
			t.Errorf("an event is of visitor %q", e.VisitorID)
		}
	}
}

// While the hot store is away an instance that never saw a session asks the
// archive. If that says that it ended, this is certain: who comes with its cookie
// is a new visit, and its page views are counted.
func TestFleet_EndedSessionIsNewVisitWithoutTheHotStore(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "GET", "/")
	f.Settle()
	before := stage.SessionOf(t, b)
	if ended, err := f.Instances[0].Tracker.EndSession(context.Background(), before); !ended || err != nil {
		t.Fatal(ended, err)
	}
	f.Instances[1].Hot.Down.Store(true)
	f.On(1, b, "GET", "/")
	after := stage.SessionOf(t, b)
	f.Instances[1].Hot.Down.Store(false)
	f.Settle()
	if after == before || f.Instances[1].Stored(after).PageViews != 1 {
		t.Errorf("with the cookie of ended session %s a page view is of session %q", before, after)
	}
	if n := f.Instances[1].Count("events_unattributed"); n != 0 {
		t.Errorf("%d page views belong to nobody, though the archive knew", n)
	}
}

func TestFleet_OrderWithoutTheArchive(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "GET", "/")
	f.Instances[0].Archive.Down.Store(true)
	if got := stage.Text(t, f.On(0, b, "POST", "/order/o1")); got != "ok" {
		t.Fatalf("an order while the archive is away: %s", got)
	}
	f.Instances[0].Archive.Down.Store(false)
	if got := stage.Text(t, f.On(0, b, "POST", "/order/o2")); got != "ok" {
		t.Fatal(got)
	}
	f.Settle()
	for _, id := range []string{"o1", "o2"} {
		if order, ok, err := f.SQLite.Order(context.Background(), id); err != nil || !ok || order.SessionID != stage.SessionOf(t, b) {
			t.Errorf("order %s: %+v, %v, %v", id, order, ok, err)
		}
	}
}

func TestFleet_StartWithoutTheArchive(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 1)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "POST", "/login/alice")
	s := f.Add(true)
	if got := stage.Status(f.On(1, b, "GET", "/me")); got != http.StatusServiceUnavailable {
		t.Errorf("an instance that does not know what was revoked answers a customer with %d", got)
	}
	if got := stage.Status(f.On(1, b, "GET", "/")); got != http.StatusOK {
		t.Errorf("an instance without its archive answers a page with %d", got)
	}
	s.Archive.Down.Store(false)
	if got := stage.Text(t, f.On(1, b, "GET", "/me")); !strings.HasSuffix(got, " alice") {
		t.Errorf("with the archive back a customer is answered %q", got)
	}
}

// An event that nobody can attribute yet does not keep a process from ending.
func TestFleet_ClosesWithPendingEvents(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 1)
	s := f.Instances[0]
	ghost := stage.New(t, nil) // signs with the same secret; its session is in no store of the fleet
	b := stage.NewBrowser(t, ghost.Site())
	b.Do("GET", "/")
	f.On(0, b, "GET", "/")
	time.Sleep(600 * time.Millisecond)
	reads := s.Archive.Reads.Load()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := s.Tracker.Close(ctx); err != nil {
		t.Error(err)
	}
	if n := s.Archive.Reads.Load() - reads; n > 20 {
		t.Errorf("closing asked the archive %d times", n)
	}
}
