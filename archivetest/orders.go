package archivetest

import (
	"encoding/json"
	"errors"
	"math"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

var orderRules = []rule{
	{"order_round_trip", func(t *tester) {
		o := order("o-1", 1, 1999, 10)
		o.CustomerID, o.Metadata, o.Total.Currency = "c", json.RawMessage(`{"voucher":"X","lines":[1,2]}`), "JPY"
		t.append(begun(1, 0), o, order("o-2", 0, 0, 11))
		t.want(t.order("o-1"), o.Order, "every field of an order comes back")
		t.want(t.order("o-2"), store.Order{OrderID: "o-2", Total: store.Money{Currency: "EUR"}, CreatedAt: at(11)}, "what is not known of an order comes back as not known")
	}},
	{"first_order_wins", func(t *tester) {
		t.append(begun(1, 0), begun(2, 0))
		first, second := order("o", 0, 1000, 10), order("o", 1, 1000, 50)
		second.CustomerID, second.Metadata = "c", json.RawMessage(`{"a":1}`)
		t.append(first)
		t.append(second)
		want := first.Order
		want.SessionID, want.VisitorID, want.CustomerID, want.Metadata = sid(1), vid(1), "c", second.Metadata
		t.want(t.order("o"), want, "an order's first value wins; a later one fills in only what was not known")
		third := order("o", 2, 1000, 60)
		third.EventID, third.CustomerID, third.Metadata = second.EventID, "d", json.RawMessage(`{"b":2}`)
		t.append(third, first)
		t.want(t.order("o"), want, "an order's first value wins, also of what was filled in")
		s := t.stats()
		t.want(s.Revenue, []store.Money{{Amount: 1000, Currency: "EUR"}}, "an order counts once, with its first amount")
		t.want([]int64{s.Orders, s.Converted}, []int64{1, 1}, "an order counts once and converts one session")
		t.want([]bool{t.session(sid(1)).Converted, t.session(sid(2)).Converted}, []bool{true, false}, "an order converts the session it belongs to, not one that names it later")
	}},
	{"order_converts_its_session", func(t *tester) {
		t.append(begun(1, 0), begun(2, 0), view(1, 1, 1))
		t.append(order("o-b", 1, 100, 20))
		s := t.session(sid(1))
		t.want([]any{s.Converted, s.OrderID}, []any{true, "o-b"}, "a session with an order is converted and names it")
		t.append(order("o-a", 1, 100, 30), order("o-c", 1, 100, 10))
		t.want(t.session(sid(1)).OrderID, "o-a", "orderId is the latest order, in whatever order they arrive")
		t.append(order("o-d", 0, 100, 40))
		t.want(t.session(sid(1)).OrderID, "o-a", "an order without a session converts none")
		t.want(t.session(sid(2)).Converted, false, "an order converts no other session")
		kinds := map[string]int{}
		for _, e := range t.events(sid(1)) {
			kinds[e.EventType]++
			if e.EventType == store.EventOrderCompleted {
				var meta struct {
					OrderID string `json:"orderId"`
				}
				if err := json.Unmarshal(e.Metadata, &meta); err != nil || "e-"+meta.OrderID != e.EventID {
					t.Errorf("event %s has metadata %s: an order_completed event names its order", e.EventID, e.Metadata)
				}
			}
		}
		t.want(kinds, map[string]int{store.EventPageView: 1, store.EventOrderCompleted: 3}, "each order of a session has one order_completed event")
		t.append(order("o-b", 1, 100, 20), order("o-a", 1, 100, 30))
		t.want(len(t.events(sid(1))), 4, "an order that arrives again has no second event")
		t.append(refund("r", "o-a", 1, 1, 90))
		t.want(t.session(sid(1)).LastSeenAt, at(1), "an order or a refund is no sign of the visitor: it may come long after the visit")
		t.want(t.sessions(report.Filter{Converted: true}), []string{sid(1)}, "converted sessions are those with an order")
		t.append(begun(3, 0), view(3, 3, 1), order("o-e", 3, 1, 5), login(3, 10, "c", 9))
		t.want([]any{t.session(sid(3)).Converted, t.session(sid(3)).OrderID}, []any{true, "o-e"}, "new credentials leave the conversion alone")
	}},
	{"refunds_count_once", func(t *tester) {
		t.append(begun(1, 0), order("o", 1, 1000, 10), order("p", 0, 500, 11))
		first, second := refund("r-1", "o", 1, 300, 20), refund("r-2", "o", 1, 200, 30)
		t.append(first, first)
		t.append(first)
		t.want(t.stats().Refunded, []store.Money{{Amount: 300, Currency: "EUR"}}, "a refund's id counts once, however often it is recorded")
		t.append(second, first, refund("r-3", "p", 0, 50, 40))
		s := t.stats()
		t.want(s.Refunded, []store.Money{{Amount: 550, Currency: "EUR"}}, "refunds with different ids add up")
		for id, want := range map[string]int64{"o": 500, "p": 50, "nowhere": 0} {
			refunded, err := t.a.Refunded(t.Context(), id)
			t.want([]any{refunded, err}, []any{want, nil}, "Refunded(%q) is the sum of that order's refunds, and 0 without any", id)
		}
		t.want(s.Revenue, []store.Money{{Amount: 1500, Currency: "EUR"}}, "revenue is that of all orders; what went back stands beside it")
		t.want([]int64{s.Orders, s.EventsByType[store.EventRefund]}, []int64{2, 2}, "a refund is no order; one of an order with a session has one event")
		t.want(t.order("o"), order("o", 1, 1000, 10).Order, "a refund does not change the order's total")
		changed := refund("r-1", "o", 1, 999, 50)
		t.append(changed)
		t.want(t.stats().Refunded, []store.Money{{Amount: 550, Currency: "EUR"}}, "the first value of a refund wins")
		t.append(order("o", 1, 1000, 10))
		t.want(t.stats().Refunded, []store.Money{{Amount: 550, Currency: "EUR"}}, "an order that arrives again keeps its refunds")
	}},
	{"amounts_are_bounded", func(t *tester) {
		greatest := order("o-1", 0, 0, 10)
		greatest.Total.Amount = store.MaxAmount
		back := refund("r-1", "o-1", 0, 0, 20)
		back.Amount.Amount = store.MaxAmount
		t.append(greatest, back)
		t.want(t.order("o-1").Total.Amount, int64(store.MaxAmount), "the greatest amount is stored")
		for _, amount := range []int64{store.MaxAmount + 1, math.MaxInt64, math.MinInt64} {
			large, more := order("o-2", 1, 0, 30), refund("r-2", "o-1", 1, 0, 40)
			large.Total.Amount, more.Amount.Amount = amount, amount
			for _, f := range []store.Fact{large, more} {
				if err := t.a.Append(t.Context(), []store.Fact{begun(1, 0), f, view(1, 1, 1)}); !errors.Is(err, store.ErrRejected) {
					t.Errorf("Append of %T of %d minor units: %v: an amount beyond store.MaxAmount is refused with ErrRejected, so that it is not tried for ever", f, amount, err)
				}
			}
		}
		t.append(begun(1, 0), view(1, 1, 1))
		if _, ok, err := t.a.Order(t.Context(), "o-2"); ok || err != nil {
			t.Errorf("Order(o-2) = %v, %v: nothing of an order that was refused is stored", ok, err)
		}
		if _, ok, err := t.a.Refund(t.Context(), "r-2"); ok || err != nil {
			t.Errorf("Refund(r-2) = %v, %v: nothing of a refund that was refused is stored", ok, err)
		}
		s := t.stats()
		t.want([][]store.Money{s.Revenue, s.Refunded}, [][]store.Money{{{Amount: store.MaxAmount, Currency: "EUR"}}, {{Amount: store.MaxAmount, Currency: "EUR"}}}, "sums have no part of what was refused")
	}},
	{"refund_before_its_order", func(t *tester) {
		t.append(refund("r", "o", 1, 300, 20))
		t.append(begun(1, 0), order("o", 1, 1000, 10))
		t.want(t.stats().Refunded, []store.Money{{Amount: 300, Currency: "EUR"}}, "a refund counts also if it arrives before its order")
	}},
}
