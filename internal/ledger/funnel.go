package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/footfall-go/footfall/report"
)

// reached follows the steps of a funnel through a visit's events: the number of steps.
func (v *Visit) reached(steps []report.Step) int {
	events := slices.Clone(v.events)
	slices.SortStableFunc(events, func(x, y event) int { return x.at.Compare(y.at) })
	for i, s := range steps {
		if s.Kind == report.StepVisit {
			continue
		}
		at := slices.IndexFunc(events, func(e event) bool {
			switch s.Kind {
			case report.StepPage:
				return e.kind == "page_view" && strings.HasPrefix(e.page, s.Value)
			case report.StepProduct:
				return e.product == s.Value
			}
			return e.kind == s.Value
		})
		if at < 0 {
			return i
		}
		events = events[at+1:]
	}
	return len(steps)
}

// funnel is what the report funnel should say of a range.
func (l *Ledger) funnel(q report.Question, r report.Range) (rows []string, note report.FunnelNote) {
	selected := func(v *Visit) bool {
		for _, c := range q.Filters {
			if !holds(c, v) {
				return false
			}
		}
		return true
	}
	visits := map[*Visit]bool{}
	reached := map[int][]*Visit{}
	for _, v := range l.visits {
		if v.began.Before(r.From) || !v.began.Before(r.To) || !selected(v) {
			continue
		}
		visits[v] = true
		n := v.reached(q.Steps)
		for i := range n {
			reached[i] = append(reached[i], v)
		}
		if n < len(q.Steps) && v.sales > 0 {
			note.Skipped++
		}
	}
	for i, s := range q.Steps {
		browsers := map[string]bool{}
		for _, v := range reached[i] {
			browsers[v.visitor] = true
		}
		left := 0
		if i+1 < len(q.Steps) {
			left = len(reached[i]) - len(reached[i+1])
		}
		rows = append(rows, fmt.Sprintf("%s: %d visits of %d visitors of %d, %d left", s, len(reached[i]), len(browsers), len(visits), left))
	}
	ordered := map[*Visit]bool{}
	for _, s := range l.orders {
		switch {
		case s.at.Before(r.From) || !s.at.Before(r.To) || !selected(s.visit):
		case visits[s.visit] && !ordered[s.visit]:
			ordered[s.visit] = true
		default:
			note.FurtherOrders++
		}
	}
	return rows, note
}

// funnelText is what is compared of an answer.
func funnelText(rows []report.Row) (text []string) {
	for i := range rows {
		r := &rows[i]
		text = append(text, fmt.Sprintf("%s: %d visits of %d visitors of %d, %d left", r.Key, r.Sessions, r.Visitors, r.Of, r.Left))
	}
	return text
}
