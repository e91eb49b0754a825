package day

import (
	"os"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the rules are tested on a machine without zone files too
)

func load(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05Z07:00", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestDay_BeginsAtTheFirstMomentOfItsDate(t *testing.T) {
	for _, c := range []struct {
		zone, date, start, end, why string
	}{
		{"UTC", "2026-01-31", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z", "an ordinary day"},
		{"Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", "it has 23 hours"},
		{"Europe/Berlin", "2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", "it has 25 hours"},
		{"America/Santiago", "2026-09-06", "2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00", "it has no midnight"},
		{"America/Santiago", "2026-09-05", "2026-09-05T00:00:00-04:00", "2026-09-06T01:00:00-03:00", "the next day has no midnight"},
		{"America/Santiago", "2026-04-04", "2026-04-04T00:00:00-03:00", "2026-04-05T00:00:00-04:00", "its last hour occurs twice"},
		{"America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00", "2026-03-09T00:00:00-04:00", "it has no midnight"},
		{"America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", "its first hour occurs twice"},
		{"Atlantic/Azores", "2026-03-29", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "it has no midnight"},
		{"Atlantic/Azores", "2026-10-25", "2026-10-25T00:00:00Z", "2026-10-26T00:00:00-01:00", "its first hour occurs twice"},
		{"America/Asuncion", "2023-10-01", "2023-10-01T01:00:00-03:00", "2023-10-02T00:00:00-03:00", "it has no midnight"},
		{"Asia/Beirut", "2026-03-29", "2026-03-29T01:00:00+03:00", "2026-03-30T00:00:00+03:00", "it has no midnight"},
		{"Africa/Cairo", "2026-04-24", "2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00", "it has no midnight"},
		{"Pacific/Apia", "2011-12-29", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "the calendar leaves the next day out"},
		{"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00", "2011-12-31T00:00:00+14:00", "the calendar leaves it out"},
		{"Pacific/Apia", "2011-12-31", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00", "the calendar leaves the day before out"},
		{"Australia/Lord_Howe", "2026-04-05", "2026-04-05T00:00:00+11:00", "2026-04-06T00:00:00+10:30", "it has 24.5 hours"},
		{"Australia/Lord_Howe", "2026-10-04", "2026-10-04T00:00:00+10:30", "2026-10-05T00:00:00+11:00", "it has 23.5 hours"},
		{"America/St_Johns", "2006-10-29", "2006-10-29T00:00:00-02:30", "2006-10-30T00:00:00-03:30", "a minute after it began, clocks show the day before for another 59"},
		{"America/St_Johns", "2006-04-02", "2006-04-02T00:00:00-03:30", "2006-04-03T00:00:00-02:30", "of its first hour only a minute exists"},
		{"Pacific/Kwajalein", "1969-09-30", "1969-09-30T00:00:00+11:00", "1969-10-01T00:00:00-12:00", "it has 47 hours"},
		{"America/Juneau", "1867-10-18", "1867-10-18T00:00:00+15:02", "1867-10-19T00:00:00+15:02", "clocks were put back to the day before in its middle"},
	} {
		d, err := Parse(c.date, load(t, c.zone))
		if err != nil {
			t.Fatal(err)
		}
		start, end := d.Start(), d.End()
		if c.zone == "America/Juneau" {
			// Its offset has seconds; what matters is that the days stay in order.
			if !start.Before(end) || !d.Next().End().After(end) {
				t.Errorf("%s in %s (%s) is from %v to %v: an earlier day begins earlier", c.date, c.zone, c.why, start, end)
			}
			continue
		}
		if !start.Equal(moment(t, c.start)) || !end.Equal(moment(t, c.end)) {
			t.Errorf("%s in %s (%s) is from %v to %v, want from %s to %s: a day begins at the first moment of its date and ends where the next begins", c.date, c.zone, c.why, start, end, c.start, c.end)
		}
	}
}

func TestOf_IsTheDayThatContainsTheMoment(t *testing.T) {
	for _, c := range []struct{ zone, at, date, why string }{
		{"America/Santiago", "2026-09-06T12:00:00-03:00", "2026-09-06", "noon of a day without midnight"},
		{"America/Santiago", "2026-09-06T01:00:00-03:00", "2026-09-06", "the first moment of a day without midnight"},
		{"America/Santiago", "2026-09-05T23:59:59-04:00", "2026-09-05", "the last second before it"},
		{"America/Santiago", "2026-04-04T23:30:00-04:00", "2026-04-04", "an hour that occurs for the second time"},
		{"America/Havana", "2026-11-01T00:30:00-05:00", "2026-11-01", "an hour that occurs for the second time"},
		{"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31", "the first moment after a day that the calendar leaves out"},
		{"America/St_Johns", "2006-10-29T00:00:30-02:30", "2006-10-29", "the minute before clocks show the day before"},
		{"America/St_Johns", "2006-10-28T23:30:00-03:30", "2006-10-29", "clocks show the day before again, but the new one has begun"},
	} {
		d := Of(moment(t, c.at), load(t, c.zone))
		if d.String() != c.date {
			t.Errorf("%s in %s (%s) belongs to %v, want %s", c.at, c.zone, c.why, d, c.date)
		}
	}
	if at := moment(t, "2026-01-31T23:00:00-05:00"); Of(at, nil).String() != "2026-02-01" {
		t.Errorf("without a time zone %v belongs to %v, want the day of UTC", at, Of(at, nil))
	}
}

func TestParse_RefusesWhatIsNoDay(t *testing.T) {
	for _, text := range []string{"", "2026-02-30", "2026-1-1", "2026-01-01T00:00:00Z", "today"} {
		if d, err := Parse(text, time.UTC); err == nil {
			t.Errorf("Parse(%q) gives %v, want an error", text, d)
		}
	}
}

// Every day of these years in all time zones of the world, compared with a walk through
// the year that looks at the date only.
func TestDays_TileTime(t *testing.T) {
	text, err := os.ReadFile("testdata/zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(text)) {
		zone := load(t, name)
		for _, year := range []int{2006, 2011, 2026} {
			if !tiles(t, name, zone, year) {
				break
			}
		}
	}
}

// tiles walks in steps: a date that clocks show for the first time in a step is that of
// a day that begins in it.
func tiles(t *testing.T, name string, zone *time.Location, year int) bool {
	t.Helper()
	const step = 30 * time.Minute
	number := func(at time.Time) int { y, m, d := at.Date(); return y*10000 + int(m)*100 + d }
	first := time.Date(year-1, 12, 28, 0, 0, 0, 0, time.UTC)
	d := Of(first, zone)
	if d.Start().After(first) || !d.End().After(first) {
		t.Errorf("%s: %v belongs to %v, which is from %v to %v", name, first, d, d.Start(), d.End())
		return false
	}
	latest := number(first.In(zone))
	for at := first; at.Year() <= year; at = at.Add(step) {
		shown := number(at.In(zone))
		if shown > latest {
			latest = shown
			for d = d.Next(); number(d.midnight()) < shown; d = d.Next() {
				if !d.Start().Equal(d.End()) {
					t.Errorf("%s: no clock shows %v, but it is from %v to %v: such a day is empty", name, d, d.Start(), d.End())
					return false
				}
			}
			start := d.Start()
			if start.After(at) || !start.After(at.Add(-step)) {
				t.Errorf("%s: %v begins at %v, but clocks show it first between %v and %v", name, d, start, at.Add(-step).In(zone), at.In(zone))
				return false
			}
			if number(start) != shown || number(start.Add(-time.Nanosecond)) >= shown {
				t.Errorf("%s: %v begins at %v, which is not the first moment of its date", name, d, start)
				return false
			}
			if got := Of(start, zone); got != d {
				t.Errorf("%s: the start of %v belongs to %v", name, d, got)
				return false
			}
			if got := Of(start.Add(-time.Nanosecond), zone); !got.End().Equal(start) {
				t.Errorf("%s: %v, the day before %v, ends at %v and not at its start, %v: days leave neither gap nor overlap", name, got, d, got.End(), start)
				return false
			}
		}
		if at.Minute() == 0 && at.Hour()%12 == 5 {
			if got := Of(at, zone); got != d || got.Start().After(at) || !got.End().After(at) {
				t.Errorf("%s: %v belongs to %v, from %v to %v; want %v", name, at.In(zone), got, got.Start(), got.End(), d)
				return false
			}
		}
	}
	return true
}
