package footfall_test

import (
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
)

// A session's beginning goes before all else of it in each journal: whatever the
// archive is told without it is told of nobody.

func TestBeginning_LostWithTheJournalIsToldAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	s.archive.down.Store(true)
	b.do("GET", "/")
	id := sessionOf(t, b)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := s.tracker.Close(ctx); err == nil {
		t.Fatal("the archive has taken everything: the test does not test")
	}
	if err := s.archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(s.config.JournalDir); err != nil { // the machine lost its power before it was on the disk
		t.Fatal(err)
	}
	s.start()
	b.handler = s.site()
	b.do("GET", "/")
	if again := sessionOf(t, b); again != id {
		t.Fatalf("the hot store has the session, and its visitor got another: %s, %s", id, again)
	}
	if got := text(t, b.do("POST", "/order/o-1")); got != "ok" {
		t.Fatal(got)
	}
	if rec := s.stored(id); rec.OrderID != "o-1" {
		t.Errorf("the session's order is %q, want o-1", rec.OrderID)
	}
	wantRecorded(t, s, id, 1)
}

func TestBeginning_IsToldBeforeAnotherSessionIsFoldedIntoIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		s := newStageOn(t, onDisk(d), nil)
		lost, kept := newBrowser(t, s.site()), newBrowser(t, s.site())
		lost.do("GET", "/")
		d.becomes(0, 1)
		kept.do("GET", "/") // which the disk refuses
		kept.do("GET", "/peek")
		time.Sleep(15 * time.Second)
		s.settle()
		if n, err := s.sqlite.SessionsBegun(context.Background(), time.Time{}); n != 1 || err != nil {
			t.Errorf("%d sessions are stored (%v), want the one whose cookie came back", n, err)
		}
		wantRecorded(t, s, sessionOf(t, kept), 1)
	})
}

func TestBeginning_IsToldBeforeTheLatestActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		f := newFleetOn(t, 2, onDisk(d), func(*footfall.Config) {})
		first := f.instances[0]
		first.archive.down.Store(true) // so that what its journal holds comes late
		b := newBrowser(t, nil)
		f.on(0, b, "GET", "/")
		d.becomes(0, 1)
		f.on(1, b, "GET", "/") // which the disk refuses; that the session was active is told later
		seen := time.Now()
		time.Sleep(2 * time.Second)
		f.instances[1].settle()
		rec, ok, err := f.sqlite.Session(context.Background(), sessionOf(t, b))
		if err != nil || !ok || rec.LastSeenAt.Before(seen.Truncate(time.Millisecond)) {
			t.Errorf("the archive was told of a session's activity and has %v, %v, last seen %v, want %v", ok, err, rec.LastSeenAt, seen)
		}
	})
}
