package archivetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

var dayRules = []rule{
	{"days_of_sessions_and_orders", func(t *tester) {
		t.want(t.days(), []report.DayState(nil), "an empty archive has no days")
		t.append(begun(1, toMidnight-10), view(1, 1, toMidnight-10), view(1, 2, toMidnight+5), begun(2, toMidnight), order("o", 1, 100, toMidnight+9))
		days := t.days()
		if len(days) != 2 || days[0].Day != report.DayOf(at(0)) || days[1].Day != days[0].Day+1 {
			t.Fatalf("days %v: each UTC day on which a session began or an order was placed is listed once, in order", days)
		}
		first, second := t.day(days[0].Day), t.day(days[1].Day)
		t.want([]int{len(first.visits), len(first.visits[sid(1)].Events), len(first.orders)}, []int{1, 3, 0}, "a session is of the day on which it began, with all its events: visits, events, orders")
		t.want([]int{len(second.visits), len(second.orders)}, []int{1, 1}, "an order is of the day on which it was placed: visits, orders")
		t.want(second.orders["o"].VisitBeganAt, at(toMidnight-10).UnixMilli(), "an order says when its visit began")
		t.want(t.someDays(days[0].Day+1, days[0].Day+2), days[1:], "days are listed from the first, that included, to the last, that excluded")
	}},
	{"a_change_gives_its_days_another_generation", func(t *tester) {
		t.append(begun(1, toMidnight-10), view(1, 1, toMidnight-10), begun(2, toMidnight+10), order("o", 1, 100, toMidnight+20))
		for _, c := range []struct {
			what   string
			facts  []store.Fact
			raised []int // days after the first
		}{
			{"a view of a session", []store.Fact{view(1, 2, toMidnight+30)}, []int{0}},
			{"a login", []store.Fact{login(2, toMidnight+40, "c", toMidnight+39)}, []int{1}},
			{"a refund of an order", []store.Fact{refund("r", "o", 0, 10, toMidnight+50)}, []int{1}},
			{"a late record that completes an order", []store.Fact{customers(order("o", 1, 100, toMidnight+60), "c")}, []int{0, 1}},
			{"a session that begins", []store.Fact{begun(3, toMidnight+70)}, []int{1}},
			{"a fold", []store.Fact{fold(1, 3)}, []int{0, 1}},
			{"a folded session's cookie that comes back", []store.Fact{view(3, 9, toMidnight+80)}, []int{0, 1}},
			{"an order whose session has not begun", []store.Fact{order("late", 4, 5, toMidnight+90)}, []int{1}},
			{"the begin of an order's session", []store.Fact{begun(4, toMidnight-90)}, []int{0, 1}},
		} {
			before := t.days()
			t.append(c.facts...)
			after := t.days()
			var raised []int
			for i := range before {
				if after[i].Generation != before[i].Generation {
					raised = append(raised, i)
				}
			}
			for _, i := range c.raised {
				if !slices.Contains(raised, i) {
					t.Errorf("%s gives another generation to days %v, want %v among them: what reports read of them has changed", c.what, raised, c.raised)
				}
			}
		}
	}},
}

func customers(o *store.OrderPlaced, customer string) *store.OrderPlaced {
	o.CustomerID = customer
	return o
}

// toMidnight is how many milliseconds after at(0) the next UTC day begins.
const toMidnight = 52_386_411

func (t *tester) days() []report.DayState {
	t.Helper()
	return t.someDays(report.DayOf(at(0))-10, report.DayOf(at(0))+10)
}

func (t *tester) someDays(from, to report.UTCDay) []report.DayState {
	t.Helper()
	days, err := t.a.Days(t.Context(), from, to)
	if err != nil {
		t.Fatalf("Days: %v", err)
	}
	if len(days) == 0 {
		return nil
	}
	return days
}

// A dayRead is what reports read of a day.
type dayRead struct {
	visits map[string]report.Visit
	orders map[string]report.Order
}

func (t *tester) day(day report.UTCDay) dayRead {
	t.Helper()
	d := dayRead{map[string]report.Visit{}, map[string]report.Order{}}
	err := t.a.ReadDay(t.Context(), day, report.DayReader{
		Visit: func(v *report.Visit) error {
			if _, twice := d.visits[v.SessionID]; twice {
				t.Errorf("session %s is read twice", v.SessionID)
			}
			kept := *v
			kept.Events = slices.Clone(v.Events)
			d.visits[v.SessionID] = kept
			return nil
		},
		Order: func(o *report.Order) error {
			d.orders[o.OrderID] = *o
			return nil
		},
	})
	if err != nil {
		t.Fatalf("ReadDay: %v", err)
	}
	return d
}

// text is the day as text, to compare it.
func (d dayRead) text() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(d.visits)) {
		fmt.Fprintf(&b, "%+v\n", d.visits[id])
	}
	for _, id := range slices.Sorted(maps.Keys(d.orders)) {
		fmt.Fprintf(&b, "%+v\n", d.orders[id])
	}
	return b.String()
}

// A watch remembers what was read of days, and under which generation.
type watch struct {
	generation map[report.UTCDay]int64
	text       map[report.UTCDay]string
}

// look reads all days and compares them with what was read before.
func (w *watch) look(t *tester, rule string) {
	t.Helper()
	if w.text == nil {
		w.generation, w.text = map[report.UTCDay]int64{}, map[report.UTCDay]string{}
	}
	for _, d := range t.days() {
		text := t.day(d.Day).text()
		if w.generation[d.Day] == d.Generation && w.text[d.Day] != text {
			t.Errorf("%s: day %d is still of generation %d, and is\n%s\nwas\n%s: what changes a day gives it another generation", rule, d.Day, d.Generation, text, w.text[d.Day])
		}
		w.generation[d.Day], w.text[d.Day] = d.Generation, text
	}
}

// compareDays compares what reports read with the model.
func (m *model) compareDays(t *tester, rule string) {
	t.Helper()
	visits, orders := map[string]report.Visit{}, map[string]report.Order{}
	for _, d := range t.days() {
		read := t.day(d.Day)
		for id, v := range read.visits {
			if report.DayOfMillis(v.BeganAt) != d.Day {
				t.Errorf("%s: session %s is read with day %d, and began on %d", rule, id, d.Day, report.DayOfMillis(v.BeganAt))
			}
			visits[id] = v
		}
		maps.Copy(orders, read.orders)
	}
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(m.sessions)) {
		s := m.sessions[id]
		if s.into != "" {
			continue
		}
		ids = append(ids, id)
		v := visits[id]
		t.want([]any{v.VisitorID, v.CustomerID, v.BeganAt, v.LandingPage, v.Converted},
			[]any{s.rec.VisitorID, s.rec.CustomerID, s.rec.StartedAt.UnixMilli(), s.rec.LandingPage, m.latestOrder(id) != ""}, "%s: visit %s", rule, id)
		var events []report.Event
		for _, e := range m.events {
			if m.home(e) == id {
				events = append(events, report.Event{At: e.CreatedAt.UnixMilli(), Type: e.EventType, Page: e.Page, ProductID: e.ProductID})
			}
		}
		byTime := func(x, y report.Event) int { return int(x.At - y.At) }
		if !slices.IsSortedFunc(v.Events, byTime) {
			t.Errorf("%s: events of visit %s are not in the order of their times: %+v", rule, id, v.Events)
		}
		byAll := func(x, y report.Event) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) }
		t.want(slices.SortedFunc(slices.Values(v.Events), byAll), slices.SortedFunc(slices.Values(events), byAll), "%s: events of visit %s", rule, id)
	}
	t.want(slices.Sorted(maps.Keys(visits)), ids, "%s: visits", rule)
	t.want(len(orders), len(m.orders), "%s: number of orders", rule)
	for id, o := range m.orders {
		refunded, began := int64(0), int64(0)
		for _, r := range m.refunds {
			if r.OrderID == id {
				refunded += r.Amount.Amount
			}
		}
		if s := m.sessions[o.SessionID]; s != nil && s.into == "" {
			began = s.rec.StartedAt.UnixMilli()
		}
		want := report.Order{
			OrderID: id, SessionID: o.SessionID, VisitorID: o.VisitorID, CustomerID: o.CustomerID, At: o.CreatedAt.UnixMilli(),
			Amount: o.Total.Amount, Refunded: refunded, Currency: o.Total.Currency, VisitBeganAt: began,
		}
		t.want(orders[id], want, "%s: order %s", rule, id)
	}
}
