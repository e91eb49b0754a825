package engine

import (
	"time"

	"github.com/footfall-go/footfall/report"
)

func span(from, to time.Time) millis { return millis{ceilMillis(from), ceilMillis(to)} }

// ceilMillis is the first millisecond that is not before a time.
func ceilMillis(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// series has a row for each interval of the range, up to now.
func (p *plan) series() []report.Row {
	buckets := report.Buckets(p.q.Interval, report.Range{From: p.q.From, To: p.q.To}, p.q.Zone)
	now := p.q.Now
	for len(buckets) > 0 && buckets[len(buckets)-1].From.After(now) {
		buckets = buckets[:len(buckets)-1]
	}
	within := make([]report.Range, len(buckets)) // as far as they are in the range
	for i, b := range buckets {
		within[i] = b
		if b.From.Before(p.q.From) {
			within[i].From = p.q.From
		}
		if b.To.After(p.q.To) {
			within[i].To = p.q.To
		}
	}
	rows := p.rows(within)
	for i := range rows {
		b := buckets[i]
		rows[i].Key, rows[i].HasKey = report.BucketKey(p.q.Interval, b.From), true
		rows[i].Partial = b.From.Before(p.q.From) || b.To.After(p.q.To) || b.To.After(now)
	}
	if p.q.Compared != nil { // the running interval stands beside a whole one
		beside := make([]report.Range, len(within))
		for i, r := range within {
			beside[i] = p.q.Beside(r)
		}
		compared := p.rows(beside)
		for i := range rows {
			rows[i].Compared = &compared[i]
		}
	}
	return rows
}

// rows are the figures of some spans.
func (p *plan) rows(spans []report.Range) []report.Row {
	rows := make([]report.Row, len(spans))
	distinct := newSet(p.load.visitors)
	for i, r := range spans {
		of := span(r.From, r.To)
		clear(distinct)
		p.sum(of, distinct, &rows[i])
		p.eachOrder(of, func(o *order, _ *segment, _ int) { addOrder(&rows[i], o) })
	}
	return rows
}
