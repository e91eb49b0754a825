package footfall_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
)

// An operator who reads events_dropped knows to the event what is missing. The
// facts that are unacknowledged are more: while the journal is full a session's
// activity is noted again and again.
func TestJournalFull_EventsDroppedIsWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(c *footfall.Config) { c.JournalMaxBytes = 1 << 20 })
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		id, views := sessionOf(t, b), 1
		s.settle()
		s.archive.down.Store(true)
		for s.count("journal_refused") < 200 {
			b.do("GET", "/?"+strings.Repeat("x", 1500))
			views++
			if s.count("journal_refused") > 0 {
				time.Sleep(300 * time.Millisecond) // the hot store is told meanwhile
			}
		}
		s.archive.down.Store(false)
		time.Sleep(5 * time.Second)
		dropped := s.count("events_dropped")
		if stored := s.stored(id).PageViews; stored+int64(dropped) != int64(views) {
			t.Errorf("of %d page views %d are stored and %d declared as dropped", views, stored, dropped)
		}
		if n := s.count("unacknowledged"); n <= dropped {
			t.Errorf("%d facts are unacknowledged, %d events dropped: the test does not test", n, dropped)
		}
	})
}
