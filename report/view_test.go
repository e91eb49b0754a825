package report

import (
	"testing"
	"time"
	_ "time/tzdata" // for a machine without zone files
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
