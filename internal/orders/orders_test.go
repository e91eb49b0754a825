package orders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
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
	shared  bool
	mu      sync.Mutex
	orders  map[string]store.Order
	refunds map[string]store.Refund
	facts   []store.Fact
	wait    chan struct{}
	faster  *store.Order // of another instance, in the same moment
	err     error

	slow     time.Duration // each Append takes so long
	under    atomic.Int64  // Appends under way
	mostOnce atomic.Int64  // and the most at once
}

func (a *archive) Shared() bool { return a.shared }

func (a *archive) Append(_ context.Context, facts []store.Fact) error {
	if a.err != nil {
		return a.err
	}
	a.mostOnce.Store(max(a.mostOnce.Load(), a.under.Add(1)))
	defer a.under.Add(-1)
	time.Sleep(a.slow)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.faster != nil {
		a.orders[a.faster.OrderID] = *a.faster
	}
	a.facts = append(a.facts, facts...)
	for _, fact := range facts {
		switch f := fact.(type) {
		case *store.OrderPlaced:
			there, ok := a.orders[f.OrderID]
			if !ok {
				there = f.Order
			} else if there.Total == f.Total {
				there.Complete(&f.Order)
			}
			a.orders[f.OrderID] = there
		case *store.OrderRefunded:
			if _, there := a.refunds[f.RefundID]; !there {
				a.refunds[f.RefundID] = store.Refund{RefundID: f.RefundID, OrderID: f.OrderID, Amount: f.Amount, CreatedAt: f.At}
			}
		}
	}
	return nil
}

func (a *archive) Refund(_ context.Context, id string) (store.Refund, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	refund, ok := a.refunds[id]
	return refund, ok, a.err
}

func (a *archive) Refunded(_ context.Context, orderID string) (sum int64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.refunds {
		if r.OrderID == orderID {
			sum += r.Amount.Amount
		}
	}
	return sum, a.err
}

func (a *archive) Order(ctx context.Context, id string) (store.Order, bool, error) {
	if a.wait != nil {
		<-a.wait
	}
	a.mu.Lock()
	defer a.mu.Unlock()
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

func open(t *testing.T, a *archive) *world { return openIn(t, t.TempDir(), a) }

func openIn(t *testing.T, dir string, a *archive) *world {
	t.Helper()
	a.orders, a.refunds = map[string]store.Order{}, map[string]store.Refund{}
	w := &world{archive: a, counts: new(count.Set)}
	g, log := guard.NewArchive(a, w.counts), slog.New(slog.DiscardHandler)
	out, err := outbox.Open(outbox.Options{
		Dir: dir, Sync: -2, Stall: time.Second, Archive: g, Clock: clock.NewShared(a), Counts: w.counts, Logger: log,
		BeforeWrite: func() error { return w.disk },
	})
	if err != nil {
		t.Fatal(err)
	}
	follow := func(context.Context) error { return nil }
	out.Start(t.Context(), outbox.Hooks{Follow: follow, Replayed: func([]string) {}, Held: func(store.Fact) {}}, func(func(context.Context)) {})
	w.Orders = New(out, g, nil, w.counts, log)
	w.close = func() {
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	}
	return w
}

func nobody(context.Context, *store.Order) Buyer { return Buyer{} }

// of is whose an order is.
func of(session, visitor, customer string) func(context.Context, *store.Order) Buyer {
	return func(_ context.Context, o *store.Order) Buyer {
		o.SessionID, o.VisitorID, o.CustomerID = session, visitor, customer
		return Buyer{}
	}
}

func order(id string, amount int64) store.Order {
	return store.Order{OrderID: id, Total: store.Money{Amount: amount, Currency: "EUR"}}
}

// holds reports whether an order is kept until the archive has it.
func (w *world) holds(id string) bool {
	_, known := w.unstored.get(id)
	return known
}

func (w *world) place(t *testing.T, o store.Order) (store.Order, bool) {
	stands, before, err := w.Place(t.Context(), o, nobody)
	if err != nil && !errors.Is(err, ErrConflict) {
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

// Logouts are committed to the shared archive too, and have no other place.
func TestPlace_ManyOrdersAtOnceLeaveRoomInASharedArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &archive{shared: true, slow: 200 * time.Millisecond}
		w := open(t, a)
		defer w.close()
		const orders = 500
		began := time.Now()
		var all sync.WaitGroup
		for i := range orders {
			all.Go(func() { w.place(t, order(fmt.Sprint("o", i), 100)) })
		}
		all.Wait()
		if n := a.mostOnce.Load(); n > commitsAtOnce {
			t.Errorf("%d orders were committed at once, want at most %d: a flood of them keeps customers from logging out", n, commitsAtOnce)
		}
		if took := time.Since(began); took >= guard.ControlTimeout {
			t.Errorf("orders that come in a flood are answered after up to %v", took)
		}
		crowded := w.counts.All()["orders_crowded_out"]
		if journalled := w.out.Stats().Pending; journalled == 0 || uint64(journalled) != crowded || len(a.facts)+int(journalled) != orders {
			t.Errorf("of %d orders the archive took %d, the journal %d, and %d are counted as crowded out: each is in one of the two", orders, len(a.facts), journalled, crowded)
		}
		if n := w.counts.All()["orders"]; n != orders {
			t.Errorf("%d orders are counted, want %d", n, orders)
		}
		_, before := w.place(t, order("o499", 100))
		if !before {
			t.Error("an order that is on its way to the archive is placed a second time")
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
		if _, before, err := w.Place(t.Context(), order("o", 100), of("s", "v", "c")); before || err != nil || time.Since(began) != guard.ControlTimeout {
			t.Errorf("behind an order that is stuck the same one was answered after %v: a sale waits for %v at most", time.Since(began), guard.ControlTimeout)
		}
		if n := w.out.Stats().Pending; n != 1 {
			t.Errorf("behind an order that is stuck the journal has %d facts of the same one: what the second call knew is lost if the first one dies", n)
		}
		close(w.archive.wait)
		synctest.Wait()
	})
}

// The shop decides what becomes of a sale that stands nowhere.
func TestPlace_AnOrderThatStandsNowhereIsNotAcknowledged(t *testing.T) {
	for _, shared := range []bool{false, true} {
		a := &archive{shared: shared}
		if shared {
			a.err = errDown
		}
		w := open(t, a)
		w.disk = errDown
		stands, before, err := w.Place(t.Context(), order("o", 100), nobody)
		if !errors.Is(err, store.ErrUnavailable) || before || stands.OrderID != "" {
			t.Errorf("shared %v: neither archive nor journal took an order, and Place says %+v, before %v, %v: kill -9 would lose an order that was acknowledged", shared, stands, before, err)
		}
		if n := w.counts.All(); n["orders_unwritten"] != 1 || n["orders"] != 0 {
			t.Errorf("shared %v: counted as %v", shared, n)
		}
		if w.holds("o") {
			t.Errorf("shared %v: an order that was refused is remembered: a second call would be told that it stands", shared)
		}
		w.disk = nil
		if again, before := w.place(t, order("o", 100)); before || again.OrderID != "o" || w.out.Stats().Pending != 1 {
			t.Errorf("shared %v: the disk works again, and the same call gives %+v, before %v, %d in the journal", shared, again, before, w.out.Stats().Pending)
		}
		w.close()
	}
}

func TestRefund_OneThatStandsNowhereIsNotAcknowledged(t *testing.T) {
	w := open(t, &archive{})
	defer w.close()
	w.archive.orders["o"] = order("o", 100)
	w.disk = errDown
	if err := w.Refund(t.Context(), "o", "r", store.Money{Amount: 1, Currency: "EUR"}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the journal did not take a refund, and Refund says %v", err)
	}
}

// An archive that is away after a restart knows nothing of the last run's orders.
func TestPlace_TheReplayRemembersItsOrders(t *testing.T) {
	dir := t.TempDir()
	first := openIn(t, dir, &archive{err: errDown})
	first.place(t, order("o", 100))
	later := order("o", 100)
	later.Metadata = json.RawMessage(`{"a":1}`)
	first.place(t, later)
	first.archive.orders["p"] = order("p", 100)
	first.archive.err = nil
	if err := first.Refund(t.Context(), "p", "r", store.Money{Amount: 1, Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	first.close()
	w := openIn(t, dir, &archive{err: errDown})
	defer w.close()
	stands, before, err := w.Place(t.Context(), order("o", 999), nobody)
	if !errors.Is(err, ErrConflict) || !before || stands.Total.Amount != 100 || string(stands.Metadata) != `{"a":1}` {
		t.Errorf("after a restart, while the archive is away, another total under the same id gives %+v, before %v, %v: the one in the journal stands, completed", stands, before, err)
	}
	if refund, known := w.refunds.get("r"); !known || refund.Amount.Amount != 1 {
		t.Errorf("after a restart the refund is %+v, known %v", refund, known)
	}
	w.Confirmed(1 << 60)
	if w.holds("o") {
		t.Error("an order that the archive holds stays in memory")
	}
}

func TestPlace_WhatTheArchiveHoldsStands(t *testing.T) {
	w := open(t, &archive{})
	defer w.close()
	w.archive.orders["o"] = order("o", 100)
	if stands, before := w.place(t, order("o", 999)); !before || stands.Total.Amount != 100 || w.out.Stats().Pending != 0 || w.holds("o") {
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

func TestPlace_WhoeverWaitedGetsWhatTheArchiveHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, &archive{wait: make(chan struct{})})
		defer w.close()
		w.archive.orders["o"] = order("o", 100)
		var stands [2]store.Order
		for i := range stands {
			go func() { stands[i], _ = w.place(t, order("o", 999)) }()
			synctest.Wait()
		}
		close(w.archive.wait)
		synctest.Wait()
		if stands[0].Total.Amount != 100 || stands[1].Total.Amount != 100 {
			t.Errorf("two requests placed an order that the archive holds, and were told %+v: the first one stands for both", stands)
		}
	})
}

func TestPlace_AnotherInstanceWasFasterInASharedArchive(t *testing.T) {
	for _, amount := range []int64{100, 999} {
		faster := order("o", 100)
		w := open(t, &archive{shared: true, faster: &faster})
		if stands, before := w.place(t, order("o", amount)); !before || stands.Total.Amount != 100 || w.counts.All()["orders"] != 0 {
			t.Errorf("another instance placed the order in the same moment, and here it stands as %+v, recorded before: %v: it would count twice", stands, before)
		}
		w.close()
	}
}

func TestPlace_InASharedArchiveElseInTheJournal(t *testing.T) {
	for _, away := range []error{nil, errDown} {
		w := open(t, &archive{shared: true, err: away})
		_, before := w.place(t, order("o", 100))
		if inJournal := w.out.Stats().Pending == 1; before || inJournal != (away != nil) || w.holds("o") != inJournal {
			t.Errorf("the shared archive says %v, and the order is in the journal: %v, kept here: %v; exactly one place has to have it", away, inJournal, w.holds("o"))
		}
		w.close()
	}
}

func TestPlace_ALaterCallCompletesTheFirst(t *testing.T) {
	for _, shared := range []bool{false, true} {
		for _, away := range []error{nil, errDown} {
			w := open(t, &archive{shared: shared, err: away})
			w.place(t, order("o", 100))
			poor, _, err := w.Order(t.Context(), "o")
			if err != nil {
				t.Fatal(err)
			}
			rich := order("o", 100)
			rich.Metadata = json.RawMessage(`{"a":1}`)
			stands, before, err := w.Place(t.Context(), rich, of("s", "v", "c"))
			want := poor
			want.SessionID, want.VisitorID, want.CustomerID, want.Metadata = "s", "v", "c", rich.Metadata
			if err != nil || !before || !reflect.DeepEqual(stands, want) {
				t.Errorf("shared %v, archive %v: a later call gives %+v, before %v, %v; want the first one, completed: %+v", shared, away, stands, before, err, want)
			}
			again, _, err := w.Place(t.Context(), order("o", 100), of("t", "u", "d"))
			if err != nil || !reflect.DeepEqual(again, want) {
				t.Errorf("shared %v, archive %v: a third call gives %+v, %v; what is known stays: %+v", shared, away, again, err, want)
			}
			if n := w.counts.All(); n["orders"] != 1 || n["orders_completed"] != 1 {
				t.Errorf("one order, completed once, is counted as %d orders and %d completions", n["orders"], n["orders_completed"])
			}
			w.close()
		}
	}
}

// What the first call recorded stands; the later one says that it was not recorded.
func TestPlace_ACompletionThatCannotBeWrittenIsNotAcknowledged(t *testing.T) {
	w := open(t, &archive{})
	defer w.close()
	w.place(t, order("o", 100))
	w.disk = errDown
	stands, before, err := w.Place(t.Context(), order("o", 100), of("s", "v", "c"))
	if !errors.Is(err, store.ErrUnavailable) || !before || stands.SessionID != "" || stands.OrderID != "o" {
		t.Errorf("the disk fails, and a later call gives %+v, before %v, %v: want the first order, and an error", stands, before, err)
	}
	if again, before := w.place(t, order("o", 100)); !before || again.SessionID != "" {
		t.Errorf("the disk fails, and the first call once more gives %+v, before %v: it stands", again, before)
	}
	w.disk = nil
	if stands, _, err := w.Place(t.Context(), order("o", 100), of("s", "v", "c")); err != nil || stands.SessionID != "s" {
		t.Errorf("the disk works again, and the later call gives %+v, %v", stands, err)
	}
}

// Another instance has told another amount while this one's order is in its journal
// alone.
func TestPlace_AConflictThatIsFoundLateIsNotHidden(t *testing.T) {
	w := open(t, &archive{shared: true, err: errDown})
	defer w.close()
	w.place(t, order("o", 100))
	w.archive.err = nil
	w.archive.orders["o"] = order("o", 999)
	stands, before, err := w.Place(t.Context(), order("o", 100), of("s", "v", "c"))
	if !errors.Is(err, ErrConflict) || !before || stands.Total.Amount != 999 {
		t.Errorf("the archive took another instance's order for 999, and here it stands as %+v, before %v, %v; what is recorded is the first", stands, before, err)
	}
}

func TestRefund_TheSameIDWaitsForTheFirst(t *testing.T) {
	for _, shared := range []bool{false, true} {
		w := open(t, &archive{shared: shared})
		w.archive.orders["o"] = order("o", 100)
		var conflicts, recorded atomic.Int32
		var calls sync.WaitGroup
		for i := range 8 {
			calls.Go(func() {
				switch err := w.Refund(t.Context(), "o", "r", store.Money{Amount: int64(1 + i%2), Currency: "eur"}); {
				case err == nil:
					recorded.Add(1)
				case errors.Is(err, ErrConflict):
					conflicts.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if recorded.Load() != 4 || conflicts.Load() != 4 {
			t.Errorf("shared %v: of 8 parallel refunds under one id, four each of two amounts, %d are recorded and %d are conflicts; one amount wins", shared, recorded.Load(), conflicts.Load())
		}
		w.close()
	}
}

// A buyer who keeps the stores from answering in time places orders of a session that
// nobody has looked up.
func TestPlace_OrdersOfASessionThatIsNotLookedUpHaveItsLimit(t *testing.T) {
	w := open(t, &archive{})
	defer w.close()
	const more = 5
	with := 0
	for i := range live.MaxOrders + more {
		stands, _, err := w.Place(t.Context(), order(fmt.Sprint("o-", i), 5), of("s", "v", ""))
		if err != nil {
			t.Fatal(err)
		}
		if stands.SessionID != "" {
			with++
		}
	}
	if past := w.counts.All()["orders_past_cap"]; with != live.MaxOrders || past != more {
		t.Errorf("of %d orders %d are the session's and %d are counted as past the limit: a session has %d", live.MaxOrders+more, with, past, live.MaxOrders)
	}
	if stands, _, err := w.Place(t.Context(), order("other", 5), of("another", "v", "")); err != nil || stands.SessionID != "another" {
		t.Errorf("another session's order is %+v, %v: it has its session", stands, err)
	}
}
