package orders

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// Orders is safe for concurrent use.
type Orders struct {
	out      *outbox.Outbox
	archive  *guard.Archive
	sessions *sessions.Sessions
	log      *slog.Logger
	unstored unstored

	counted, unwritten *atomic.Uint64
}

// New returns the orders of a tracker.
func New(out *outbox.Outbox, archive *guard.Archive, s *sessions.Sessions, counts *count.Set, log *slog.Logger) *Orders {
	return &Orders{
		out: out, archive: archive, sessions: s, log: log,
		counted:   counts.New("orders", "Orders that were placed, each once."),
		unwritten: counts.New("orders_unwritten", "Orders that neither the journal nor the archive took at once. They are tried again every second, and lost if the process ends before that succeeds."),
	}
}

// Place records an order of a session, nil if it has none that it may convert. whose
// fills in whose the order is; it is called once the order was found to be in form.
// It returns the order as it stands: the first one of that id, and whether that was
// recorded before. An error says what is wrong with the order.
func (o *Orders) Place(ctx context.Context, order store.Order, whose func(context.Context, *store.Order) *live.Entry) (stands store.Order, before bool, err error) {
	if err := check(&order); err != nil {
		return store.Order{}, false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	e := whose(ctx, &order)
	order.CreatedAt = clock.Now()
	p, first := o.unstored.add(order)
	if !first {
		select {
		case <-p.done:
			return p.order, true, nil
		case <-ctx.Done(): // the one before is stuck: this is the same order
			return order, false, nil
		}
	}
	defer close(p.done)
	if there, ok, err := o.archived(ctx, order.OrderID); err == nil && ok {
		p.order = there
		o.unstored.remove(order.OrderID)
		return there, true, nil
	}
	if e != nil && !e.Begun() {
		o.sessions.Announce(ctx, e)
	}
	position, err := o.commit(ctx, e, order)
	if winner, ok := o.placedFirst(ctx, order); ok {
		p.order = winner
		return winner, true, nil
	}
	if err != nil {
		o.log.Error("footfall: an order is not recorded yet; it is tried again every second", "orderId", order.OrderID,
			"sessionId", order.SessionID, "amount", order.Total.Amount, "currency", order.Total.Currency, "error", err)
		o.unwritten.Add(1)
	}
	o.counted.Add(1)
	if e != nil {
		o.sessions.Convert(ctx, e, order.OrderID, position, order.CreatedAt)
	}
	return order, false, nil
}

// commit puts an order where nothing loses it: in a shared archive, if that takes it
// in time, otherwise in the journal.
func (o *Orders) commit(ctx context.Context, e *live.Entry, order store.Order) (outbox.Position, error) {
	fact := &store.OrderPlaced{Order: order, EventID: eventIDOf("order", order.OrderID)}
	if o.archive.Shared() && o.out.CommitArchive(ctx, e, fact) == nil {
		o.unstored.remove(order.OrderID)
		return 0, nil
	}
	position, err := o.out.CommitLocal(e, fact)
	if err == nil {
		o.unstored.journalled(order.OrderID, position)
	}
	return position, err
}

// placedFirst is the order of the same id that another instance placed at the same
// time, if there is one and it was first.
func (o *Orders) placedFirst(ctx context.Context, order store.Order) (store.Order, bool) {
	if !o.archive.Shared() {
		return order, false
	}
	there, ok, err := o.archive.Order(ctx, order.OrderID)
	same := there.CreatedAt.Equal(order.CreatedAt) && bytes.Equal(there.Metadata, order.Metadata) && there.Total == order.Total
	return there, err == nil && ok && !same
}

// Order reads an order. An error wraps [store.ErrUnavailable].
func (o *Orders) Order(ctx context.Context, id string) (store.Order, bool, error) {
	if p := o.unstored.get(id); p != nil {
		select {
		case <-p.done:
			return p.order, true, nil
		case <-ctx.Done():
			return store.Order{}, false, fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
		}
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

// Refund records that some of an order's money went back: at most what it was.
// refundID counts once. An error that wraps [store.ErrUnavailable] means that it was
// not recorded; any other says what is wrong with the refund.
func (o *Orders) Refund(ctx context.Context, orderID, refundID string, amount store.Money) error {
	if refundID == "" || enrich.Text(refundID, maxID) != refundID {
		return fmt.Errorf("footfall: a refund's id is 1 to %d bytes of text", maxID)
	}
	if err := checkMoney(amount); err != nil {
		return err
	}
	order, ok, err := o.Order(ctx, orderID)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("footfall: there is no order %q", orderID)
	case amount.Amount > order.Total.Amount:
		return fmt.Errorf("footfall: order %q was %d, which is less than %d", orderID, order.Total.Amount, amount.Amount)
	case order.Total.Currency != amount.Currency:
		return fmt.Errorf("footfall: order %q was paid in %s, not %s", orderID, order.Total.Currency, amount.Currency)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	_, err = o.out.Commit(ctx, nil, &store.OrderRefunded{
		RefundID: refundID, OrderID: orderID, SessionID: order.SessionID, VisitorID: order.VisitorID,
		Amount: amount, EventID: eventIDOf("refund", refundID), At: clock.Now(),
	})
	return err
}

// Retry tries again to record what was sold while the journal took nothing.
func (o *Orders) Retry(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	for _, order := range o.unstored.unwritten() {
		if _, err := o.commit(ctx, nil, order); err != nil {
			return
		}
		o.log.Info("footfall: an order is recorded after all", "orderId", order.OrderID)
	}
}

// Confirmed drops the orders up to the position up to which the archive holds
// everything.
func (o *Orders) Confirmed(position outbox.Position) { o.unstored.confirmed(position) }
