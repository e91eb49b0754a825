package orders

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// ErrConflict means that the id of an order or a refund was used before for another
// amount, or a refund's for another order.
var ErrConflict = errors.New("footfall: the id was used before for another amount or order")

// Strangers place orders as fast as they like, and each takes a shared archive several
// commands. So this process commits few at once, and the others go to the journal, whose
// projector stores thousands of them with as many commands as one. Otherwise customers'
// logouts, which have no other place, would find the archive busy.
const (
	commitsAtOnce  = 8
	commitPatience = 500 * time.Millisecond // how long an order waits until it may be committed
)

// Orders is safe for concurrent use.
type Orders struct {
	out      *outbox.Outbox
	archive  *guard.Archive
	sessions *sessions.Sessions
	log      *slog.Logger
	unstored unstored[store.Order]
	refunds  unstored[store.Refund]

	refunding unstored[struct{}] // the orders of which something is being refunded

	claimed    live.Tally    // orders of sessions that no store could be asked for
	committing chan struct{} // held by those that are committed to a shared archive

	counted, completed, unwritten, forgotten, exceeding, pastCap, crowdedOut *atomic.Uint64
}

// New returns the orders of a tracker.
func New(out *outbox.Outbox, archive *guard.Archive, s *sessions.Sessions, counts *count.Set, log *slog.Logger) *Orders {
	o := &Orders{
		out: out, archive: archive, sessions: s, log: log, committing: make(chan struct{}, commitsAtOnce),
		counted:    counts.New("orders", "Orders that were placed, each once."),
		completed:  counts.New("orders_completed", "Orders whose later call filled in what the first had left blank, such as the session."),
		exceeding:  counts.New("refunds_exceeding", "Refunds after which more of an order was refunded than was paid, because several instances refunded at the same moment. They are recorded: look at the order."),
		pastCap:    counts.Bound("orders_past_cap", "Orders that were stored without their session because it has 100 already."),
		crowdedOut: counts.Bound("orders_crowded_out", "Orders that went to the journal though the shared archive answers, because too many others were being committed to it. It has them within a second or a few."),
		unwritten:  counts.New("orders_unwritten", "Orders and refunds that neither the archive nor the journal took; their calls said so."),
		forgotten:  counts.Bound("orders_forgotten", "Orders and refunds on their way to the archive that this process does not remember, because there were too many: until the archive holds them, a second call with the id of one is taken for the first."),
	}
	forgot := func() { o.forgotten.Add(1) }
	o.unstored = unstored[store.Order]{size: sizeOfOrder, forgot: forgot}
	o.refunds = unstored[store.Refund]{size: sizeOfRefund, forgot: forgot}
	o.remember(out.Found())
	return o
}

// A Buyer is the session that places an order.
type Buyer struct {
	Entry   *live.Entry // nil: no session that it may convert, or one that this process does not hold
	Present bool        // the buyer is there now: the order is activity of the session
}

// Place records an order. whose fills in whose it is; it is called once the order was
// found to be in form.
//
// An error that wraps [store.ErrUnavailable] means that neither the archive nor the journal
// took the order, or what this call knows of it: it may be placed again with the same id.
//
// It returns the order as it stands, and whether it was recorded before: then the
// first one of that id stands, completed by what this one knows and the first did not.
// Any other error says what is wrong with the order; [ErrConflict] comes with the first one.
func (o *Orders) Place(ctx context.Context, order store.Order, whose func(context.Context, *store.Order) Buyer) (stands store.Order, before bool, err error) {
	if err := check(&order); err != nil {
		return store.Order{}, false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	buyer := whose(ctx, &order)
	order.CreatedAt = clock.Now()
	r, ok := o.unstored.acquire(ctx, order.OrderID)
	if !ok { // the call before is stuck: the archive joins what both say
		o.limit(&order, &buyer, &store.Order{})
		if _, err := o.out.CommitSale(buyer.Entry, factOf(order)); err != nil {
			return store.Order{}, false, o.notRecorded(&order, err)
		}
		return order, false, nil
	}
	defer o.unstored.release(r)
	first, known := o.unstored.get(order.OrderID)
	if !known {
		if first, known, err = o.archived(ctx, order.OrderID); err != nil {
			known = false // the archive finds out
		}
	}
	if !known {
		first = store.Order{}
	}
	o.limit(&order, &buyer, &first)
	if known {
		stands, err = o.complete(ctx, r, first, order, buyer)
		return stands, true, err
	}
	return o.placeFirst(ctx, r, order, buyer)
}

// limit counts an order that its session would get, and takes the session off one that
// exceeds the limit: what a session may have is bounded, and a sale is never refused.
// first is the order as it is known, zero if it is not.
func (o *Orders) limit(order *store.Order, buyer *Buyer, first *store.Order) {
	e := buyer.Entry
	if order.SessionID == "" || first.SessionID != "" || e != nil && order.SessionID != e.SessionID() {
		return
	}
	admitted := false
	if e == nil {
		admitted = o.claimed.Add(order.SessionID) < live.MaxOrders
	} else {
		admitted = o.sessions.AdmitOrder(e)
	}
	if !admitted {
		o.pastCap.Add(1)
		order.SessionID, buyer.Entry = "", nil
	}
}

// placeFirst records an order of which no earlier record is known.
func (o *Orders) placeFirst(ctx context.Context, r *record[store.Order], order store.Order, buyer Buyer) (stands store.Order, before bool, err error) {
	order, position, err := o.commit(ctx, r, order, buyer.Entry)
	if there, ok := o.shared(ctx, order.OrderID); ok {
		switch {
		case there.Total != order.Total:
			o.unstored.stored(r, there)
			return there, true, conflict(&there, &order)
		case !sameRecord(&there, &order):
			before = true
		}
		there.Complete(&order) // if the journal took it: what the archive is about to do
		if err == nil {
			o.unstored.stored(r, there)
		}
		stands = there
	} else if err != nil {
		return store.Order{}, false, o.notRecorded(&order, err)
	} else {
		stands = order
	}
	if before {
		o.completed.Add(1)
	} else {
		o.counted.Add(1)
	}
	o.convert(ctx, stands, order, buyer, position)
	return stands, before, nil
}

// complete records what an order knows that the first one of its id did not.
func (o *Orders) complete(ctx context.Context, r *record[store.Order], first, order store.Order, buyer Buyer) (stands store.Order, err error) {
	if first.Total != order.Total {
		return first, conflict(&first, &order)
	}
	stands = first
	if !stands.Complete(&order) {
		o.convert(ctx, stands, order, buyer, 0)
		return stands, nil
	}
	e := buyer.Entry
	if stands.SessionID != order.SessionID {
		e = nil // it is another session's
	}
	completed, position, err := o.commit(ctx, r, stands, e)
	if there, ok := o.shared(ctx, order.OrderID); ok { // another instance may have been faster with a part of it
		if there.Total != order.Total {
			return there, conflict(&there, &order)
		}
		there.Complete(&stands)
		stands = there
		if err == nil {
			o.unstored.stored(r, stands)
		}
	} else if err != nil {
		return first, o.notRecorded(&completed, err)
	}
	o.completed.Add(1)
	o.convert(ctx, stands, order, buyer, position)
	return stands, nil
}

// commit puts an order where nothing loses it: in a shared archive, if that takes it
// in time and there are not too many others, otherwise in the journal. It returns the
// order as it was written.
func (o *Orders) commit(ctx context.Context, r *record[store.Order], order store.Order, e *live.Entry) (store.Order, outbox.Position, error) {
	if e != nil && !e.Begun() {
		o.sessions.Announce(ctx, e)
	}
	fact := factOf(order)
	if o.archive.Shared() && o.commitShared(ctx, e, fact) {
		o.unstored.stored(r, fact.Order) // its time may have been clamped
		return fact.Order, 0, nil
	}
	position, err := o.out.CommitSale(e, fact)
	if err == nil {
		o.unstored.journalled(r, fact.Order, position)
	}
	return fact.Order, position, err
}

// commitShared puts an order into a shared archive. It returns false if that failed, or
// was not tried because of others.
func (o *Orders) commitShared(ctx context.Context, e *live.Entry, fact *store.OrderPlaced) bool {
	patience := time.NewTimer(commitPatience)
	defer patience.Stop()
	select {
	case o.committing <- struct{}{}:
	case <-patience.C:
		o.crowdedOut.Add(1)
		return false
	}
	defer func() { <-o.committing }()
	return o.out.CommitArchive(ctx, e, fact) == nil
}

// notRecorded counts an order that stands nowhere, or what a later call knew of one.
func (o *Orders) notRecorded(order *store.Order, err error) error {
	o.unwritten.Add(1)
	o.log.Error("footfall: an order is not recorded; the call that placed it got an error", "orderId", order.OrderID,
		"sessionId", order.SessionID, "amount", order.Total.Amount, "currency", order.Total.Currency, "error", err)
	return fmt.Errorf("footfall: order %q is not recorded: %w", order.OrderID, err)
}

func factOf(order store.Order) *store.OrderPlaced {
	return &store.OrderPlaced{Order: order, EventID: eventIDOf("order", order.OrderID)}
}

// shared is an order as a shared archive has it. Other instances write there too.
func (o *Orders) shared(ctx context.Context, id string) (store.Order, bool) {
	if !o.archive.Shared() {
		return store.Order{}, false
	}
	there, ok, err := o.archive.Order(ctx, id)
	return there, ok && err == nil
}

// sameRecord reports whether what is stored began with this record of the order.
func sameRecord(there, order *store.Order) bool {
	return there.CreatedAt.Equal(order.CreatedAt) && (len(order.Metadata) == 0 || bytes.Equal(there.Metadata, order.Metadata))
}

func conflict(there, order *store.Order) error {
	return fmt.Errorf("%w: order %q was placed with %d %s, not %d %s", ErrConflict,
		there.OrderID, there.Total.Amount, there.Total.Currency, order.Total.Amount, order.Total.Currency)
}

// convert shows the order in the session of the call that placed it, if it is that
// session's and not shown there yet. position is that of the fact in the journal.
func (o *Orders) convert(ctx context.Context, stands, order store.Order, buyer Buyer, position outbox.Position) {
	e := buyer.Entry
	if e == nil || stands.SessionID != order.SessionID {
		return
	}
	latest, shown := stands.OrderID, e.Snapshot().OrderID
	completed := stands.CreatedAt.Before(order.CreatedAt)
	if completed && shown == latest {
		e.Moved(position)
		return
	}
	if completed && shown != "" && o.isLater(ctx, shown, &stands) {
		latest = shown
	}
	if buyer.Present {
		o.sessions.Convert(ctx, e, latest, position, order.CreatedAt)
		return
	}
	o.sessions.ConvertLater(ctx, e, latest, position)
}

// isLater reports whether an order is known to be later than another.
func (o *Orders) isLater(ctx context.Context, id string, than *store.Order) bool {
	order, known := o.unstored.get(id)
	if !known {
		order, known, _ = o.archived(ctx, id) // if it cannot be read, the one that is told last is shown
	}
	return known && (order.CreatedAt.After(than.CreatedAt) || order.CreatedAt.Equal(than.CreatedAt) && order.OrderID > than.OrderID)
}

// Order reads an order. An error wraps [store.ErrUnavailable].
func (o *Orders) Order(ctx context.Context, id string) (store.Order, bool, error) {
	order, known, err := o.unstored.await(ctx, id)
	if err != nil {
		return store.Order{}, false, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if known {
		return order, true, nil
	}
	return o.archived(ctx, id)
}

func (o *Orders) archived(ctx context.Context, id string) (store.Order, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	if err := o.out.AwaitReplay(ctx); err != nil {
		return store.Order{}, false, err
	}
	order, ok, err := o.archive.Order(ctx, id)
	if err != nil {
		return store.Order{}, false, fmt.Errorf("%w: archive: %w", store.ErrUnavailable, err)
	}
	return order, ok, nil
}

// Confirmed drops the orders and refunds up to the position up to which the archive
// holds everything.
func (o *Orders) Confirmed(position outbox.Position) {
	o.unstored.confirmed(position)
	o.refunds.confirmed(position)
}
