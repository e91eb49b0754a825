package footfall_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
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

// lateLost is a stage whose visitor's beginning and first event were late for
// their answer, and then lost: the disk stalled, and turned out to be full.
func lateLost(t *testing.T, method, path string) (*stage, *browser, *disk) {
	t.Helper()
	d := new(disk)
	d.becomes(100*time.Millisecond, 1000)
	s := newStageOn(t, onDisk(d), func(c *footfall.Config) { c.StoreTimeout = 20 * time.Millisecond })
	b := newBrowser(t, s.site())
	b.do(method, path)
	time.Sleep(time.Second)
	d.becomes(0, 0)
	if n := s.count("journal_late_lost"); n < 2 {
		t.Fatalf("%d facts were late and lost, want the beginning and the event", n)
	}
	if n := s.count("events_dropped"); n != 1 {
		t.Errorf("events_dropped = %d, want the event that was late and lost", n)
	}
	return s, b, d
}

// wantRecorded says that a session's page views are its events, and how many.
func wantRecorded(t *testing.T, s *stage, id string, views int64) {
	t.Helper()
	time.Sleep(time.Second)
	s.settle()
	rec, ok, err := s.archive.Session(context.Background(), id)
	if err != nil || !ok {
		t.Fatalf("events of a session are stored without the session (%v)", err)
	}
	events, err := s.sqlite.Events(context.Background(), id, 100)
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
		id := sessionOf(t, b)
		b.do("GET", "/")
		b.do("GET", "/")
		wantRecorded(t, s, id, 2)
	})
}

func TestLateLost_BeginningThatIsRefusedAgainTakesItsEventAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b, d := lateLost(t, "GET", "/")
		id := sessionOf(t, b)
		d.becomes(0, 1)
		b.do("GET", "/")
		time.Sleep(time.Second)
		s.settle()
		b.do("GET", "/")
		wantRecorded(t, s, id, 1)
		if n := s.count("events_dropped"); n != 2 {
			t.Errorf("events_dropped = %d, want the page view that was late and the one that was refused", n)
		}
	})
}

func TestLateLost_OutlivesTheTableOfLiveSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b, _ := lateLost(t, "GET", "/")
		id := sessionOf(t, b)
		other := newBrowser(t, s.site())
		other.addr = "198.51.100.7:1"
		other.do("GET", "/")
		time.Sleep(time.Second)
		s.settle()
		time.Sleep(3 * time.Minute) // nobody comes: the session leaves this process
		for range 3 {
			b.do("GET", "/")
		}
		wantRecorded(t, s, id, 3)
	})
}

func TestLateLost_LogoutBesideAnotherRequestIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b, d := lateLost(t, "POST", "/login/cust_1")
		id, old := sessionOf(t, b), b.cookie("session")
		d.becomes(15*time.Millisecond, 0)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if resp := b.with(old).do("POST", "/logout"); resp.StatusCode != 200 {
				t.Errorf("logout: %d", resp.StatusCode)
			}
		}()
		time.Sleep(5 * time.Millisecond)
		b.with(old).do("GET", "/") // while the logout is being written
		<-done
		d.becomes(0, 0)
		time.Sleep(time.Second)
		s.settle()
		if rec, ok, err := s.archive.Session(context.Background(), id); err != nil || ok && rec.EndedAt.IsZero() {
			t.Errorf("a logout that was acknowledged is not in the archive, and its session is there alive (%v)", err)
		}
		s.restart()
		thief := newBrowser(t, s.site()).with(old)
		thief.handler = s.site()
		if resp := thief.do("GET", "/me"); resp.StatusCode != 401 {
			t.Errorf("after a restart the cookie that was logged out is answered %d: %s", resp.StatusCode, text(t, resp))
		}
	})
}
