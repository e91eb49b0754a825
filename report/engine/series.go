package engine

import (
	"slices"
	"sort"
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
	rows := p.rows(buckets, report.Range{From: p.q.From, To: p.q.To})
	for i := range rows {
		b := buckets[i]
		rows[i].Key, rows[i].HasKey = report.BucketKey(p.q.Interval, b.From), true
		rows[i].Partial = b.From.Before(p.q.From) || b.To.After(p.q.To) || b.To.After(now)
	}
	if p.q.Compared != nil {
		whole := comparedSeries(p.q)
		compared := p.rows(report.Buckets(p.q.Interval, whole, p.q.Zone), whole)
		for i := range min(len(rows), len(compared)) {
			rows[i].Compared = &compared[i]
		}
	}
	return rows
}

// comparedSeries is the range that a series is compared with: the running interval stands
// beside a whole one.
func comparedSeries(q *report.Question) report.Range {
	whole := *q.Compared
	if q.To.After(q.Now) {
		if all := report.Buckets(q.Interval, whole, q.Zone); len(all) > 0 {
			whole.To = all[len(all)-1].To
		}
	}
	return whole
}

// rows are the figures of adjacent intervals, as far as they are in the range.
func (p *plan) rows(buckets []report.Range, within report.Range) []report.Row {
	rows := make([]report.Row, len(buckets))
	distinct := newSet(p.load.visitors)
	limits := span(within.From, within.To)
	starts := make([]int64, len(buckets))
	for i, b := range buckets {
		of := span(b.From, b.To)
		starts[i] = of.from
		of.from, of.to = max(of.from, limits.from), min(of.to, limits.to)
		clear(distinct)
		p.sum(of, distinct, &rows[i])
	}
	if len(buckets) == 0 {
		return rows
	}
	limits.to = min(limits.to, ceilMillis(buckets[len(buckets)-1].To))
	p.eachOrder(limits, func(o *order, _ *segment, _ int) {
		i := sort.Search(len(starts), func(i int) bool { return starts[i] > o.at }) - 1
		addOrder(&rows[max(i, 0)], o)
	})
	return slices.Clip(rows)
}
