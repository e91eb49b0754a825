package engine

import (
	"context"
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

func newPlan(q *report.Question, l *load) *plan {
	p := &plan{q: q, load: l, chosen: map[report.UTCDay]selection{}, noVisit: noVisit(q.Filters), dimension: report.KeyDimension(q.Report)}
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

// each calls a function with each selected visit of a span.
func (p *plan) each(of millis, do func(s *segment, row int)) {
	for _, s := range p.days {
		p.eachOf(s, of, func(row int) { do(s, row) })
	}
}

// eachOf calls a function with each selected visit of a span that began on one day.
func (p *plan) eachOf(s *segment, of millis, do func(row int)) {
	if s.start >= of.to || s.day < report.DayOfMillis(of.from) {
		return
	}
	chosen := p.chosen[s.day]
	first, end := s.rows(of.from, of.to)
	for row := first; row < end; row++ {
		if chosen.has(row) {
			do(row)
		}
	}
}

// eachOrder calls a function with each selected order of a span, and its visit: s is nil if
// that is not known.
func (p *plan) eachOrder(of millis, do func(o *order, s *segment, row int)) {
	for _, own := range p.days {
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
	var t tally
	distinct := newSet(p.load.visitors)
	p.each(of, func(s *segment, row int) {
		t.add(s, row)
		distinct.add(s.visitor[row])
	})
	t.fill(&r)
	r.Visitors = distinct.count()
	if p.dimension == report.Page {
		r.DurationMillis, r.Durations = p.timeOnPages(of)
		return r
	}
	p.eachOrder(of, func(o *order, _ *segment, _ int) { addOrder(&r, o) })
	return r
}

func addOrder(r *report.Row, o *order) {
	r.AddSales(report.Sales{Currency: o.currency, Orders: 1, Revenue: o.amount, Refunded: o.refunded})
}
