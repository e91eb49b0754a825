package engine

import (
	"slices"
	"strings"

	"github.com/footfall-go/footfall/report"
)

// A stepTest says which events of a segment reach a step.
type stepTest struct {
	all      bool // each visit does
	kind     []bool
	page     []bool
	product  []bool
	onlyView bool
}

// test decides a step once for each text of a segment.
func test(s *segment, step report.Step) (t stepTest) {
	decide := func(texts []string, is func(text string) bool) []bool {
		holds := make([]bool, len(texts))
		for code, text := range texts {
			holds[code] = is(text)
		}
		return holds
	}
	switch step.Kind {
	case report.StepVisit:
		t.all = true
	case report.StepEvent:
		t.kind = decide(s.kind.texts, func(text string) bool { return text == step.Value })
	case report.StepPage:
		t.onlyView = true
		t.page = decide(s.page.texts, func(text string) bool { return strings.HasPrefix(text, step.Value) })
	case report.StepProduct:
		t.product = decide(s.product.texts, func(text string) bool { return text == step.Value })
	}
	return t
}

func (t *stepTest) holds(s *segment, event int) bool {
	switch {
	case t.kind != nil:
		return t.kind[s.kind.at(event)]
	case t.onlyView:
		return s.isView[event] && t.page[s.page.at(event)]
	}
	return t.product[s.product.at(event)]
}

// reached is how many of the steps a visit reached: each by the first event behind the one
// that reached the step before, or in its millisecond, that reached none. used is as long as
// tests.
func (s *segment) reached(row int, tests []stepTest, used []int) int {
	first, end := int(s.firstEvent[row]), int(s.firstEvent[row+1])
	after := uint32(0)
	for i := range tests {
		used[i] = -1
		if tests[i].all {
			continue
		}
		for e := first; e < end && used[i] < 0; e++ {
			if s.eventAt[e] >= after && tests[i].holds(s, e) && !slices.Contains(used[:i], e) {
				used[i] = e
			}
		}
		if used[i] < 0 {
			return i
		}
		after = s.eventAt[used[i]]
	}
	return len(tests)
}

// funnel has a row for each step.
func (p *plan) funnel(of millis) ([]report.Row, report.FunnelNote) {
	steps := p.q.Steps
	rows := make([]report.Row, len(steps))
	distinct := make([]set, len(steps))
	for i, step := range steps {
		rows[i].Key, rows[i].HasKey = step.String(), true
		distinct[i] = newSet(p.load.visitors)
	}
	var note report.FunnelNote
	all := int64(0)
	for _, sc := range p.scans(of) {
		giveWay()
		tests, used := make([]stepTest, len(steps)), make([]int, len(steps))
		for i, step := range steps {
			tests[i] = test(sc.segment, step)
		}
		sc.each(func(row int) {
			all++
			n := sc.reached(row, tests, used)
			for i := range n {
				rows[i].Sessions++
				distinct[i].add(sc.visitor[row])
			}
			if n < len(steps) && sc.did[row].flags&converted != 0 {
				note.Skipped++
			}
		})
	}
	for i := range rows {
		rows[i].Visitors, rows[i].Of = distinct[i].count(), all
		if i+1 < len(rows) {
			rows[i].Left = rows[i].Sessions - rows[i+1].Sessions
		}
	}
	type visitOf struct {
		s   *segment
		row int
	}
	counted := map[visitOf]bool{}
	p.eachOrder(of, func(_ *order, s *segment, row int) {
		if s != nil {
			first, end := s.between(of.from, of.to)
			if v := (visitOf{s, row}); row >= first && row < end && !counted[v] {
				counted[v] = true
				return
			}
		}
		note.FurtherOrders++
	})
	return rows, note
}
