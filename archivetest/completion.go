package archivetest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// A sale is often told twice: by the payment provider, who knows no session, and by
// the buyer's browser, which does. Whichever comes first, the order ends complete.
var completionRules = []rule{
	{"order_is_completed_by_a_later_record", func(t *tester) {
		poor, rich := twoRecords("o", 1)
		t.append(begun(1, 0), view(1, 1, 1))
		t.append(poor)
		t.want(t.session(sid(1)).Converted, false, "an order without a session converts none")
		t.append(rich)
		wantCompleted(t, 1, "o", "told first without a session")
		t.append(poor, rich, poor)
		t.append(rich)
		wantCompleted(t, 1, "o", "and told again")
		created := at(10) // of the first record
		t.want(t.order("o").CreatedAt, created, "completing an order does not move its time")
		for _, e := range t.events(sid(1)) {
			if e.EventType == store.EventOrderCompleted {
				t.want(e.CreatedAt, created, "an order's event is at the order's time")
			}
		}
		t.want(t.session(sid(1)).LastSeenAt, at(1), "completing an order is no sign of the visitor")

		poor, rich = twoRecords("p", 2)
		t.append(begun(2, 0), view(2, 2, 1), rich)
		t.append(poor)
		wantCompleted(t, 2, "p", "told first with a session")
		s := t.stats()
		t.want([]int64{s.Orders, s.Converted, s.EventsByType[store.EventOrderCompleted]}, []int64{2, 2, 2}, "each of two orders that were told twice counts once, with one event")
		t.want(s.Revenue, []store.Money{{Amount: 2000, Currency: "EUR"}}, "an order that is completed is revenue once")
		t.want(t.sessions(report.Filter{Converted: true}), []string{sid(2), sid(1)}, "the sessions of completed orders are listed as converted")
	}},
	{"order_is_completed_in_one_batch", func(t *tester) {
		for n, reversed := range []bool{false, true} {
			poor, rich := twoRecords(fmt.Sprint("o", n+1), n+1)
			records := []store.Fact{poor, rich}
			if reversed {
				slices.Reverse(records)
			}
			t.append(append([]store.Fact{begun(n+1, 0), view(n+1, n+1, 1)}, records...)...)
			wantCompleted(t, n+1, fmt.Sprint("o", n+1), "both records in one batch")
			t.append(append(slices.Clone(records), records...)...)
			wantCompleted(t, n+1, fmt.Sprint("o", n+1), "both records in one batch, again")
		}
	}},
	{"order_of_another_amount_changes_nothing", func(t *tester) {
		t.append(begun(1, 0), begun(2, 0), view(2, 1, 1), fold(1, 2))
		first := order("o", 0, 1000, 10)
		t.append(first)
		ids := []string{sid(1), sid(2)}
		want := t.dump(ids, []string{"o"})
		for n, other := range []store.Money{{Amount: 999, Currency: "EUR"}, {Amount: 1000, Currency: "USD"}} {
			for session := 1; session <= 2; session++ {
				o := order("o", session, 0, 20+n)
				o.Total, o.CustomerID, o.Metadata = other, "c", json.RawMessage(`{"a":1}`)
				t.append(o)
				t.append(begun(1, 0), o)
				t.wantSame(t.dump(ids, []string{"o"}), want, "an order with a used id and another total is another sale: it changes neither the order nor the session that it names")
			}
		}
		t.append(order("o", 1, 1000, 30))
		t.want(t.order("o").SessionID, sid(1), "an order can still be completed after somebody told another total")
	}},
	{"order_before_its_session", func(t *tester) {
		o := order("o", 1, 1000, 20)
		t.append(o, view(1, 1, 15))
		t.append(view(1, 2, 16), o)
		t.append(begun(1, 0))
		s := t.session(sid(1))
		t.want([]any{s.Converted, s.OrderID}, []any{true, "o"}, "an order converts its session also if the session's beginning comes later")
		t.want(s.LastSeenAt, at(16), "events count as activity also if the session's beginning comes later")
		t.wantViews(sid(1), 2, "events that came before the session's beginning")
		t.want(len(t.events(sid(1))), 3, "events that came before the session's beginning are its events")
		got := t.dump([]string{sid(1)}, []string{"o"})
		t.append(o, view(1, 1, 15), view(1, 2, 16), begun(1, 0))
		t.wantSame(t.dump([]string{sid(1)}, []string{"o"}), got, "a beginning that came late, and all again, changes nothing")
	}},
	{"refund_and_customer_are_known", func(t *tester) {
		_, ok, err := t.a.Refund(t.Context(), "r")
		t.want([]any{ok, err}, []any{false, nil}, "absence of a refund is false without an error")
		t.want(t.knowsCustomer("c"), false, "a customer of whom nothing is stored is not known")
		o := order("o", 0, 1000, 10)
		o.CustomerID = "c"
		t.append(o, begun(1, 0), login(1, 5, "d", 4), refund("r", "o", 0, 300, 20))
		t.append(refund("r", "p", 0, 999, 30))
		t.want(t.refund("r"), store.Refund{RefundID: "r", OrderID: "o", Amount: store.Money{Amount: 300, Currency: "EUR"}, CreatedAt: at(20)}, "the first value of a refund wins")
		t.want([]bool{t.knowsCustomer("c"), t.knowsCustomer("d"), t.knowsCustomer("C")}, []bool{true, true, false}, "a customer is known by an order or by a session, and ids are compared exactly")
	}},
}

// twoRecords returns two records of one order: without a session and of session n.
func twoRecords(id string, n int) (poor, rich *store.OrderPlaced) {
	poor, rich = order(id, 0, 1000, 10), order(id, n, 1000, 20)
	rich.CustomerID, rich.Metadata = "c", json.RawMessage(`{"lines":[1]}`)
	return poor, rich
}

// wantCompleted checks that session n and the one order that it has know each
// other.
func wantCompleted(t *tester, n int, id, how string) {
	t.Helper()
	o := t.order(id)
	t.want([]string{o.SessionID, o.VisitorID, o.CustomerID, string(o.Metadata)}, []string{sid(n), vid(n), "c", `{"lines":[1]}`},
		"an order (%s) has what any record with its total knew of session, visitor, customer and metadata", how)
	s := t.session(sid(n))
	t.want([]any{s.Converted, s.OrderID}, []any{true, id}, "the session of an order (%s) is converted and names it", how)
	events := 0
	for _, e := range t.events(sid(n)) {
		if e.EventType == store.EventOrderCompleted {
			events++
		}
	}
	t.want(events, 1, "the session of an order (%s) has one order_completed event", how)
	t.wantViews(sid(n), 1, "a session whose order was completed keeps its count")
}

// completedFromTwoSides has two processes tell the two records of orders at the
// same time.
func completedFromTwoSides(t *tester) {
	rounds := t.of(30, 10)
	for n := 1; n <= rounds; n++ {
		id := fmt.Sprint("o", n)
		poor, rich := twoRecords(id, n)
		other := order(id, n, 7, 12)
		t.append(begun(n, 0), view(n, n, 1))
		tellPoor := func(a Archive) error { return a.Append(t.Context(), []store.Fact{poor}) }
		tellRich := func(a Archive) error { return a.Append(t.Context(), []store.Fact{begun(n, 0), rich}) }
		if n%2 == 0 { // so that each of them comes first sometimes
			tellPoor, tellRich = tellRich, tellPoor
		}
		t.both(tellPoor, tellRich)
		t.append(other)
		wantCompleted(t, n, id, "told by two processes at the same moment")
	}
	s := t.stats()
	t.want([]int64{s.Orders, s.Converted, s.EventsByType[store.EventOrderCompleted]}, []int64{int64(rounds), int64(rounds), int64(rounds)}, "orders told by two processes count once, with one event")
	t.want(s.Revenue, []store.Money{{Amount: 1000 * int64(rounds), Currency: "EUR"}}, "orders told by two processes are revenue once")
}

// purgeOfLateFacts appends facts of a session after it was purged.
func purgeOfLateFacts(t *tester) {
	t.append(begun(1, 0), view(1, 1, 1), order("o", 1, 1000, 10), begun(2, 90_000), view(2, 2, 90_001))
	all := func() {
		t.Helper()
		for n, pass := 1, 0; n > 0; pass++ {
			var err error
			if n, err = t.a.Purge(t.Context(), at(1000), at(1000), at(-1), 10); err != nil {
				t.Fatalf("Purge: %v", err)
			}
			if pass > 20 {
				t.Fatalf("Purge never returns 0: call it again until that is 0")
			}
		}
	}
	figures := func() []int64 {
		s := t.stats()
		return []int64{s.Sessions, s.Events, s.PageViews, s.Orders, s.EventsByType[store.EventRefund], s.EventsByType[store.EventOrderCompleted]}
	}
	want := []int64{1, 1, 1, 1, 0, 0}
	all()
	t.want(figures(), want, "a session is purged with its events, and its order stays")
	for range 2 {
		t.append(refund("r", "o", 1, 300, 100_000), view(1, 3, 100_001), event(1, 4, "custom", 100_002), value(1, "k", "1", 100_003), seen(1, 100_004))
		t.append(refund("r2", "o", 1, 10, 100_005), order("o", 1, 1000, 10), view(2, 5, 100_006))
		all()
		want[1], want[2] = 2, 2
		t.want(figures(), want, "late events of a session that was purged are purged too: nothing of a deleted session stays for ever")
	}
	if _, ok, err := t.a.Session(t.Context(), sid(1)); ok || err != nil {
		t.Errorf("Session of a purged one to which late facts came = %v, %v: it stays absent", ok, err)
	}
	t.want(t.stats().Refunded, []store.Money{{Amount: 310, Currency: "EUR"}}, "a refund of an order whose session was purged counts")
	t.append(begun(1, 200_000))
	t.want([]int{len(t.session(sid(1)).Values), len(t.events(sid(1)))}, []int{0, 0}, "late values and events of a session that was purged are gone")
}
