package engine

import (
	"context"
	"runtime"
	"slices"

	"github.com/footfall-go/footfall/report"
)

// A plan is what one question computes with.
type plan struct {
	q         *report.Question
	load      *load
	days      []*segment // in order
	chosen    map[report.UTCDay]selection
	noVisit   bool // orders whose visit is not known are selected
	dimension report.Dimension
}

// newPlan makes a plan. like is the plan of a question with the same filters, whose selection
// is taken; nil: there is none.
func newPlan(q *report.Question, l *load, like *plan) *plan {
	p := &plan{q: q, load: l, chosen: map[report.UTCDay]selection{}, noVisit: noVisit(q.Filters), dimension: report.KeyDimension(q.Report)}
	if like != nil {
		p.days, p.chosen = like.days, like.chosen
		return p
	}
	for day, s := range l.segments {
		p.days = append(p.days, s)
		p.chosen[day] = choose(s, q.Filters)
	}
	slices.SortFunc(p.days, func(x, y *segment) int { return int(x.day) - int(y.day) })
	return p
}

// answer fills in an answer.
func (p *plan) answer(ctx context.Context, a *report.Answer) error {
	a.Total = p.total(span(p.q.From, p.q.To))
	if p.q.Compared != nil {
		compared := p.total(span(p.q.Compared.From, p.q.Compared.To))
		a.Total.Compared = &compared
	}
	var err error
	switch {
	case p.q.Report == "series":
		a.Rows = p.series()
	case p.q.Report == "funnel":
		a.Total.Of = a.Total.Sessions
		rows, note := p.funnel(span(p.q.From, p.q.To))
		a.Rows, a.Funnel = rows, &note
		if c := p.q.Compared; c != nil {
			a.Total.Compared.Of = a.Total.Compared.Sessions
			before, _ := p.funnel(span(c.From, c.To))
			for i := range rows {
				rows[i].Compared = &before[i]
			}
		}
	case p.dimension != "":
		err = p.list(a)
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// millis is a span of time in Unix milliseconds; to is excluded.
type millis struct{ from, to int64 }

// A scan is some visits of a segment: n of them from first on, or those of rows.
type scan struct {
	*segment
	first, n int
	rows     []uint32 // nil: all from first on
}

// giveWay lets goroutines that answer requests go first. It is called before each day's scan,
// which takes less than a millisecond of most days.
func giveWay() { runtime.Gosched() }

// row is the i-th visit.
func (s *scan) row(i int) int {
	if s.rows == nil {
		return s.first + i
	}
	return int(s.rows[i])
}

// scans are the selected visits of a span, by day.
func (p *plan) scans(of millis) (all []scan) {
	for _, s := range p.days {
		if s.start >= of.to || s.day < report.DayOfMillis(of.from) {
			continue
		}
		first, end := s.between(of.from, of.to)
		sc := scan{segment: s, first: first, n: end - first}
		if chosen := p.chosen[s.day]; chosen.is != nil {
			from, _ := slices.BinarySearch(chosen.rows, uint32(first)) //nolint:gosec // fits
			to, _ := slices.BinarySearch(chosen.rows, uint32(end))     //nolint:gosec // fits
			sc.rows, sc.n = chosen.rows[from:to], to-from
		}
		if sc.n > 0 {
			all = append(all, sc)
		}
	}
	return all
}

func (s *scan) each(do func(row int)) {
	for i := range s.n {
		do(s.row(i))
	}
}

// eachOrder calls a function with each selected order of a span, and its visit: s is nil if
// that is not known.
func (p *plan) eachOrder(of millis, do func(o *order, s *segment, row int)) {
	for _, own := range p.days {
		if own.start >= of.to || own.day < report.DayOfMillis(of.from) {
			continue
		}
		for i := range own.orders {
			o := &own.orders[i]
			if o.at < of.from || o.at >= of.to {
				continue
			}
			if o.session != "" {
				if s := p.load.segments[o.visitDay]; s != nil {
					if row, ok := s.visit(o.session); ok {
						if p.chosen[s.day].has(row) {
							do(o, s, row)
						}
						continue
					}
				}
			}
			if p.noVisit {
				do(o, nil, 0)
			}
		}
	}
}

// total is the row of everything that is selected.
func (p *plan) total(of millis) (r report.Row) {
	p.sum(of, newSet(p.load.visitors), &r)
	if p.dimension == report.Page {
		r.DurationMillis, r.Durations = p.timeOnPages(of)
		return r
	}
	p.eachOrder(of, func(o *order, _ *segment, _ int) { addOrder(&r, o) })
	return r
}

// sum adds up the visits of a span. distinct is empty.
func (p *plan) sum(of millis, distinct set, r *report.Row) {
	var t tally
	for _, sc := range p.scans(of) {
		giveWay()
		for i := range sc.n {
			row := sc.row(i)
			t.add(&sc.did[row])
			distinct.add(sc.visitor[row])
		}
	}
	t.fill(r)
	r.Visitors = distinct.count()
}

// timeOnPages is the time on all pages together, and of how many page views it is.
func (p *plan) timeOnPages(of millis) (sum, views int64) {
	for _, sc := range p.scans(of) {
		giveWay()
		sc.each(func(row int) {
			sc.eachView(row, func(_ uint32, took int64, known bool) {
				if known {
					sum += took
					views++
				}
			})
		})
	}
	return sum, views
}

func addOrder(r *report.Row, o *order) {
	r.AddSales(report.Sales{Currency: o.currency, Orders: 1, Revenue: o.amount, Refunded: o.refunded})
}
