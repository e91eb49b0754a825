package footfall

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
)

const maxOrderID = 128

// PlaceOrder records a sale, in the request's session if it has one. OrderID,
// Total and Metadata of the order are used. It returns the order as it stands:
// the first one of that id, and whether that was recorded before.
//
// Tracking never fails a sale: an error says what is wrong with the order, not
// that tracking is out of order. ctx is the request's.
func (t *Tracker) PlaceOrder(ctx context.Context, order Order) (placed Order, before bool, err error) {
	v := visitFrom(ctx)
	if v == nil {
		return Order{}, false, errNoVisit
	}
	if err := checkOrder(&order); err != nil {
		return Order{}, false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	e := v.attribute(ctx, &order)
	order.CreatedAt = clock.Now()
	pending, first := t.orders.add(order)
	if !first {
		select {
		case <-pending.done:
			return pending.order, true, nil
		case <-ctx.Done(): // the one before is stuck: this is the same order
			return order, false, nil
		}
	}
	defer close(pending.done)
	if there, ok, err := t.archivedOrder(ctx, order.OrderID); err == nil && ok {
		pending.order = there
		t.orders.drop(order.OrderID)
		return there, true, nil
	}
	if e != nil && !e.Begun() {
		t.begin(v.r, e, nil)
	}
	position, err := t.commitOrder(ctx, e, order)
	if winner, ok := t.placedFirst(ctx, order); ok {
		pending.order = winner
		return winner, true, nil
	}
	if err != nil {
		t.log.Error("footfall: an order is not recorded yet; it is tried again every second", "orderId", order.OrderID,
			"sessionId", order.SessionID, "amount", order.Total.Amount, "currency", order.Total.Currency, "error", err)
		t.counts.ordersUnwritten.Add(1)
	}
	t.counts.orders.Add(1)
	if e != nil {
		e.Convert(order.OrderID, position)
		t.record(v.r, e, &SessionSeen{SessionID: order.SessionID, At: order.CreatedAt})
		t.showOrder(ctx, e, order.OrderID)
	}
	return order, false, nil
}

// showOrder has other instances see that a session has an order. It need not
// succeed: the archive knows.
func (t *Tracker) showOrder(ctx context.Context, e *live.Entry, id string) {
	ctx, cancel := context.WithTimeout(ctx, t.config.StoreTimeout)
	defer cancel()
	_, _, err := t.change(ctx, e, func(rec *Record) error {
		if !rec.EndedAt.IsZero() {
			return errEnded
		}
		rec.Converted, rec.OrderID = true, id
		return nil
	})
	if err != nil && !errors.Is(err, errEnded) {
		t.guarded.CountError()
	}
}

// commitOrder puts an order where nothing loses it: in a shared archive, if that
// takes it in time, otherwise in the journal.
func (t *Tracker) commitOrder(ctx context.Context, e *live.Entry, order Order) (outbox.Position, error) {
	placed := &OrderPlaced{Order: order, EventID: eventIDOf("order", order.OrderID)}
	if t.archive.Shared() && t.out.CommitArchive(ctx, e, placed) == nil {
		t.orders.drop(order.OrderID)
		return 0, nil
	}
	position, err := t.out.CommitLocal(e, placed)
	if err == nil {
		t.orders.settle(order.OrderID, position)
	}
	return position, err
}

// placedFirst is the order of the same id that another instance placed at the same
// time, if there is one and it was first.
func (t *Tracker) placedFirst(ctx context.Context, order Order) (Order, bool) {
	if !t.archive.Shared() {
		return order, false
	}
	there, ok, err := t.archive.Order(ctx, order.OrderID)
	same := there.CreatedAt.Equal(order.CreatedAt) && bytes.Equal(there.Metadata, order.Metadata) && there.Total == order.Total
	return there, err == nil && ok && !same
}

// attribute says whose order it is, as far as that can be known. It returns the
// session's entry, if there is one.
func (v *visit) attribute(ctx context.Context, order *Order) *live.Entry {
	order.SessionID, order.VisitorID, order.CustomerID = "", "", ""
	known, s, err := v.reread(ctx)
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.sessionLocked(false)
	switch {
	case err != nil && e == nil: // the cookie is ours: it names the session, whatever that may do
		if v.hasToken {
			order.SessionID = v.token.ID.String()
		}
		if c, ok := v.visitorCookie(clock.Now()); ok {
			order.VisitorID = c.id.String()
		}
		return nil
	case e == nil:
		e = known
	}
	if e == nil {
		return nil
	}
	rec := e.Snapshot()
	order.VisitorID = rec.VisitorID
	if s == superseded { // good for counting only: it converts nothing
		return nil
	}
	order.SessionID = rec.SessionID
	if err == nil {
		order.CustomerID = rec.CustomerID
	}
	return e
}

// Order reads an order. An error wraps [ErrUnavailable].
func (t *Tracker) Order(ctx context.Context, id string) (Order, bool, error) {
	if pending := t.orders.get(id); pending != nil {
		select {
		case <-pending.done:
			return pending.order, true, nil
		case <-ctx.Done():
			return Order{}, false, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
	}
	return t.archivedOrder(ctx, id)
}

func (t *Tracker) archivedOrder(ctx context.Context, id string) (Order, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	if err := t.out.AwaitReplay(ctx); err != nil {
		return Order{}, false, err
	}
	order, ok, err := t.archive.Order(ctx, id)
	if err != nil {
		return Order{}, false, fmt.Errorf("%w: archive: %w", ErrUnavailable, err)
	}
	return order, ok, nil
}

// Refund records that some of an order's money went back: at most what it was.
// refundID counts once; that several refunds of an order are no more than it
// together is the shop's to know.
// An error that wraps [ErrUnavailable] means that it was not recorded.
func (t *Tracker) Refund(ctx context.Context, orderID, refundID string, amount Money) error {
	if refundID == "" || enrich.Text(refundID, maxOrderID) != refundID {
		return fmt.Errorf("footfall: a refund's id is 1 to %d bytes of text", maxOrderID)
	}
	if err := checkMoney(amount); err != nil {
		return err
	}
	order, ok, err := t.Order(ctx, orderID)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("footfall: there is no order %q", orderID)
	}
	if amount.Amount > order.Total.Amount {
		return fmt.Errorf("footfall: order %q was %d, which is less than %d", orderID, order.Total.Amount, amount.Amount)
	}
	if order.Total.Currency != amount.Currency {
		return fmt.Errorf("footfall: order %q was paid in %s, not %s", orderID, order.Total.Currency, amount.Currency)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	_, err = t.out.Commit(ctx, nil, &OrderRefunded{
		RefundID: refundID, OrderID: orderID, SessionID: order.SessionID, VisitorID: order.VisitorID,
		Amount: amount, EventID: eventIDOf("refund", refundID), At: clock.Now(),
	})
	return err
}

func checkOrder(order *Order) (err error) {
	if order.OrderID == "" || len(order.OrderID) > maxOrderID || enrich.Text(order.OrderID, maxOrderID) != order.OrderID {
		return fmt.Errorf("footfall: an order's id is 1 to %d bytes of text", maxOrderID)
	}
	if err := checkMoney(order.Total); err != nil {
		return err
	}
	order.Metadata, err = enrich.Metadata(order.Metadata)
	return err
}

func checkMoney(m Money) error {
	if m.Amount < 0 {
		return errors.New("footfall: an amount of money is not negative")
	}
	if len(m.Currency) != 3 {
		return fmt.Errorf("footfall: %q is no currency: use the three letters of ISO 4217", m.Currency)
	}
	for i := range m.Currency {
		if m.Currency[i] < 'A' || m.Currency[i] > 'Z' {
			return fmt.Errorf("footfall: %q is no currency: use the three letters of ISO 4217", m.Currency)
		}
	}
	return nil
}

// eventIDOf is the id of the event that goes with something that has an id of
// its own, so that both count once.
func eventIDOf(kind, id string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("footfall:"+kind+":"+id)).String()
}

// pendingOrders are the orders that the archive does not hold yet.
type pendingOrders struct {
	mu     sync.Mutex
	orders map[string]*pendingOrder
}

type pendingOrder struct {
	order    Order
	done     chan struct{} // closed when the journal has it, or never will
	position outbox.Position
}

func (p *pendingOrders) add(order Order) (pending *pendingOrder, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pending := p.orders[order.OrderID]; pending != nil {
		return pending, false
	}
	if p.orders == nil {
		p.orders = map[string]*pendingOrder{}
	}
	pending = &pendingOrder{order: order, done: make(chan struct{})}
	p.orders[order.OrderID] = pending
	return pending, true
}

func (p *pendingOrders) get(id string) *pendingOrder {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.orders[id]
}

func (p *pendingOrders) drop(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.orders, id)
}

func (p *pendingOrders) settle(id string, position outbox.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pending := p.orders[id]; pending != nil {
		pending.position = position
	}
}

// unwritten are the orders that the journal has not taken.
func (p *pendingOrders) unwritten() (orders []Order) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pending := range p.orders {
		select {
		case <-pending.done:
			if pending.position == 0 {
				orders = append(orders, pending.order)
			}
		default:
		}
	}
	return orders
}

// retryOrders tries again to record what was sold while the journal took
// nothing.
func (t *Tracker) retryOrders(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	for _, order := range t.orders.unwritten() {
		if _, err := t.commitOrder(ctx, nil, order); err != nil {
			return
		}
		t.log.Info("footfall: an order is recorded after all", "orderId", order.OrderID)
	}
}

// confirmed forgets the orders that the archive holds now.
func (p *pendingOrders) confirmed(position outbox.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, pending := range p.orders {
		if pending.position != 0 && pending.position <= position {
			delete(p.orders, id)
		}
	}
}
