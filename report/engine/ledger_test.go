package engine_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/report/engine"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// A ledger is what happened, as the generator made it: it knows nothing of archives,
// columns or days.
type ledger struct {
	visits []*visit
	orders []*sale
	facts  []store.Fact
	rnd    *rand.Rand
	ids    uint64
}

type visit struct {
	id, visitor string
	began, last time.Time
	dims        map[report.Dimension]string
	views       []view
	products    []string
	sales       int
}

type view struct {
	at   time.Time
	page string // its key
}

type sale struct {
	id       string
	at       time.Time
	amount   int64
	refunded int64
	currency string
	visit    *visit // nil: none
}

func (l *ledger) id(at time.Time) string {
	l.ids++
	var u uuid.UUID
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6], u[8] = 0x70, 0x80
	for i := range 6 {
		u[10+i] = byte(l.ids >> (40 - 8*i))
	}
	return u.String()
}

func pick(rnd *rand.Rand, of ...string) string { return of[rnd.IntN(len(of))] }

// pages are pages as browsers ask for them, and their keys.
var pages = [][2]string{
	{"/", "/"}, {"/?utm_source=x", "/"}, {"/p/1", "/p/1"}, {"/p/1/", "/p/1"}, {"/p/1?color=red", "/p/1"}, {"/p/2", "/p/2"}, {"/P/2", "/P/2"},
	{"/caf%C3%A9", "/café"}, {"/cafe%CC%81", "/café"}, {"/a%2Fb", "/a%2Fb"}, {"/%00", "/%00"}, {"", ""},
}

// generate makes a quarter of traffic around two changes of the clocks.
func generate(seed uint64, visits int, from time.Time, days int) *ledger {
	l := &ledger{rnd: rand.New(rand.NewPCG(seed, 1))}
	var browsers []string
	for range visits {
		l.visit(from.Add(time.Duration(l.rnd.Int64N(int64(days)*24*int64(time.Hour)))).Truncate(time.Millisecond), &browsers)
	}
	for range visits / 10 { // orders that nobody visited for: a webhook's
		at := from.Add(time.Duration(l.rnd.Int64N(int64(days) * 24 * int64(time.Hour)))).Truncate(time.Millisecond)
		l.sale(at, nil)
	}
	return l
}

func (l *ledger) visit(began time.Time, browsers *[]string) {
	r := l.rnd
	visitor := l.id(began)
	if len(*browsers) > 0 && r.IntN(3) == 0 {
		visitor = (*browsers)[r.IntN(len(*browsers))]
	} else {
		*browsers = append(*browsers, visitor)
	}
	landing := pages[r.IntN(len(pages))]
	campaign := pick(r, "", "Sommer", "sommer ", "SOMMER", "winter|sale", `a\b`)
	country, city := pick(r, "", "FR", "DE"), pick(r, "", "Paris")
	s := store.Session{
		SessionID: l.id(began), VisitorID: visitor, Device: pick(r, "desktop", "mobile", ""), Browser: pick(r, "Chrome", "Firefox", "Safari"), OS: pick(r, "iOS", "Linux"),
		Country: country, City: city, Channel: pick(r, "Direct", "Organic Search", "Email"), UTMMedium: pick(r, "", "cpc", "CPC"), UTMCampaign: campaign,
		LandingPage: landing[0], StartedAt: began, LastSeenAt: began,
	}
	v := &visit{id: s.SessionID, visitor: visitor, began: began, last: began, dims: map[report.Dimension]string{
		report.Device: s.Device, report.Browser: s.Browser, report.OS: s.OS, report.Country: country, report.Channel: s.Channel,
		report.Medium: strings.ToLower(s.UTMMedium), report.Campaign: strings.ToLower(strings.TrimSpace(campaign)), report.Landing: landing[1], report.Exit: landing[1],
	}}
	if city != "" {
		v.dims[report.City] = country + "/" + city
	}
	l.visits = append(l.visits, v)
	l.facts = append(l.facts, &store.SessionBegun{Record: store.Record{Session: s}})
	at := began
	for n := range r.IntN(6) {
		if n > 0 {
			step := 40 * 60 * 1000 // some visits last over midnight
			if r.IntN(2) == 0 {
				step = 8000
			}
			at = at.Add(time.Duration(r.IntN(step)) * time.Millisecond)
		}
		e := store.Event{EventID: l.id(at), SessionID: v.id, VisitorID: visitor, EventType: store.EventPageView, CreatedAt: at}
		if r.IntN(4) == 0 {
			e.EventType, e.ProductID = store.EventAddToCart, pick(r, "17", "18")
			v.products = append(v.products, e.ProductID)
		} else {
			p := pages[r.IntN(len(pages))]
			e.Page = p[0]
			if len(v.views) == 0 {
				v.dims[report.Landing] = p[1]
			}
			v.dims[report.Exit] = p[1]
			v.views = append(v.views, view{at, p[1]})
		}
		v.last = at
		l.facts = append(l.facts, &store.EventRecorded{Event: e})
	}
	if r.IntN(5) == 0 {
		l.sale(at.Add(time.Duration(r.IntN(20*24*60))*time.Minute), v) // some are told weeks later
	}
}

func (l *ledger) sale(at time.Time, v *visit) {
	s := &sale{id: fmt.Sprintf("o-%d", len(l.orders)), at: at, amount: int64(l.rnd.IntN(9999)), currency: pick(l.rnd, "EUR", "JPY"), visit: v}
	l.orders = append(l.orders, s)
	f := &store.OrderPlaced{EventID: l.id(at), Order: store.Order{OrderID: s.id, Total: store.Money{Amount: s.amount, Currency: s.currency}, CreatedAt: at}}
	if v != nil {
		v.sales++
		f.SessionID, f.VisitorID = v.id, v.visitor
	}
	l.facts = append(l.facts, f)
	if l.rnd.IntN(4) == 0 && s.amount > 1 {
		s.refunded = s.amount / 2
		l.facts = append(l.facts, &store.OrderRefunded{EventID: l.id(at), RefundID: "r-" + s.id, OrderID: s.id, Amount: store.Money{Amount: s.refunded, Currency: s.currency}, At: at.Add(30 * 24 * time.Hour)})
	}
}

// values are a visit's values of a dimension.
func (v *visit) values(d report.Dimension) []string {
	switch d {
	case report.Page:
		var all []string
		for _, w := range v.views {
			all = append(all, w.page)
		}
		return all
	case report.Product:
		return v.products
	}
	return []string{v.dims[d]}
}

// holds reports whether a condition holds for a visit, or for none.
func holds(c report.Condition, v *visit) bool {
	values := []string{""}
	if v != nil {
		if all := v.values(c.Dimension); len(all) > 0 {
			values = all
		}
	}
	fold := func(s string) string {
		if c.Dimension.Cased() {
			return s
		}
		return strings.ToLower(strings.TrimSpace(s))
	}
	some := false
	for _, value := range values {
		for _, want := range c.Values {
			value, want := fold(value), fold(want)
			switch c.Operator {
			case report.Contains:
				some = some || strings.Contains(value, want)
			case report.Begins:
				some = some || strings.HasPrefix(value, want)
			default:
				some = some || value == want
			}
		}
	}
	return some != (c.Operator == report.Not)
}

// figures are a row, as the ledger adds it up.
type figures struct {
	visitors                            map[string]bool
	sessions, engaged, views, converted int64
	millis, durations                   int64
	orders                              map[string][3]int64 // by currency: orders, revenue, refunded
}

func (f *figures) visit(v *visit) {
	if f.visitors == nil {
		f.visitors = map[string]bool{}
	}
	f.visitors[v.visitor] = true
	f.sessions++
	f.views += int64(len(v.views))
	took := v.last.Sub(v.began)
	if took > 10*time.Second || len(v.views) > 1 || v.sales > 0 {
		f.engaged++
	}
	if v.sales > 0 {
		f.converted++
	}
	if took > 0 {
		f.millis += took.Milliseconds()
		f.durations++
	}
}

func (f *figures) sale(s *sale) {
	if f.orders == nil {
		f.orders = map[string][3]int64{}
	}
	o := f.orders[s.currency]
	f.orders[s.currency] = [3]int64{o[0] + 1, o[1] + s.amount, o[2] + s.refunded}
}

// text is what is compared. pages have no orders and another duration.
func (f *figures) text(page bool) string {
	s := fmt.Sprintf("visitors %d sessions %d engaged %d views %d converted %d duration %d of %d", len(f.visitors), f.sessions, f.engaged, f.views, f.converted, f.millis, f.durations)
	if !page {
		for _, c := range slices.Sorted(maps.Keys(f.orders)) {
			s += fmt.Sprint(" ", c, f.orders[c])
		}
	}
	return s
}

func textOf(r *report.Row) string {
	s := fmt.Sprintf("visitors %d sessions %d engaged %d views %d converted %d duration %d of %d", r.Visitors, r.Sessions, r.Engaged, r.PageViews, r.Converted, r.DurationMillis, r.Durations)
	for _, m := range r.Money {
		s += fmt.Sprint(" ", m.Currency, [3]int64{m.Orders, m.Revenue, m.Refunded})
	}
	return s
}

// sums adds up a range by a key, whose visits and orders it asks for. Orders without a visit
// are under "outside".
func (l *ledger) sums(q report.Question, r report.Range, keys func(*visit) []string) (total, outside *figures, rows map[string]*figures) {
	total, outside, rows = &figures{}, &figures{}, map[string]*figures{}
	row := func(key string) *figures {
		if rows[key] == nil {
			rows[key] = &figures{}
		}
		return rows[key]
	}
	selected := func(v *visit) bool {
		for _, c := range q.Filters {
			if !holds(c, v) {
				return false
			}
		}
		return true
	}
	within := func(at time.Time) bool { return !at.Before(r.From) && at.Before(r.To) }
	for _, v := range l.visits {
		if !within(v.began) || !selected(v) {
			continue
		}
		total.visit(v)
		for _, key := range keys(v) {
			row(key).visit(v)
		}
	}
	for _, s := range l.orders {
		if !within(s.at) || !selected(s.visit) {
			continue
		}
		total.sale(s)
		if s.visit == nil {
			outside.sale(s)
			continue
		}
		for _, key := range keys(s.visit) {
			row(key).sale(s)
		}
	}
	return total, outside, rows
}

func openSQLite(t *testing.T, l *ledger) *sqlitearchive.Archive {
	t.Helper()
	a, err := sqlitearchive.Open(filepath.Join(t.TempDir(), "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	for chunk := range slices.Chunk(l.facts, 1000) {
		if err := a.Append(t.Context(), chunk); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

var filters = []string{
	"", "device:is:mobile", "device:not:mobile", "device:is:", "country:is:fr|DE", "country:not:fr|de", "page:is:/p/1", "page:not:/p/1", "page:is:", "page:contains:p/", "page:begins:/p",
	`campaign:is:winter\|sale`, "campaign:is:sommer", `campaign:is:a\\b`, "product:is:17", "product:not:17", "product:is:", "landing:is:/caf%C3%A9", "exit:is:/p/1?x", "channel:begins:organic", "browser:contains:o", "city:is:FR/Paris",
	"page:is:/P/2 page:is:/p/2", "device:is:mobile os:not:iOS",
}

// Every figure equals the ledger, in three time zones and under filters.
func TestLedger_EveryFigure(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	l := generate(1, 1500, from, 60)
	e := engine.New(openSQLite(t, l), 0)
	checkLedger(t, l, e)
}

func checkLedger(t *testing.T, l *ledger, e *engine.Engine) {
	t.Helper()
	now := time.Date(2026, 4, 20, 12, 0, 0, 0, time.UTC)
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/Santiago"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, filter := range filters {
			for _, name := range report.Names() {
				p := map[string][]string{"from": {"2026-03-05"}, "to": {"2026-04-12"}, "compare": {"previous"}, "limit": {"10000"}}
				if filter != "" {
					p["filter"] = strings.Split(filter, " ")
				}
				q, err := report.ParseQuestion(name, p, loc, now)
				if err != nil {
					t.Fatal(err)
				}
				answers, err := e.Ask(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				compareAnswer(t, l, q, &answers[0], fmt.Sprintf("%s in %s where %q", name, zone, filter))
			}
		}
	}
}

func compareAnswer(t *testing.T, l *ledger, q report.Question, a *report.Answer, what string) {
	t.Helper()
	d := report.KeyDimension(q.Report)
	page := d == report.Page
	keys := func(v *visit) []string {
		if d == "" {
			return nil
		}
		all := v.values(d)
		slices.Sort(all)
		return slices.Compact(slices.Clone(all))
	}
	if page {
		keys = func(v *visit) []string {
			all := v.values(d)
			slices.Sort(all)
			return slices.Compact(all)
		}
	}
	check := func(got *report.Row, want *figures, row string) {
		t.Helper()
		if want == nil {
			want = &figures{}
		}
		if g, w := textOf(got), want.text(page); g != w {
			t.Errorf("%s, %s:\n got %s\nwant %s", what, row, g, w)
		}
	}
	now, before := report.Range{From: q.From, To: q.To}, *q.Compared
	total, outside, rows := l.sums(q, now, keys)
	totalBefore, _, rowsBefore := l.sums(q, before, keys)
	if page {
		l.pageFigures(q, now, total, rows)
		l.pageFigures(q, before, totalBefore, rowsBefore)
	}
	check(&a.Total, total, "total")
	check(a.Total.Compared, totalBefore, "total before")
	if d == "" {
		return
	}
	if len(a.Rows) != len(rows) {
		t.Errorf("%s: %d rows, want %d", what, len(a.Rows), len(rows))
	}
	for i := range a.Rows {
		r := &a.Rows[i]
		check(r, rows[r.Key], fmt.Sprintf("row %q", r.Key))
		check(r.Compared, rowsBefore[r.Key], fmt.Sprintf("row %q before", r.Key))
	}
	if a.Outside != nil {
		check(a.Outside, outside, "outside")
	}
}

// pageFigures replaces the views and durations of rows, and the durations of the total, by
// those of pages.
func (l *ledger) pageFigures(q report.Question, r report.Range, total *figures, rows map[string]*figures) {
	total.millis, total.durations = 0, 0
	for _, f := range rows {
		f.views, f.millis, f.durations = 0, 0, 0
	}
	for _, v := range l.visits {
		if v.began.Before(r.From) || !v.began.Before(r.To) || !slices.ContainsFunc([]int{0}, func(int) bool {
			for _, c := range q.Filters {
				if !holds(c, v) {
					return false
				}
			}
			return true
		}) {
			continue
		}
		for i, w := range v.views {
			end, known := v.last, v.last.After(w.at)
			if i+1 < len(v.views) {
				end, known = v.views[i+1].at, true
			}
			rows[w.page].views++
			if known {
				for _, f := range []*figures{total, rows[w.page]} {
					f.millis += end.Sub(w.at).Milliseconds()
					f.durations++
				}
			}
		}
	}
}
