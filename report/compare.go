package report

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/day"
)

// readCompare finds the range to compare with.
func (q *Question) readCompare(p url.Values) error {
	compare, match := p.Get("compare"), p.Get("match")
	if match != "" && match != "weekday" && match != "date" {
		return mistake{"match", fmt.Sprintf("%q: use weekday or date", match)}
	}
	if compare == "" {
		if match != "" {
			return mistake{"match", "says how a comparison is matched: give compare too"}
		}
		return nil
	}
	to := q.To
	if q.Now.Before(to) && q.Now.After(q.From) {
		to = q.Now // today so far is compared with the same hours
	}
	dates := match == "date" || match == "" && q.byDates()
	var r, whole Range
	switch {
	case compare == "previous":
		r, whole = q.previous(to, dates), q.previous(q.To, dates)
	case compare == "year":
		r, whole = q.yearBefore(to, dates), q.yearBefore(q.To, dates)
	default:
		from, until, ok := strings.Cut(compare, "..")
		if !ok {
			return mistake{"compare", fmt.Sprintf("%q: use previous, year, or a range like 2026-01-01..2026-02-01", compare)}
		}
		var err error
		if r.From, err = q.moment("compare", from); err == nil {
			r.To, err = q.moment("compare", until)
		}
		if err != nil {
			return err
		}
		if !r.From.Before(r.To) || r.To.Sub(r.From) > maxRange {
			return mistake{"compare", fmt.Sprintf("%q: the end is not after the begin, or 20 years after it", compare)}
		}
		whole = r
	}
	q.Compared, q.ComparedWhole = &r, whole
	return nil
}

// Beside is the part of the compared range that stands beside a part of the range: of the
// same days by number, and the same hours of the clock.
func (q *Question) Beside(r Range) Range {
	days := daysBetween(day.Of(q.From, q.Zone), day.Of(q.ComparedWhole.From, q.Zone))
	move := func(t time.Time) time.Time {
		if t.Equal(q.From) {
			return q.ComparedWhole.From
		}
		return earlierOf(q.shift(t, days), q.ComparedWhole.To)
	}
	return Range{move(r.From), move(r.To)}
}

// days is how many days the range has, a part of one being one.
func (q *Question) days() int {
	first, last := day.Of(q.From, q.Zone), day.Of(q.To, q.Zone)
	n := daysBetween(first, last)
	if q.To.Sub(last.Start()) > q.From.Sub(first.Start()) {
		n++
	}
	return n
}

func daysBetween(a, b day.Day) int {
	x, _ := time.Parse(time.DateOnly, a.String())
	y, _ := time.Parse(time.DateOnly, b.String())
	return int(y.Sub(x) / (24 * time.Hour))
}

// byDates reports whether ranges like it are compared by dates unless asked otherwise: a
// whole month, this month, this year, and what is longer than 364 days.
func (q *Question) byDates() bool {
	first, last := day.Of(q.From, q.Zone), day.Of(q.To.Add(-1), q.Zone)
	year, month, date := first.Date()
	endYear, endMonth, _ := last.Date()
	beginsMonth := date == 1 && q.From.Equal(first.Start())
	endsMonth := last.Next().String()[8:] == "01"
	today := last == day.Of(q.Now, q.Zone)
	switch {
	case q.days() > 364:
		return true
	case beginsMonth && year == endYear && month == endMonth:
		return endsMonth || today
	case beginsMonth && month == time.January && year == endYear:
		return today
	}
	return false
}

// previous is the range before. By dates, a range within a month that begins with it has the
// same days of the month before, cut at its end, and one that begins with a year those of
// the year before. Others have as many days before.
func (q *Question) previous(to time.Time, dates bool) Range {
	n := q.days()
	if !dates {
		n = (n + 6) / 7 * 7
		return Range{q.shift(q.From, -n), q.shift(to, -n)}
	}
	first, last := day.Of(q.From, q.Zone), day.Of(q.To.Add(-1), q.Zone)
	year, month, date := first.Date()
	endYear, endMonth, _ := last.Date()
	before := first.AddDate(0, -1)
	switch {
	case date != 1 || !q.From.Equal(first.Start()) || year != endYear || month != endMonth && month != time.January:
		return Range{q.shift(q.From, -n), q.shift(to, -n)}
	case month != endMonth:
		before = first.AddDate(-1, 0)
		return Range{before.Start(), earlierOf(q.yearEarlier(to), first.Start())}
	}
	return Range{before.Start(), earlierOf(q.shift(to, daysBetween(first, before)), first.Start())}
}

// yearBefore is the range a year before: 364 days by weekday, or the same dates.
func (q *Question) yearBefore(to time.Time, dates bool) Range {
	if !dates {
		return Range{q.shift(q.From, -364), q.shift(to, -364)}
	}
	from := day.Of(q.From, q.Zone)
	return Range{sameDay(q.From, from, from.AddDate(-1, 0), q), q.yearEarlier(to)}
}

// yearEarlier is the end of a range a year earlier: behind the same date as its last day.
func (q *Question) yearEarlier(end time.Time) time.Time {
	last := day.Of(end.Add(-1), q.Zone)
	before := last.AddDate(-1, 0)
	if end.Equal(last.End()) {
		return before.End()
	}
	return sameDay(end, last, before, q)
}

func earlierOf(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// shift moves a time by days of the calendar; the wall clock stays.
func (q *Question) shift(t time.Time, days int) time.Time {
	d := day.Of(t, q.Zone)
	return sameDay(t, d, d.Add(days), q)
}

// sameDay is the time on another day at which the clock shows what it shows on its own.
func sameDay(t time.Time, own, other day.Day, q *Question) time.Time {
	if t.Equal(own.Start()) {
		return other.Start()
	}
	local := t.In(q.Zone)
	year, month, date := other.Date()
	there := time.Date(year, month, date, local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), q.Zone)
	if there.Before(other.Start()) {
		return other.Start()
	}
	if end := other.End(); there.After(end) {
		return end
	}
	return there
}
