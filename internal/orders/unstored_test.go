package orders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/store"
)

func TestUnstored_DropsWhatTheArchiveHolds(t *testing.T) {
	u := unstored[int]{size: func(*int) int { return 1 }}
	known := func(id string) bool {
		_, known := u.get(id)
		return known
	}
	a, _ := u.acquire(t.Context(), "a")
	u.journalled(a, 1, 3)
	u.journalled(a, 1, 5)
	u.stored(a, 2) // completed in the archive, which lacks the first record
	u.release(a)
	if u.confirmed(4); !known("a") {
		t.Error("an order at 5 was dropped when the archive held everything up to 4: it would read as absent")
	}
	a, _ = u.acquire(t.Context(), "a")
	if u.confirmed(5); !known("a") {
		t.Error("an order was dropped while somebody has its turn: another would record it beside")
	}
	if u.release(a); known("a") {
		t.Error("an order that the archive holds stays in memory for ever")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	b, _ := u.acquire(t.Context(), "b")
	if _, ok := u.acquire(ended, "b"); ok {
		t.Error("two have the turn of one id")
	}
	u.stored(b, 1)
	if u.release(b); known("b") || len(u.records) != 0 || len(u.kept) != 0 || u.bytes != 0 {
		t.Errorf("%d records are kept of which the archive has all", len(u.records))
	}
}

func TestUnstored_IsBoundedInBytes(t *testing.T) {
	forgotten := 0
	u := unstored[int]{size: func(*int) int { return maxKept / 4 }, forgot: func() { forgotten++ }}
	for i := range 10 {
		r, _ := u.acquire(t.Context(), fmt.Sprint(i))
		u.journalled(r, i, outbox.Position(1+i))
		u.release(r)
	}
	if _, known := u.get("9"); !known || len(u.records) != 4 || forgotten != 6 || u.bytes > maxKept {
		t.Errorf("%d orders are kept, %d forgotten: the latest are kept, up to %d bytes, and the others are counted", len(u.records), forgotten, maxKept)
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
		"a currency in small letters":    {func(o *store.Order) { o.Total.Currency = "eur" }, true},
		"a currency that is none":        {func(o *store.Order) { o.Total.Currency = "EUX" }, false},
		"two currencies":                 {func(o *store.Order) { o.Total.Currency = "EUR USD" }, false},
		"a part of two currencies":       {func(o *store.Order) { o.Total.Currency = "D A" }, false},
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
		if c.good && o.Total.Currency != "EUR" {
			t.Errorf("%s: the currency is stored as %q, not in capital letters: sums are by currency", what, o.Total.Currency)
		}
		if !c.good && o.Total.Currency != "EUR" && !strings.Contains(fmt.Sprint(check(&o)), fmt.Sprintf("%q", o.Total.Currency)) {
			t.Errorf("%s: %v does not name the currency", what, check(&o))
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
