package sqlitearchive_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// BenchmarkReadDay reads a day of 20,000 visits with 90,000 events.
func BenchmarkReadDay(b *testing.B) {
	a, err := sqlitearchive.Open(filepath.Join(b.TempDir(), "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	const visits, views = 20_000, 4
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	id := func(kind byte, n int, at time.Time) string {
		return fmt.Sprintf("%08x-%04x-7%03x-8%c00-%012x", uint32(at.UnixMilli()>>16), uint16(at.UnixMilli()), n%4096, kind, n) //nolint:gosec // an id for a test
	}
	var facts []store.Fact
	events := 0
	for i := range visits {
		at := start.Add(time.Duration(i) * 4 * time.Second)
		s := store.Session{SessionID: id('1', i, at), VisitorID: id('2', i, at), StartedAt: at, LastSeenAt: at, UserAgent: fmt.Sprintf("agent %d", i%200), Device: "desktop", Browser: "Firefox", OS: "Linux", Channel: "Direct", LandingPage: fmt.Sprintf("/p/%d", i%500)}
		facts = append(facts, &store.SessionBegun{Record: store.Record{Session: s}})
		for n := range views {
			events++
			facts = append(facts, &store.EventRecorded{Event: store.Event{EventID: id('3', events, at), SessionID: s.SessionID, VisitorID: s.VisitorID, EventType: store.EventPageView, Page: fmt.Sprintf("/p/%d", (i+n)%500), CreatedAt: at.Add(time.Duration(n) * time.Second)}})
		}
		if len(facts) > 4000 {
			if err := a.Append(b.Context(), facts); err != nil {
				b.Fatal(err)
			}
			facts = facts[:0]
		}
	}
	if err := a.Append(b.Context(), facts); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		err := a.ReadDay(b.Context(), report.DayOf(start), report.DayReader{Visit: func(v *report.Visit) error { n += len(v.Events); return nil }})
		if err != nil || n != visits*views {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/(visits*views), "µs/event")
}
