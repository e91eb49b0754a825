package scenarios_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// With the journal full a login lives in the hot store, and activity keeps it alive.
func TestJournalFull_KeepsACustomerLoggedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, func(c *footfall.Config) { c.JournalMaxBytes = 1 << 20 })
		s.Archive.Down.Store(true)
		filler := stage.NewBrowser(t, s.Site())
		filler.Do("GET", "/")
		for s.Count("journal_refused") < 20 {
			filler.Do("GET", "/?"+strings.Repeat("x", 1500))
		}
		for n := s.Count("journal_refused"); s.Count("journal_refused") < n+20; {
			filler.Do("GET", "/")
		}
		b := stage.NewBrowser(t, s.Site())
		if got := stage.Text(t, b.Do("POST", "/login/alice")); got != "ok" {
			t.Fatal(got)
		}
		id := stage.SessionOf(t, b)
		for i := range 5 {
			time.Sleep(10 * time.Minute)
			filler.Do("GET", "/")
			if got := stage.Text(t, b.Do("GET", "/shop")); got != id+" alice" {
				t.Errorf("after %d0 minutes of page views: %q", i+1, got)
				break
			}
		}
		s.Archive.Down.Store(false)
	})
}

// An operator who reads events_dropped knows to the event what is missing. The
// facts that are unacknowledged are more: while the journal is full a session's
// activity is noted again and again.
func TestJournalFull_EventsDroppedIsWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, func(c *footfall.Config) { c.JournalMaxBytes = 1 << 20 })
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		id, views := stage.SessionOf(t, b), 1
		s.Settle()
		s.Archive.Down.Store(true)
		for s.Count("journal_refused") < 200 {
			b.Do("GET", "/?"+strings.Repeat("x", 1500))
			views++
			if s.Count("journal_refused") > 0 {
				time.Sleep(300 * time.Millisecond) // the hot store is told meanwhile
			}
		}
		s.Archive.Down.Store(false)
		time.Sleep(5 * time.Second)
		dropped := s.Count("events_dropped")
		if stored := s.Stored(id).PageViews; stored+int64(dropped) != int64(views) {
			t.Errorf("of %d page views %d are stored and %d declared as dropped", views, stored, dropped)
		}
		if n := s.Count("unacknowledged"); n <= dropped {
			t.Errorf("%d facts are unacknowledged, %d events dropped: the test does not test", n, dropped)
		}
	})
}

// A clean end leaves nothing to replay, also when the last thing that happened
// was activity with nothing to count.
func TestClose_LeavesAnEmptyJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("POST", "/login/alice")
		b.Do("GET", "/me")
		time.Sleep(900 * time.Millisecond)
		b.Do("GET", "/me")
		id, last := stage.SessionOf(t, b), time.Now()
		s.Stop()
		left, err := filepath.Glob(filepath.Join(s.Dir, "journal", "*.wal"))
		if err != nil || len(left) != 0 {
			t.Errorf("the journal still has %v, %v", left, err)
		}
		s.Start()
		if behind := last.Sub(s.Stored(id).LastSeenAt); behind > 100*time.Millisecond {
			t.Errorf("the archive's lastSeenAt is %v behind", behind)
		}
	})
}

// Whoever closes a tracker a second time hears what the first one heard.
func TestClose_EveryCallReturnsTheFirstError(t *testing.T) {
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	s.Archive.Down.Store(true)
	b.Do("GET", "/")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	first := s.Tracker.Close(ctx)
	if first == nil {
		t.Fatal("Close returns nil though the archive did not take what the journal holds")
	}
	if second := s.Tracker.Close(t.Context()); second == nil || second.Error() != first.Error() {
		t.Errorf("the second Close returns %v, the first returned %v: who asks twice must hear the same", second, first)
	}
	s.Archive.Down.Store(false)
	s.Start() // what was left is carried over, and Close has no error at the end
}
