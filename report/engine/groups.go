package engine

import "github.com/footfall-go/footfall/report"

// Groups are visits and orders told apart by one dimension: by the number of its text.
type groups struct {
	texts    []string
	sums     []tally
	sales    map[uint32]*report.Row
	visitors []int64 // distinct ones
	pairs    pairs
}

// has reports whether there is anything in a group.
func (g *groups) has(n uint32) bool { return g.sums[n].visits > 0 || g.sales[n] != nil }

// row is the row of a group.
func (g *groups) row(n uint32) (r report.Row) {
	if sales := g.sales[n]; sales != nil {
		r = *sales
	}
	r.Key, r.HasKey = g.texts[n], n != 0
	g.sums[n].fill(&r)
	r.Visitors = g.visitors[n]
	return r
}

func (g *groups) addOrder(n uint32, o *order) {
	if g.sales[n] == nil {
		g.sales[n] = &report.Row{}
	}
	addOrder(g.sales[n], o)
}

// group adds up a span by the plan's dimension. outside is the orders without a visit.
func (p *plan) group(of millis) (g *groups, outside report.Row) {
	g = &groups{texts: p.load.pages, sales: map[uint32]*report.Row{}}
	if p.dimension == report.Page {
		g.sums = make([]tally, len(g.texts))
		p.groupPages(of, g)
		return g, outside
	}
	single := singleOf(p.dimension)
	g.texts = p.load.single[single]
	g.sums = make([]tally, len(g.texts))
	scans := p.scans(of)
	var buffer []uint32
	for _, sc := range scans {
		giveWay()
		column := &sc.single[single]
		local := make([]tally, len(column.texts))
		for i, code := range sc.codes(column, &buffer) {
			local[code].add(&sc.did[sc.row(i)])
		}
		for code, number := range column.numbers {
			g.sums[number].merge(&local[code])
		}
	}
	g.pairs = sortPairs(len(g.texts), func(pair func(group, visitor uint32)) {
		for _, sc := range scans {
			giveWay()
			column := &sc.single[single]
			for i, code := range sc.codes(column, &buffer) {
				pair(column.numbers[code], sc.visitor[sc.row(i)])
			}
		}
	})
	g.visitors = g.pairs.distinct(p.load.visitors)
	p.eachOrder(of, func(o *order, s *segment, row int) {
		switch {
		case s != nil:
			column := &s.single[single]
			g.addOrder(column.numbers[column.at(row)], o)
		case o.session != "":
			g.addOrder(0, o) // its visit is not held any more
		default:
			addOrder(&outside, o)
		}
	})
	return g, outside
}

// groupPages adds up the page views of visits by page. A visit is in the row of each page that
// it saw, once.
func (p *plan) groupPages(of millis, g *groups) {
	scans := p.scans(of)
	for _, sc := range scans {
		giveWay()
		local, latest := make([]tally, len(sc.page.texts)), make([]int, len(sc.page.texts))
		sc.each(func(row int) {
			sc.eachView(row, func(code uint32, took int64, known bool) {
				t := &local[code]
				if latest[code] != row+1 {
					latest[code] = row + 1
					t.visits++
					t.engaged += int64(sc.did[row].flags & engaged)
					t.converted += int64(sc.did[row].flags & converted / converted)
				}
				t.views++
				if known {
					t.millis += took
					t.durations++
				}
			})
		})
		for code, number := range sc.page.numbers {
			g.sums[number].merge(&local[code])
		}
	}
	g.pairs = sortPairs(len(g.texts), func(pair func(group, visitor uint32)) {
		for _, sc := range scans {
			giveWay()
			sc.each(func(row int) {
				for e := sc.firstEvent[row]; e < sc.firstEvent[row+1]; e++ {
					if sc.isView[e] {
						pair(sc.page.numbers[sc.page.at(int(e))], sc.visitor[row])
					}
				}
			})
		}
	})
	g.visitors = g.pairs.distinct(p.load.visitors)
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
		took := int64(s.did[row].took) - int64(s.eventAt[view])
		do(s.page.at(view), took, took > 0)
	}
}
