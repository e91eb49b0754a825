package ledger

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// A Ledger is what happened, as the generator made it: it knows nothing of archives,
// columns or days.
type Ledger struct {
	visits []*Visit
	orders []*sale
	Facts  []store.Fact // in the order in which they happened, about
	rnd    *rand.Rand
	ids    uint64
}

type Visit struct {
	id, visitor string
	began, last time.Time
	dims        map[report.Dimension]string
	views       []view
	products    []string
	events      []event // in order
	sales       int
}

type view struct {
	at   time.Time
	page string // its key
}

type event struct {
	at                  time.Time
	kind, page, product string
}

type sale struct {
	id       string
	at       time.Time
	amount   int64
	refunded int64
	currency string
	visit    *Visit // nil: none
}

func (l *Ledger) id(at time.Time) string {
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

// Generate makes a quarter of traffic around two changes of the clocks.
func Generate(seed uint64, visits int, from time.Time, days int) *Ledger {
	l := &Ledger{rnd: rand.New(rand.NewPCG(seed, 1))}
	var browsers []string
	for range visits {
		l.Visit(from.Add(time.Duration(l.rnd.Int64N(int64(days)*24*int64(time.Hour)))).Truncate(time.Millisecond), &browsers)
	}
	for range visits / 10 { // orders that nobody visited for: a webhook's
		at := from.Add(time.Duration(l.rnd.Int64N(int64(days) * 24 * int64(time.Hour)))).Truncate(time.Millisecond)
		l.sale(at, nil)
	}
	return l
}

func (l *Ledger) Visit(began time.Time, browsers *[]string) {
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
	referrer := pick(r, "", "https://www.google.com/", "https://blog.example/a?b=c", "https://blog.example/a")
	s := store.Session{
		SessionID: l.id(began), VisitorID: visitor, Device: pick(r, "desktop", "mobile", ""), Browser: pick(r, "Chrome", "Firefox", "Safari"), OS: pick(r, "iOS", "Linux"),
		Country: country, City: city, Channel: pick(r, "Direct", "Organic Search", "Email"), UTMMedium: pick(r, "", "cpc", "CPC"), UTMCampaign: campaign,
		Referrer: referrer, LandingPage: landing[0], StartedAt: began, LastSeenAt: began,
	}
	v := &Visit{id: s.SessionID, visitor: visitor, began: began, last: began, dims: map[report.Dimension]string{
		report.Device: s.Device, report.Browser: s.Browser, report.OS: s.OS, report.Country: country, report.Channel: s.Channel,
		report.Medium: strings.ToLower(s.UTMMedium), report.Campaign: strings.ToLower(strings.TrimSpace(campaign)), report.Landing: landing[1], report.Exit: landing[1],
		report.Referrer: strings.TrimSuffix(strings.TrimPrefix(referrer, "https://"), "?b=c"),
	}}
	if city != "" {
		v.dims[report.City] = country + "/" + city
	}
	l.visits = append(l.visits, v)
	l.Facts = append(l.Facts, &store.SessionBegun{Record: store.Record{Session: s}})
	at := began
	for n := range r.IntN(6) {
		if n > 0 {
			step := 40 * 60 * 1000 // some visits last over midnight
			if r.IntN(2) == 0 {
				step = 8000
			}
			at = at.Add(time.Duration(1+r.IntN(step)) * time.Millisecond)
		}
		e := store.Event{EventID: l.id(at), SessionID: v.id, VisitorID: visitor, EventType: store.EventPageView, CreatedAt: at}
		if kind := r.IntN(10); kind < 4 {
			e.EventType, e.ProductID = pick(r, store.EventAddToCart, store.EventViewItem, "begin_checkout"), pick(r, "17", "18", "")
			if e.ProductID != "" {
				v.products = append(v.products, e.ProductID)
			}
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
		v.events = append(v.events, event{at, report.EventKey(e.EventType), report.PageKey(e.Page), e.ProductID})
		l.Facts = append(l.Facts, &store.EventRecorded{Event: e})
	}
	if r.IntN(5) == 0 {
		l.sale(at.Add(time.Duration(r.IntN(20*24*60))*time.Minute), v) // some are told weeks later
	}
}

func (l *Ledger) sale(at time.Time, v *Visit) {
	s := &sale{id: fmt.Sprintf("o-%d", len(l.orders)), at: at, amount: int64(l.rnd.IntN(9999)), currency: pick(l.rnd, "EUR", "JPY"), visit: v}
	l.orders = append(l.orders, s)
	f := &store.OrderPlaced{EventID: l.id(at), Order: store.Order{OrderID: s.id, Total: store.Money{Amount: s.amount, Currency: s.currency}, CreatedAt: at}}
	if v != nil {
		v.sales++
		v.events = append(v.events, event{at, store.EventOrderCompleted, "", ""})
		f.SessionID, f.VisitorID = v.id, v.visitor
	}
	l.Facts = append(l.Facts, f)
	if l.rnd.IntN(4) == 0 && s.amount > 1 {
		s.refunded = s.amount / 2
		l.Facts = append(l.Facts, &store.OrderRefunded{EventID: l.id(at), RefundID: "r-" + s.id, OrderID: s.id, Amount: store.Money{Amount: s.refunded, Currency: s.currency}, At: at.Add(30 * 24 * time.Hour)})
	}
}

// Values are a visit's values of a dimension.
func (v *Visit) Values(d report.Dimension) []string {
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
func holds(c report.Condition, v *Visit) bool {
	values := []string{""}
	if v != nil {
		if all := v.Values(c.Dimension); len(all) > 0 {
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

// Figures are a row, as the ledger adds it up.
type Figures struct {
	Visitors                     map[string]bool
	Sessions, Engaged, Converted int64

	views, millis, durations int64
	orders                   map[string][3]int64 // by currency: orders, revenue, refunded
}

func (f *Figures) visit(v *Visit) {
	if f.Visitors == nil {
		f.Visitors = map[string]bool{}
	}
	f.Visitors[v.visitor] = true
	f.Sessions++
	f.views += int64(len(v.views))
	took := v.last.Sub(v.began)
	if took > 10*time.Second || len(v.views) > 1 || v.sales > 0 {
		f.Engaged++
	}
	if v.sales > 0 {
		f.Converted++
	}
	if took > 0 {
		f.millis += took.Milliseconds()
		f.durations++
	}
}

func (f *Figures) sale(s *sale) {
	if f.orders == nil {
		f.orders = map[string][3]int64{}
	}
	o := f.orders[s.currency]
	f.orders[s.currency] = [3]int64{o[0] + 1, o[1] + s.amount, o[2] + s.refunded}
}

// Text is what is compared. pages have no orders and another duration.
func (f *Figures) Text(page bool) string {
	s := fmt.Sprintf("visitors %d sessions %d engaged %d views %d converted %d duration %d of %d", len(f.Visitors), f.Sessions, f.Engaged, f.views, f.Converted, f.millis, f.durations)
	if !page {
		for _, c := range slices.Sorted(maps.Keys(f.orders)) {
			s += fmt.Sprint(" ", c, f.orders[c])
		}
	}
	return s
}

// Text is what is compared of a row.
func Text(r *report.Row) string {
	s := fmt.Sprintf("visitors %d sessions %d engaged %d views %d converted %d duration %d of %d", r.Visitors, r.Sessions, r.Engaged, r.PageViews, r.Converted, r.DurationMillis, r.Durations)
	for _, m := range r.Money {
		s += fmt.Sprint(" ", m.Currency, [3]int64{m.Orders, m.Revenue, m.Refunded})
	}
	return s
}

// Sums adds up a range by a key, whose visits and orders it asks for. Orders without a visit
// are under "outside".
func (l *Ledger) Sums(q report.Question, r report.Range, keys func(*Visit) []string) (total, outside *Figures, rows map[string]*Figures) {
	total, outside, rows = &Figures{}, &Figures{}, map[string]*Figures{}
	row := func(key string) *Figures {
		if rows[key] == nil {
			rows[key] = &Figures{}
		}
		return rows[key]
	}
	selected := func(v *Visit) bool {
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

// pageFigures replaces the views and durations of rows, and the durations of the total, by
// those of pages.
func (l *Ledger) pageFigures(q report.Question, r report.Range, total *Figures, rows map[string]*Figures) {
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
				for _, f := range []*Figures{total, rows[w.page]} {
					f.millis += end.Sub(w.at).Milliseconds()
					f.durations++
				}
			}
		}
	}
}
