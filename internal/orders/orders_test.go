package orders

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/store"
)

var errDown = errors.New("down")

// archive holds some orders, may make those who ask wait, and counts facts.
type archive struct {
	store.Archive
	shared bool
	orders map[string]store.Order
	wait   chan struct{}
	err    error
}

func (a *archive) Shared() bool { return a.shared }

func (a *archive) Append(_ context.Context, facts []store.Fact) error {
	if a.err != nil {
		return a.err
	}
	for _, fact := range facts {
		if f, ok := fact.(*store.OrderPlaced); ok {
			if _, there := a.orders[f.OrderID]; !there {
				a.orders[f.OrderID] = f.Order
			}
		}
	}
	return nil
}

func (a *archive) Order(ctx context.Context, id string) (store.Order, bool, error) {
	if a.wait != nil {
		<-a.wait
	}
	order, ok := a.orders[id]
	return order, ok, a.err
}

// world is orders with a real journal, whose disk can fail.
type world struct {
	*Orders
	archive *archive
	disk    error
	counts  *count.Set
	close   func()
}

func open(t *testing.T, a *archive) *world {
	t.Helper()
	a.orders = map[string]store.Order{}
	w := &world{archive: a, counts: new(count.Set)}
	g, log := guard.NewArchive(a, w.counts), slog.New(slog.DiscardHandler)
	out, err := outbox.Open(outbox.Options{
		Dir: t.TempDir(), Sync: -2, Stall: time.Second, Archive: g, Clock: clock.NewShared(a), Counts: w.counts, Logger: log,
		BeforeWrite: func() error { return w.disk },
	})
	if err != nil {
		t.Fatal(err)
	}
	follow := func(context.Context) error { return nil }
	out.Start(t.Context(), outbox.Hooks{Follow: follow, Replayed: func([]string) {}}, func(func(context.Context)) {})
	w.Orders = New(out, g, nil, w.counts, log)
	w.close = func() {
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	}
	return w
}

func nobody(context.Context, *store.Order) *live.Entry { return nil }

func order(id string, amount int64) store.Order {
	return store.Order{OrderID: id, Total: store.Money{Amount: amount, Currency: "EUR"}}
}

func (w *world) place(t *testing.T, o store.Order) (store.Order, bool) {
	stands, before, err := w.Place(t.Context(), o, nobody)
	if err != nil {
		t.Errorf("a sale failed because of tracking: %v", err)
	}
	return stands, before
}

func TestPlace_TheSameIDWaitsForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, &archive{wait: make(chan struct{})})
		defer w.close()
		var second, read store.Order
		var before, found bool
		go w.place(t, order("o", 100))
		synctest.Wait()
		go func() { second, before = w.place(t, order("o", 999)) }()
		go func() { read, found, _ = w.Order(t.Context(), "o") }()
		synctest.Wait()
		if second.OrderID != "" || found {
			t.Error("an order that is being placed is answered before it is known what became of it")
		}
		close(w.archive.wait)
		synctest.Wait()
		if !before || second.Total.Amount != 100 || !found || read.Total.Amount != 100 {
			t.Errorf("the second order of an id is %+v, recorded before: %v, and reads as %+v: the first one stands", second, before, read)
		}
		if n := w.counts.All()["orders"]; n != 1 {
			t.Errorf("one order, sent twice, is counted %d times", n)
		}
	})
}

func TestPlace_WhoeverWaitsForAStuckOrderIsAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, &archive{wait: make(chan struct{})})
		defer w.close()
		go w.place(t, order("o", 100))
		synctest.Wait()
		began := time.Now()
		if _, before := w.place(t, order("o", 100)); before || time.Since(began) != guard.ControlTimeout {
			t.Errorf("behind an order that is stuck the same one was answered after %v: a sale waits for %v at most", time.Since(began), guard.ControlTimeout)
		}
		close(w.archive.wait)
		synctest.Wait()
	})
}

func TestPlace_AnOrderThatCannotBeWrittenIsKeptAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, &archive{})
		defer w.close()
		w.disk = errDown
		if _, before := w.place(t, order("o", 100)); before || w.counts.All()["orders_unwritten"] != 1 {
			t.Errorf("an order that the journal did not take is said to have been recorded before: %v; %d are counted as unwritten", before, w.counts.All()["orders_unwritten"])
		}
		if w.Retry(t.Context()); len(w.unstored.unwritten()) != 1 {
			t.Error("the disk still fails, and the order is not tried again any more")
		}
		w.disk = nil
		if w.Retry(t.Context()); len(w.unstored.unwritten()) != 0 || w.out.Stats().Pending != 1 {
			t.Errorf("the disk works again: %d orders are unwritten, %d in the journal; want the one written", len(w.unstored.unwritten()), w.out.Stats().Pending)
		}
		if w.Retry(t.Context()); w.out.Stats().Pending != 1 {
			t.Error("an order that the journal has taken is written again each second")
		}
		if o, ok, err := w.Order(t.Context(), "o"); !ok || err != nil || o.Total.Amount != 100 {
			t.Errorf("an order that the archive does not hold yet reads as %+v, %v, %v", o, ok, err)
		}
		if again, before := w.place(t, order("o", 999)); !before || again.Total.Amount != 100 {
			t.Errorf("the same id again gives %+v, recorded before: %v; the first one stands", again, before)
		}
	})
}

func TestPlace_WhatTheArchiveHoldsStands(t *testing.T) {
	w := open(t, &archive{})
	defer w.close()
	w.archive.orders["o"] = order("o", 100)
	if stands, before := w.place(t, order("o", 999)); !before || stands.Total.Amount != 100 || w.out.Stats().Pending != 0 || w.unstored.get("o") != nil {
		t.Errorf("an order that the archive holds is placed again as %+v, recorded before: %v", stands, before)
	}
	w.archive.err = errDown
	if _, before := w.place(t, order("p", 100)); before || w.out.Stats().Pending != 1 {
		t.Error("an order is lost because the archive is away: the journal has to take it")
	}
	if _, ok, err := w.Order(t.Context(), "unknown"); ok || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("an order that cannot be looked up reads as %v, %v: an error is no absence", ok, err)
	}
}

func TestPlace_InASharedArchiveElseInTheJournal(t *testing.T) {
	for _, away := range []error{nil, errDown} {
		w := open(t, &archive{shared: true, err: away})
		_, before := w.place(t, order("o", 100))
		if inJournal := w.out.Stats().Pending == 1; before || inJournal != (away != nil) || (w.unstored.get("o") != nil) != inJournal {
			t.Errorf("the shared archive says %v, and the order is in the journal: %v, kept here: %v; exactly one place has to have it", away, inJournal, w.unstored.get("o") != nil)
		}
		w.close()
	}
}

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
