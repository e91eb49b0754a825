package engine

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/footfall-go/footfall/report"
)

// bitsets is up to how many rows are counted by a set of visitors for each. Past it pairs are
// sorted.
const bitsets = 64

// list fills in the rows of a report that has one for each value of a dimension.
func (p *plan) list(a *report.Answer) error {
	of := span(p.q.From, p.q.To)
	g, outside := p.group(of)
	for i := range g.sums {
		g.sums[i].fill(&g.rows[i])
	}
	field := strings.TrimPrefix(p.q.Sort, "-")
	counted := field == "visitors" || min(p.q.Limit, len(g.rows)) > bitsets
	if counted {
		p.countAllVisitors(of, g)
	}
	order := make([]int, len(g.rows))
	for i := range order {
		order[i] = i
	}
	by := sorting{field: field, descending: p.q.Sort != field}
	slices.SortFunc(order, func(x, y int) int { return by.compare(&g.rows[x], &g.rows[y]) })
	first := 0
	if p.q.Cursor != "" {
		after, err := readCursor(p.q.Cursor)
		if err != nil {
			return report.CursorMistake()
		}
		for first < len(order) && by.afterPosition(&g.rows[order[first]]).compare(after, by) <= 0 {
			first++
		}
	}
	end := min(first+p.q.Limit, len(order))
	shown := order[first:end]
	setOf := make([]int, len(g.rows))
	for i := range setOf {
		setOf[i] = len(shown) // the rest
	}
	for i, n := range shown {
		setOf[n] = i
	}
	a.Rows = make([]report.Row, 0, len(shown))
	var counts []int64
	if counted {
		counts = p.countVisitors(of, g, restOnly(setOf, len(shown)), 1)
	} else {
		counts = p.countVisitors(of, g, setOf, len(shown)+1)
	}
	for i, n := range shown {
		r := g.rows[n]
		if !counted {
			r.Visitors = counts[i]
		}
		a.Rows = append(a.Rows, r)
	}
	if len(shown) < len(order) {
		a.Rest = p.rest(g, setOf, len(shown))
		a.Rest.Visitors = counts[len(counts)-1]
	}
	if end < len(order) {
		a.Next = by.afterPosition(&g.rows[order[end-1]]).cursor()
	}
	if p.dimension != report.Page {
		a.Outside = &outside
	}
	if p.q.Compared != nil {
		p.compareRows(a)
	}
	return nil
}

// restOnly puts the groups of the last set into set 0, and all others into none.
func restOnly(setOf []int, last int) []int {
	only := make([]int, len(setOf))
	for i, n := range setOf {
		only[i] = -1
		if n == last {
			only[i] = 0
		}
	}
	return only
}

// rest is what the rows that are not shown have together. Of pages the visits of several rows
// are counted once.
func (p *plan) rest(g *groups, setOf []int, last int) *report.Rest {
	rest := &report.Rest{}
	var t tally
	for n := range g.rows {
		if setOf[n] != last {
			continue
		}
		rest.Rows++
		t.merge(&g.sums[n])
		for _, m := range g.rows[n].Money {
			rest.AddSales(m)
		}
	}
	if p.dimension == report.Page {
		once := p.pagesRest(span(p.q.From, p.q.To), g, setOf, last)
		t.visits, t.engaged, t.converted = once.visits, once.engaged, once.converted
	}
	t.fill(&rest.Row)
	return rest
}

// pagesRest counts the visits that saw one of the pages that are not shown.
func (p *plan) pagesRest(of millis, g *groups, setOf []int, last int) (t tally) {
	for _, s := range p.days {
		rest := make([]bool, len(s.page.texts))
		for code, text := range s.page.texts {
			n, ok := g.number[text]
			rest[code] = ok && setOf[n] == last
		}
		p.eachOf(s, of, func(row int) {
			saw := false
			s.eachView(row, func(code uint32, _ int64, _ bool) { saw = saw || rest[code] })
			if saw {
				t.add(s, row)
			}
		})
	}
	return t
}

// compareRows gives each row the figures of its key in the compared range.
func (p *plan) compareRows(a *report.Answer) {
	of := span(p.q.Compared.From, p.q.Compared.To)
	g, outside := p.group(of)
	setOf := make([]int, len(g.rows))
	for i := range setOf {
		setOf[i] = -1
	}
	if len(a.Rows) > bitsets {
		p.countAllVisitors(of, g)
	}
	for i := range a.Rows {
		if n, ok := g.number[a.Rows[i].Key]; ok {
			setOf[n] = i
		}
	}
	var counts []int64
	if len(a.Rows) <= bitsets {
		counts = p.countVisitors(of, g, setOf, len(a.Rows))
	}
	for i := range a.Rows {
		compared := &report.Row{}
		if n, ok := g.number[a.Rows[i].Key]; ok {
			g.sums[n].fill(&g.rows[n])
			compared = &g.rows[n]
			if counts != nil {
				compared.Visitors = counts[i]
			}
		}
		a.Rows[i].Compared = compared
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

// A position is where a row is in a list.
type position struct {
	Value *float64 `json:"v"` // of the figure; nil: it has none, or the list is by key
	Key   string   `json:"k"`
}

func (by sorting) afterPosition(r *report.Row) position {
	p := position{Key: r.Key}
	if by.field == "key" {
		return p
	}
	switch v := r.Figure(by.field).(type) {
	case int64:
		f := float64(v)
		p.Value = &f
	case *float64:
		p.Value = v
	}
	return p
}

func (by sorting) compare(x, y *report.Row) int {
	return by.afterPosition(x).compare(by.afterPosition(y), by)
}

func (p position) compare(other position, by sorting) int {
	byKey := func() int {
		c := strings.Compare(p.Key, other.Key)
		switch {
		case p.Key == "" && other.Key != "":
			c = 1
		case p.Key != "" && other.Key == "":
			c = -1
		case by.field == "key" && by.descending:
			c = -c
		}
		return c
	}
	switch {
	case p.Value == nil && other.Value == nil:
		return byKey()
	case p.Value == nil:
		return 1
	case other.Value == nil:
		return -1
	}
	c := cmp.Compare(*p.Value, *other.Value)
	if by.descending {
		c = -c
	}
	return cmp.Or(c, byKey())
}

func (p position) cursor() string {
	b, err := json.Marshal(p)
	if err != nil { // a figure is finite, and a key is text
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readCursor(text string) (p position, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	return p, err
}
