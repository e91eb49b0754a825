package sqlitearchive_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// Strangers can make sessions of 10,000 events and texts with numbers without end: a day is
// read in little memory all the same, and whole.
func TestReadDay_TakesLittleMemoryWhateverSessionsHave(t *testing.T) {
	a, err := sqlitearchive.Open(filepath.Join(t.TempDir(), "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	const sessions, events = 30, 4000
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	id := func(kind, n int) string { return fmt.Sprintf("%08x-0000-7000-8000-%012x", kind, n) }
	long := strings.Repeat("x", 230)
	for i := range sessions {
		s := store.Session{SessionID: id(1, i), VisitorID: id(2, i), StartedAt: start, LastSeenAt: start} // all in one millisecond
		facts := []store.Fact{&store.SessionBegun{Record: store.Record{Session: s}}}
		for n := range events {
			facts = append(facts, &store.EventRecorded{Event: store.Event{EventID: id(3, i*events+n), SessionID: s.SessionID, VisitorID: s.VisitorID, EventType: store.EventPageView, Page: fmt.Sprintf("/%d-%d?%s", i, n, long), CreatedAt: start.Add(time.Duration(n) * time.Millisecond)}})
		}
		if err := a.Append(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
	}
	held := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc) //nolint:gosec // fits
	}
	before, most, seen, visits := held(), int64(0), 0, map[string]bool{}
	err = a.ReadDay(t.Context(), report.DayOf(start), report.DayReader{Visit: func(v *report.Visit) error {
		most = max(most, held()-before)
		visits[v.SessionID] = true
		for n := range v.Events {
			if want := fmt.Sprintf("-%d?", n); !strings.Contains(v.Events[n].Page, want) {
				t.Errorf("event %d of %s is %s: they are in order", n, v.SessionID, v.Events[n].Page)
				break
			}
		}
		seen += len(v.Events)
		return nil
	}})
	if err != nil || len(visits) != sessions || seen != sessions*events {
		t.Errorf("%d visits with %d events, %v, want %d with %d: each once", len(visits), seen, err, sessions, sessions*events)
	}
	if most > 20<<20 {
		t.Errorf("%d MiB are in memory at a time: a stranger decides how much that is", most>>20)
	}
}
