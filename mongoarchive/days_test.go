package mongoarchive_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// A session may have 10,000 events: a day of such sessions is read in little memory, and whole.
func TestReadDay_TakesLittleMemoryWhateverSessionsHave(t *testing.T) {
	a := open(t, database(t, testserver.MongoDB(t)))
	const sessions, events = 10, 300
	long := strings.Repeat("x", 6000)
	for i := range sessions {
		facts := []store.Fact{begun(i)}
		for n := range events {
			facts = append(facts, &store.EventRecorded{Event: store.Event{EventID: fmt.Sprintf("e%d-%d", i, n), SessionID: sessionID(i), EventType: store.EventPageView, Page: fmt.Sprintf("/%d-%d?%s", i, n, long), CreatedAt: began.Add(time.Duration(n) * time.Millisecond)}})
		}
		mustAppend(t, a, facts...)
	}
	held := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc) //nolint:gosec // fits
	}
	defer mongoarchive.SetEventsAtOnce(2 * events)()
	before, most, seen, visits := held(), int64(0), 0, 0
	err := a.ReadDay(t.Context(), report.DayOf(began), report.DayReader{Visit: func(v *report.Visit) error {
		most = max(most, held()-before)
		for n := range v.Events {
			if want := fmt.Sprintf("-%d?", n); !strings.Contains(v.Events[n].Page, want) {
				t.Errorf("event %d of %s is %s: they are in order", n, v.SessionID, v.Events[n].Page)
				break
			}
		}
		visits++
		seen += len(v.Events)
		return nil
	}})
	if err != nil || visits != sessions || seen != sessions*events {
		t.Errorf("%d visits with %d events, %v, want %d with %d: each once", visits, seen, err, sessions, sessions*events)
	}
	if most > 9<<20 {
		t.Errorf("%d MiB are in memory at a time: a stranger decides how much that is", most>>20)
	}
}
