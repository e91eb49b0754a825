package orders

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/store"
)

func TestUnstored_ListsWhatTheJournalHasNotTakenAndDropsWhatTheArchiveHolds(t *testing.T) {
	var u unstored
	ids := func() (ids string) {
		for _, o := range u.unwritten() {
			ids += o.OrderID
		}
		return ids
	}
	p, isFirst := u.add(order("a", 1))
	if again, second := u.add(order("a", 2)); !isFirst || second || again != p || p.order.Total.Amount != 1 {
		t.Error("two orders of one id are kept: the first one stands")
	}
	if ids() != "" {
		t.Error("an order that is still being placed is tried again: it would be written twice")
	}
	close(p.done)
	if ids() != "a" {
		t.Errorf("unwritten are %q, want a: its placing is over, and the journal has not taken it", ids())
	}
	if u.confirmed(1 << 60); u.get("a") == nil {
		t.Error("an order was dropped that is in no journal, because the archive holds all of the journal")
	}
	u.journalled("a", 5)
	u.journalled("unknown", 5)
	if ids() != "" {
		t.Error("an order that the journal has taken is tried again")
	}
	if u.confirmed(4); u.get("a") == nil {
		t.Error("an order at 5 was dropped when the archive held everything up to 4: it would read as absent")
	}
	if u.confirmed(5); u.get("a") != nil {
		t.Error("an order that the archive holds stays in memory for ever")
	}
	if u.add(order("b", 1)); u.get("b") == nil {
		t.Error("an order that was added is not found")
	}
	if u.remove("b"); u.get("b") != nil {
		t.Error("an order that was removed is still found")
	}
}

func TestCheck_WhatAnOrderMayBe(t *testing.T) {
	for what, c := range map[string]struct {
		change func(o *store.Order)
		good   bool
	}{
		"an order of nothing":            {func(o *store.Order) { o.Total.Amount = 0 }, true},
		"a negative amount":              {func(o *store.Order) { o.Total.Amount = -1 }, false},
		"no id":                          {func(o *store.Order) { o.OrderID = "" }, false},
		"an id of 128 bytes":             {func(o *store.Order) { o.OrderID = strings.Repeat("x", maxID) }, true},
		"an id of 129 bytes":             {func(o *store.Order) { o.OrderID = strings.Repeat("x", maxID+1) }, false},
		"an id with a control character": {func(o *store.Order) { o.OrderID = "a\x00b" }, false},
		"no currency":                    {func(o *store.Order) { o.Total.Currency = "" }, false},
		"a currency in small letters":    {func(o *store.Order) { o.Total.Currency = "eur" }, false},
		"a currency of four letters":     {func(o *store.Order) { o.Total.Currency = "EURO" }, false},
		"a currency with a sign":         {func(o *store.Order) { o.Total.Currency = "E€" }, false},
		"metadata that is an object":     {func(o *store.Order) { o.Metadata = json.RawMessage(`{"a": 1}`) }, true},
		"metadata that is none":          {func(o *store.Order) { o.Metadata = json.RawMessage(`[1]`) }, false},
	} {
		o := order("o", 100)
		c.change(&o)
		if err := check(&o); (err == nil) != c.good {
			t.Errorf("%s: %v; is it to be accepted: %v", what, err, c.good)
		}
	}
}

func TestRefund_AtMostWhatTheOrderWas(t *testing.T) {
	w := open(t, &archive{})
	defer w.close()
	w.archive.orders["o"] = order("o", 100)
	for _, c := range []struct {
		what, order, refund string
		money               store.Money
		good                bool
	}{
		{"all of it", "o", "r", store.Money{Amount: 100, Currency: "EUR"}, true},
		{"more than it was", "o", "r", store.Money{Amount: 101, Currency: "EUR"}, false},
		{"in another currency", "o", "r", store.Money{Amount: 1, Currency: "USD"}, false},
		{"a negative amount", "o", "r", store.Money{Amount: -1, Currency: "EUR"}, false},
		{"of an order that is not there", "p", "r", store.Money{Amount: 1, Currency: "EUR"}, false},
		{"without an id", "o", "", store.Money{Amount: 1, Currency: "EUR"}, false},
	} {
		before := w.out.Stats().Pending
		err := w.Refund(t.Context(), c.order, c.refund, c.money)
		if (err == nil) != c.good || (w.out.Stats().Pending > before) != c.good || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a refund %s: %v, recorded: %v; is it to be accepted: %v", c.what, err, w.out.Stats().Pending > before, c.good)
		}
	}
	w.archive.err = errDown
	if err := w.Refund(t.Context(), "o", "r", store.Money{Amount: 1, Currency: "EUR"}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a refund while the order cannot be looked up says %v: that it was not recorded, not that it is wrong", err)
	}
}
