package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/footfall-go/footfall/report"
)

// list fills in the rows of a report that has one for each value of a dimension.
func (p *plan) list(a *report.Answer) error {
	of := span(p.q.From, p.q.To)
	g, outside := p.group(of)
	by := newSorting(p.q.Sort)
	var all []position
	for n := range uint32(len(g.texts)) { //nolint:gosec // fits
		if g.has(n) {
			all = append(all, by.position(g, n))
		}
	}
	slices.SortFunc(all, by.compare)
	first := 0
	if p.q.Cursor != "" {
		after, err := readCursor(p.q.Cursor)
		if err != nil || after.Of != mark(p.q) {
			return report.CursorMistake()
		}
		for first < len(all) && by.compare(all[first], after) <= 0 {
			first++
		}
	}
	end := min(first+p.q.Limit, len(all))
	a.Rows = make([]report.Row, 0, end-first)
	for _, at := range all[first:end] {
		a.Rows = append(a.Rows, g.row(at.number))
	}
	if end-first < len(all) {
		a.Rest = p.rest(of, g, slices.Concat(all[:first], all[end:]))
	}
	if end < len(all) {
		a.Next = all[end-1].cursor(mark(p.q))
	}
	if slices.Contains(report.Fields(p.q.Report), "orders") {
		a.Outside = &outside
	}
	if p.q.Compared != nil {
		p.compareRows(a)
	}
	return nil
}

// rest is what the rows that are not shown have together. Of pages the visits of several rows
// are counted once.
func (p *plan) rest(of millis, g *groups, hidden []position) *report.Rest {
	rest := &report.Rest{Rows: len(hidden)}
	var t tally
	distinct := newSet(p.load.visitors)
	is := make([]bool, len(g.texts))
	for _, at := range hidden {
		is[at.number] = true
		t.merge(&g.sums[at.number])
		if sales := g.sales[at.number]; sales != nil {
			for _, m := range sales.Money {
				rest.AddSales(m)
			}
		}
		for _, visitor := range g.pairs.of(int(at.number)) {
			distinct.add(visitor)
		}
	}
	if p.dimension == report.Page {
		once := p.sawOneOf(of, is)
		t.visits, t.engaged, t.converted = once.visits, once.engaged, once.converted
	}
	t.fill(&rest.Row)
	rest.Visitors = distinct.count()
	return rest
}

// sawOneOf adds up the visits that saw one of some pages.
func (p *plan) sawOneOf(of millis, pages []bool) (t tally) {
	for _, sc := range p.scans(of) {
		giveWay()
		sc.each(func(row int) {
			for e := sc.firstEvent[row]; e < sc.firstEvent[row+1]; e++ {
				if sc.isView[e] && pages[sc.page.numbers[sc.page.at(int(e))]] {
					t.add(&sc.did[row])
					return
				}
			}
		})
	}
	return t
}

// compareRows gives each row the figures of its key in the compared range.
func (p *plan) compareRows(a *report.Answer) {
	g, outside := p.group(span(p.q.Compared.From, p.q.Compared.To))
	number := make(map[string]uint32, len(a.Rows))
	for i := range a.Rows {
		number[a.Rows[i].Key] = 0
	}
	for n, text := range g.texts {
		if _, shown := number[text]; shown {
			number[text] = uint32(n) //nolint:gosec // fits
		}
	}
	for i := range a.Rows {
		compared := g.row(number[a.Rows[i].Key])
		a.Rows[i].Compared = &compared
	}
	if a.Outside != nil {
		a.Outside.Compared = &outside
	}
}

// A sorting is how the rows of a list are ordered: by a figure, then by key, the unknown one
// last.
type sorting struct {
	field      string
	descending bool
}

func newSorting(text string) sorting {
	field := strings.TrimPrefix(text, "-")
	return sorting{field: field, descending: field != text}
}

func (by sorting) position(g *groups, n uint32) position {
	at := position{Key: g.texts[n], number: n}
	if by.field == "key" {
		return at
	}
	r := report.Row{Visitors: g.visitors[n]}
	g.sums[n].fill(&r)
	if sales := g.sales[n]; sales != nil {
		r.Orders = sales.Orders
	}
	switch v := r.Figure(by.field).(type) {
	case int64:
		at.Value, at.Known = float64(v), true
	case *float64:
		if v != nil {
			at.Value, at.Known = *v, true
		}
	}
	return at
}

func (by sorting) compare(x, y position) int {
	if x.Known != y.Known {
		if x.Known {
			return -1
		}
		return 1
	}
	c := cmp.Compare(x.Value, y.Value)
	if by.descending {
		c = -c
	}
	return cmp.Or(c, by.compareKeys(x.Key, y.Key))
}

func (by sorting) compareKeys(x, y string) int {
	switch {
	case x == "" && y != "":
		return 1
	case x != "" && y == "":
		return -1
	case by.field == "key" && by.descending:
		return strings.Compare(y, x)
	}
	return strings.Compare(x, y)
}
