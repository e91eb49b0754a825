package engine

import (
	"slices"

	"github.com/footfall-go/footfall/report"
)

// Groups are visits and orders told apart by one dimension.
type groups struct {
	number map[string]int // of a key; the empty one is unknown
	keys   []string
	sums   []tally
	rows   []report.Row // sales, and visitors where they are counted
}

func (g *groups) of(key string) int {
	n, ok := g.number[key]
	if !ok {
		n = len(g.keys)
		g.number[key] = n
		g.keys = append(g.keys, key)
		g.sums = append(g.sums, tally{})
		g.rows = append(g.rows, report.Row{Key: key, HasKey: key != ""})
	}
	return n
}

// group adds up a span by the plan's dimension. outside is the orders without a visit.
func (p *plan) group(of millis) (g *groups, outside report.Row) {
	g = &groups{number: map[string]int{}}
	if p.dimension == report.Page {
		p.groupPages(of, g)
		return g, outside
	}
	for _, s := range p.days {
		column := s.column(p.dimension)
		local := make([]tally, len(column.texts))
		p.eachOf(s, of, func(row int) { local[column.at(row)].add(s, row) })
		for code := range local {
			if local[code].visits > 0 {
				g.sums[g.of(column.texts[code])].merge(&local[code])
			}
		}
	}
	p.eachOrder(of, func(o *order, s *segment, row int) {
		switch {
		case s != nil:
			addOrder(&g.rows[g.of(s.column(p.dimension).text(row))], o)
		case o.session != "":
			addOrder(&g.rows[g.of("")], o) // its visit is not held any more
		default:
			addOrder(&outside, o)
		}
	})
	return g, outside
}

// groupPages adds up the page views of visits by page. A visit is in the row of each page that
// it saw, once.
func (p *plan) groupPages(of millis, g *groups) {
	for _, s := range p.days {
		local, latest := make([]tally, len(s.page.texts)), make([]int, len(s.page.texts))
		p.eachOf(s, of, func(row int) {
			s.eachView(row, func(code uint32, took int64, known bool) {
				t := &local[code]
				if latest[code] != row+1 {
					latest[code] = row + 1
					before := *t
					t.add(s, row)
					t.views, t.millis, t.durations = before.views, before.millis, before.durations
				}
				t.views++
				if known {
					t.millis += took
					t.durations++
				}
			})
		})
		for code := range local {
			if local[code].visits > 0 {
				g.sums[g.of(s.page.texts[code])].merge(&local[code])
			}
		}
	}
}

// eachView calls a function with each page view of a visit and the time on that page, if that
// is known: to the visit's next page view, of the last one to the visit's last activity.
func (s *segment) eachView(row int, do func(code uint32, took int64, known bool)) {
	view := -1
	for e := int(s.firstEvent[row]); e < int(s.firstEvent[row+1]); e++ {
		if !s.isView[e] {
			continue
		}
		if view >= 0 {
			do(s.page.at(view), max(int64(s.eventAt[e])-int64(s.eventAt[view]), 0), true)
		}
		view = e
	}
	if view >= 0 {
		took := int64(s.took[row]) - int64(s.eventAt[view])
		do(s.page.at(view), took, took > 0)
	}
}

// timeOnPages is the time on all pages together, and of how many page views it is.
func (p *plan) timeOnPages(of millis) (sum, views int64) {
	p.each(of, func(s *segment, row int) {
		s.eachView(row, func(_ uint32, took int64, known bool) {
			if known {
				sum += took
				views++
			}
		})
	})
	return sum, views
}

// countVisitors counts the distinct visitors of some sets of keys, in one pass. setOf says in
// which set a group is, -1 for none.
func (p *plan) countVisitors(of millis, g *groups, setOf []int, sets int) []int64 {
	distinct := make([]set, sets)
	for i := range distinct {
		distinct[i] = newSet(p.load.visitors)
	}
	for _, s := range p.days {
		column := &s.page
		if p.dimension != report.Page {
			column = s.column(p.dimension)
		}
		in := make([]int, len(column.texts)) // of each code: its set
		for code, text := range column.texts {
			in[code] = -1
			if n, ok := g.number[text]; ok {
				in[code] = setOf[n]
			}
		}
		add := func(code uint32, row int) {
			if i := in[code]; i >= 0 {
				distinct[i].add(s.visitor[row])
			}
		}
		p.eachOf(s, of, func(row int) {
			if p.dimension != report.Page {
				add(column.at(row), row)
				return
			}
			s.eachView(row, func(code uint32, _ int64, _ bool) { add(code, row) })
		})
	}
	counts := make([]int64, sets)
	for i, d := range distinct {
		counts[i] = d.count()
	}
	return counts
}

// countAllVisitors counts the distinct visitors of every group: by the pairs of group and
// visitor, of which equal ones count once.
func (p *plan) countAllVisitors(of millis, g *groups) {
	var pairs []uint64
	for _, s := range p.days {
		column := &s.page
		if p.dimension != report.Page {
			column = s.column(p.dimension)
		}
		group := make([]uint64, len(column.texts))
		for code, text := range column.texts {
			group[code] = uint64(g.number[text]) << 32 //nolint:gosec // not negative
		}
		p.eachOf(s, of, func(row int) {
			if p.dimension != report.Page {
				pairs = append(pairs, group[column.at(row)]|uint64(s.visitor[row]))
				return
			}
			s.eachView(row, func(code uint32, _ int64, _ bool) { pairs = append(pairs, group[code]|uint64(s.visitor[row])) })
		})
	}
	slices.Sort(pairs)
	for _, pair := range slices.Compact(pairs) {
		g.rows[pair>>32].Visitors++
	}
}
