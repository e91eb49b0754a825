package report

import (
	"time"

	"github.com/footfall-go/footfall/internal/day"
)

// Buckets are the intervals of a time zone that a range touches, in order. The first may
// begin before it, and the last end after it. An hour that occurs twice is two, one that a
// change of the clocks leaves out is none, and one that it cuts is shorter.
func Buckets(of Interval, r Range, zone *time.Location) (all []Range) {
	if !r.From.Before(r.To) {
		return nil
	}
	for b := bucketOf(of, r.From, zone); b.From.Before(r.To); b = bucketOf(of, b.To, zone) {
		all = append(all, b)
	}
	return all
}

// bucketOf is the interval that contains a time.
func bucketOf(of Interval, t time.Time, zone *time.Location) Range {
	if of == Hour {
		return hourOf(t.In(zone))
	}
	d := day.Of(t, zone)
	first := firstOf(of, d)
	next := first.Add(1)
	switch of {
	case Week:
		next = first.Add(7)
	case Month:
		next = first.AddDate(0, 1)
	}
	return Range{first.Start(), next.Start()}
}

// firstOf is the first day of a day's interval.
func firstOf(of Interval, d day.Day) day.Day {
	year, month, date := d.Date()
	switch of {
	case Week:
		weekday := time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Weekday()
		return d.Add(-(int(weekday) + 6) % 7)
	case Month:
		return d.Add(1 - date)
	}
	return d
}

// hourOf is the hour of the clock that contains a time, as far as the clocks are not changed
// within it.
func hourOf(t time.Time) Range {
	into := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	r := Range{From: t.Add(-into), To: t.Add(time.Hour - into)}
	from, to := t.ZoneBounds()
	if !from.IsZero() && r.From.Before(from) {
		r.From = from.In(t.Location())
	}
	if !to.IsZero() && r.To.After(to) {
		r.To = to.In(t.Location())
	}
	return r
}

// BucketKey is the key of an interval that begins at a time: a day like 2026-10-25, or of an
// hour its local start like 2026-10-25T02:00+01:00.
func BucketKey(of Interval, from time.Time) string {
	if of == Hour {
		return from.Format("2006-01-02T15:04-07:00")
	}
	return from.Format(time.DateOnly)
}
