package footfall_test

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// A disk that the journal is on: each write takes a while, and may fail.
type disk struct {
	takes, fails atomic.Int64 // nanoseconds; how many writes
}

func (d *disk) write() error {
	time.Sleep(time.Duration(d.takes.Load()))
	if d.fails.Add(-1) >= 0 {
		return errors.New("no space left on device")
	}
	return nil
}

func (d *disk) becomes(takes time.Duration, fails int64) {
	d.takes.Store(int64(takes))
	d.fails.Store(fails)
}

// onDisk is footfall.New with a journal on a disk of the test's own.
func onDisk(d *disk) func(footfall.Config) (*footfall.Tracker, error) {
	return func(c footfall.Config) (*footfall.Tracker, error) { return footfall.NewWithJournalFault(c, d.write) }
}

// lateLost is a stage whose visitor's beginning and first event were late for
// their answer, and then lost: the disk stalled, and turned out to be full.
func lateLost(t *testing.T, method, path string) (*stage.Stage, *stage.Browser, *disk) {
	t.Helper()
	d := new(disk)
	d.becomes(100*time.Millisecond, 1000)
	s := stage.NewOn(t, onDisk(d), func(c *footfall.Config) { c.StoreTimeout = 20 * time.Millisecond })
	b := stage.NewBrowser(t, s.Site())
	b.Do(method, path)
	time.Sleep(time.Second)
	d.becomes(0, 0)
	if n := s.Count("journal_late_lost"); n < 2 {
		t.Fatalf("%d facts were late and lost, want the beginning and the event", n)
	}
	if n := s.Count("events_dropped"); n != 1 {
		t.Errorf("events_dropped = %d, want the event that was late and lost", n)
	}
	return s, b, d
}

// wantRecorded says that a session's page views are its events, and how many.
func wantRecorded(t *testing.T, s *stage.Stage, id string, views int64) {
	t.Helper()
	time.Sleep(time.Second)
	s.Settle()
	rec, ok, err := s.Archive.Session(context.Background(), id)
	if err != nil || !ok {
		t.Fatalf("events of a session are stored without the session (%v)", err)
	}
	events, err := s.SQLite.Events(context.Background(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for _, e := range events {
		if e.EventType == footfall.EventPageView {
			n++
		}
	}
	if rec.PageViews != views || n != views {
		t.Errorf("the session has %d page views and %d events of them, want the %d that were acknowledged", rec.PageViews, n, views)
	}
}

func TestLateLost_TheNextFactSaysTheBeginningAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b, _ := lateLost(t, "GET", "/")
		id := stage.SessionOf(t, b)
		b.Do("GET", "/")
		b.Do("GET", "/")
		wantRecorded(t, s, id, 2)
	})
}

func TestLateLost_BeginningThatIsRefusedAgainTakesItsEventAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b, d := lateLost(t, "GET", "/")
		id := stage.SessionOf(t, b)
		d.becomes(0, 1)
		b.Do("GET", "/")
		time.Sleep(time.Second)
		s.Settle()
		b.Do("GET", "/")
		wantRecorded(t, s, id, 1)
		if n := s.Count("events_dropped"); n != 2 {
			t.Errorf("events_dropped = %d, want the page view that was late and the one that was refused", n)
		}
	})
}

func TestLateLost_OutlivesTheTableOfLiveSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b, _ := lateLost(t, "GET", "/")
		id := stage.SessionOf(t, b)
		other := stage.NewBrowser(t, s.Site())
		other.Addr = "198.51.100.7:1"
		other.Do("GET", "/")
		time.Sleep(time.Second)
		s.Settle()
		time.Sleep(3 * time.Minute) // nobody comes: the session leaves this process
		for range 3 {
			b.Do("GET", "/")
		}
		wantRecorded(t, s, id, 3)
	})
}

func TestLateLost_LogoutBesideAnotherRequestIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b, d := lateLost(t, "POST", "/login/cust_1")
		id, old := stage.SessionOf(t, b), b.Cookie("session")
		d.becomes(15*time.Millisecond, 0)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if resp := b.With(old).Do("POST", "/logout"); resp.StatusCode != 200 {
				t.Errorf("logout: %d", resp.StatusCode)
			}
		}()
		time.Sleep(5 * time.Millisecond)
		b.With(old).Do("GET", "/") // while the logout is being written
		<-done
		d.becomes(0, 0)
		time.Sleep(time.Second)
		s.Settle()
		if rec, ok, err := s.Archive.Session(context.Background(), id); err != nil || ok && rec.EndedAt.IsZero() {
			t.Errorf("a logout that was acknowledged is not in the archive, and its session is there alive (%v)", err)
		}
		s.Restart()
		thief := stage.NewBrowser(t, s.Site()).With(old)
		thief.Handler = s.Site()
		if resp := thief.Do("GET", "/me"); resp.StatusCode != 401 {
			t.Errorf("after a restart the cookie that was logged out is answered %d: %s", resp.StatusCode, stage.Text(t, resp))
		}
	})
}

// A session's beginning goes before all else of it in each journal: whatever the
// archive is told without it is told of nobody.

func TestBeginning_LostWithTheJournalIsToldAgain(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	s.Archive.Down.Store(true)
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := s.Tracker.Close(ctx); err == nil {
		t.Fatal("the archive has taken everything: the test does not test")
	}
	if err := s.Archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(s.Config.JournalDir); err != nil { // the machine lost its power before it was on the disk
		t.Fatal(err)
	}
	s.Start()
	b.Handler = s.Site()
	b.Do("GET", "/")
	if again := stage.SessionOf(t, b); again != id {
		t.Fatalf("the hot store has the session, and its visitor got another: %s, %s", id, again)
	}
	if got := stage.Text(t, b.Do("POST", "/order/o-1")); got != "ok" {
		t.Fatal(got)
	}
	if rec := s.Stored(id); rec.OrderID != "o-1" {
		t.Errorf("the session's order is %q, want o-1", rec.OrderID)
	}
	wantRecorded(t, s, id, 1)
}

func TestBeginning_IsToldBeforeAnotherSessionIsFoldedIntoIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		s := stage.NewOn(t, onDisk(d), nil)
		lost, kept := stage.NewBrowser(t, s.Site()), stage.NewBrowser(t, s.Site())
		lost.Do("GET", "/")
		d.becomes(0, 1)
		kept.Do("GET", "/") // which the disk refuses
		kept.Do("GET", "/peek")
		time.Sleep(15 * time.Second)
		s.Settle()
		if n, err := s.SQLite.SessionsBegun(context.Background(), time.Time{}); n != 1 || err != nil {
			t.Errorf("%d sessions are stored (%v), want the one whose cookie came back", n, err)
		}
		wantRecorded(t, s, stage.SessionOf(t, kept), 1)
	})
}

func TestBeginning_ThatWasLateIsFoldedAllTheSame(t *testing.T) {
	for _, lost := range []int64{0, 1} { // it is written in the end, or it is not
		synctest.Test(t, func(t *testing.T) {
			d := new(disk)
			s := stage.NewOn(t, onDisk(d), func(c *footfall.Config) { c.StoreTimeout = 20 * time.Millisecond })
			gone, kept := stage.NewBrowser(t, s.Site()), stage.NewBrowser(t, s.Site())
			d.becomes(100*time.Millisecond, lost)
			gone.Do("GET", "/")
			time.Sleep(time.Second)
			if n := s.Count("journal_stalled"); n == 0 {
				t.Fatal("no fact was late: the test does not test")
			}
			d.becomes(0, 0)
			kept.Do("GET", "/")
			kept.Do("GET", "/peek")
			time.Sleep(15 * time.Second)
			s.Settle()
			if n, err := s.SQLite.SessionsBegun(context.Background(), time.Time{}); n != 1 || err != nil {
				t.Errorf("beginning lost %d: %d sessions are stored (%v), want the one whose cookie came back", lost, n, err)
			}
			if n := s.Count("sessions_folded"); n != 1 {
				t.Errorf("beginning lost %d: %d sessions are folded 15 s after the first, want the one whose beginning was late", lost, n)
			}
		})
	}
}

func TestBeginning_IsToldBeforeTheLatestActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		f := stage.NewFleetOn(t, 2, onDisk(d), func(*footfall.Config) {})
		first := f.Instances[0]
		first.Archive.Down.Store(true) // so that what its journal holds comes late
		b := stage.NewBrowser(t, nil)
		f.On(0, b, "GET", "/")
		d.becomes(0, 1)
		f.On(1, b, "GET", "/") // which the disk refuses; that the session was active is told later
		seen := time.Now()
		time.Sleep(2 * time.Second)
		f.Instances[1].Settle()
		rec, ok, err := f.SQLite.Session(context.Background(), stage.SessionOf(t, b))
		if err != nil || !ok || rec.LastSeenAt.Before(seen.Truncate(time.Millisecond)) {
			t.Errorf("the archive was told of a session's activity and has %v, %v, last seen %v, want %v", ok, err, rec.LastSeenAt, seen)
		}
	})
}
