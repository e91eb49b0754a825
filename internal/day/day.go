package day

import "time"

// A Day is one day of the calendar in a time zone. A time zone that is nil is UTC.
type Day struct {
	year  int
	month time.Month
	day   int
	zone  *time.Location
}

// Of returns the day that contains t: Start <= t < End.
func Of(t time.Time, zone *time.Location) Day {
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone)
	d := on(t.Year(), t.Month(), t.Day(), zone)
	// Clocks that are put back shortly after midnight show the day before for a second
	// time, when the new day has begun already.
	for next := d.Next(); !next.Start().After(t); next = next.Next() {
		d = next
	}
	return d
}

// Parse reads a day like 2026-01-31.
func Parse(text string, zone *time.Location) (Day, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Day{}, err
	}
	return on(t.Year(), t.Month(), t.Day(), zone), nil
}

// on returns a day of the calendar. Like [time.Date] it takes the 32nd of January for
// the 1st of February.
func on(year int, month time.Month, day int, zone *time.Location) Day {
	if zone == nil {
		zone = time.UTC
	}
	year, month, day = time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Date()
	return Day{year, month, day, zone}
}

// Next returns the day after d in the calendar.
func (d Day) Next() Day { return on(d.year, d.month, d.day+1, d.zone) }

// Add returns the day that is so many days after d in the calendar, or before it.
func (d Day) Add(days int) Day { return on(d.year, d.month, d.day+days, d.zone) }

// AddDate returns the day of the same date so many years and months after d, or before it.
// Where a month has no such date it is the month's last day.
func (d Day) AddDate(years, months int) Day {
	first := on(d.year+years, d.month+time.Month(months), 1, d.zone)
	last := on(first.year, first.month+1, 0, d.zone)
	return on(first.year, first.month, min(d.day, last.day), d.zone)
}

// Date returns the year, the month and the day of the month.
func (d Day) Date() (year int, month time.Month, date int) { return d.year, d.month, d.day }

// String returns the date, like 2026-01-31.
func (d Day) String() string { return d.midnight().Format(time.DateOnly) }

// midnight is when the day begins where clocks show universal time.
func (d Day) midnight() time.Time {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC)
}

// widest is more than any clock has ever differed from universal time.
const widest = 26 * time.Hour

// Start returns the first moment of the day. That of a day which the calendar of the
// time zone leaves out is the first moment of the next one.
func (d Day) Start() time.Time {
	midnight := d.midnight()
	t := midnight.Add(-widest).In(d.zone) // an earlier day everywhere
	for {
		_, ahead := t.Zone()
		begins := midnight.Add(-time.Duration(ahead) * time.Second)
		if begins.Before(t) {
			begins = t // the clocks jumped over its midnight
		}
		_, change := t.ZoneBounds()
		if change.IsZero() || begins.Before(change) {
			return begins.In(d.zone)
		}
		t = change
	}
}

// End returns the moment at which the day is over, which is the start of the next one.
func (d Day) End() time.Time { return d.Next().Start() }
