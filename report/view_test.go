package report

import (
	"context"
	"testing"
	"time"
	_ "time/tzdata" // for a machine without zone files

	"github.com/footfall-go/footfall/store"
)

func TestToday_BeginsAtTheFirstMomentOfTheDate(t *testing.T) {
	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 9, 6, 12, 0, 0, 0, zone)
	want := time.Date(2026, 9, 6, 4, 0, 0, 0, time.UTC)
	if got := Today(now, zone); !got.Equal(want) {
		t.Errorf("the day of %v begins at %v, want %v: it has no midnight", now, got, want.In(zone))
	}
	if got, err := ParseDay("2026-09-06", zone); err != nil || !got.Equal(want) {
		t.Errorf("2026-09-06 begins at %v (%v), want %v: it has no midnight", got, err, want.In(zone))
	}
	if got, err := ParseDay("2026-09-07", zone); err != nil || !got.Equal(want.Add(23*time.Hour)) {
		t.Errorf("2026-09-07 begins at %v (%v), want 23 hours later than the day before", got, err)
	}
}

func TestParseDay_NoTextIsNoBound(t *testing.T) {
	if got, err := ParseDay("", nil); err != nil || !got.IsZero() {
		t.Errorf("no text is %v, %v; want the zero time", got, err)
	}
}

func TestDefaults_FilterAndWindow(t *testing.T) {
	before := time.Now()
	for _, f := range []Filter{{}, {Limit: -1}} {
		if got := f.WithDefaults(); got.Limit != DefaultSessions || got.Now.Before(before) {
			t.Errorf("%+v stands for %+v: without a limit it is %d, without a time it is now", f, got, DefaultSessions)
		}
	}
	f := Filter{Now: before.Add(-time.Hour), Limit: 3}
	if got := f.WithDefaults(); got != f {
		t.Errorf("%+v stands for %+v: what is set is kept", f, got)
	}
	w := Window{}.WithDefaults()
	if w.Now.Before(before) || !w.Today.Equal(Today(w.Now, time.UTC)) || !w.From.IsZero() || !w.To.IsZero() {
		t.Errorf("an empty window stands for %+v: all of time, now, and today in UTC", w)
	}
	if got := (Window{Now: before, Today: before}).WithDefaults(); got != (Window{Now: before, Today: before}) {
		t.Errorf("a window's times are replaced by %+v", got)
	}
}

// A reader of one session that was seen just now.
type oneSession struct{ Reader }

func (oneSession) Sessions(_ context.Context, f Filter) ([]store.Session, error) {
	if f.Limit <= 0 || f.Now.IsZero() {
		return nil, nil
	}
	return []store.Session{{SessionID: "s", StartedAt: time.Now(), LastSeenAt: time.Now()}}, nil
}

func TestSessions_ZeroValuesShowLiveSessionsAsAlive(t *testing.T) {
	list, err := Sessions(t.Context(), oneSession{}, Filter{}, store.Lifetimes{})
	if err != nil || len(list) != 1 || !list[0].EndedAt.IsZero() {
		t.Errorf("with an empty filter and the default lifetimes %+v are listed (%v), want the session that was seen just now, alive", list, err)
	}
}
