package footfall

import (
	"cmp"
	"context"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/orders"
	"github.com/footfall-go/footfall/internal/request"
	"github.com/footfall-go/footfall/store"
)

// PlaceOrder records a sale, in the request's session if it has one. It returns the
// order as it stands: of an id the first one counts, and before is true if that was an
// earlier call's. A later call with the same total fills in what the first did not
// know of session, visitor, customer and metadata, in either order and on any
// instance: so a payment provider's webhook and the buyer's thank-you page may both
// place it. What was known stays.
//
// The order is in the archive, or in the journal and flushed to the disk, when the error
// is nil. An error that wraps [ErrUnavailable] means that neither took it, as on a full
// disk whose reserve is used up: nothing was recorded, and whether to sell is the shop's
// decision. The same call, with the same id, can be repeated. Any other error says what
// is wrong with the input. [ErrConflict] means that the id was placed before with another total: it
// comes with that order, and nothing was changed. While the archive is away this may
// not be known; then the order that reaches the archive first counts. ctx is the
// request's.
//
// A session has at most 100 orders: further ones are stored without it, and counted in
// orders_past_cap.
//
// For a webhook, a telephone order or a subscription, whose request is not the buyer's,
// use [Tracker.PlaceOrderFor].
func (t *Tracker) PlaceOrder(ctx context.Context, input OrderInput) (placed Order, before bool, err error) {
	r := request.From(ctx)
	if r == nil {
		return Order{}, false, ErrNoRequest
	}
	return t.orders.Place(ctx, input.order(), func(ctx context.Context, order *store.Order) orders.Buyer {
		whose := r.WhoseOrder(ctx)
		order.SessionID, order.VisitorID, order.CustomerID = whose.SessionID, whose.VisitorID, whose.CustomerID
		return orders.Buyer{Entry: whose.Entry, Present: true}
	})
}

// PlaceOrderFor is PlaceOrder outside of the buyer's request: visit is what the shop
// kept of it, or nothing. A session that is over is converted too; the order is no
// activity of it. An order whose session is unknown is recorded without one. While no
// store can tell, it keeps the session that visit names.
func (t *Tracker) PlaceOrderFor(ctx context.Context, visit Visit, input OrderInput) (placed Order, before bool, err error) {
	session, err := visit.check()
	if err != nil {
		return Order{}, false, err
	}
	return t.orders.Place(ctx, input.order(), func(ctx context.Context, order *store.Order) (buyer orders.Buyer) {
		order.VisitorID, order.CustomerID = visit.VisitorID, visit.CustomerID
		if session == uuid.Nil {
			return buyer
		}
		e, rec, found, err := t.sessions.ByID(ctx, session)
		switch {
		case err != nil:
			order.SessionID = visit.SessionID
		case found:
			order.SessionID, order.VisitorID, order.CustomerID = rec.SessionID, rec.VisitorID, cmp.Or(visit.CustomerID, rec.CustomerID)
		}
		buyer.Entry = e
		return buyer
	})
}

func (in OrderInput) order() Order {
	return Order{OrderID: in.ID, Total: in.Total, Metadata: in.Metadata}
}

// Order reads an order. An error wraps [ErrUnavailable].
func (t *Tracker) Order(ctx context.Context, id string) (Order, bool, error) {
	return t.orders.Order(ctx, id)
}

// Refund records that some of an order's money went back. A refund's id counts
// once: told again it changes nothing, and with another amount or order it is
// [ErrConflict], as far as the archive can be asked. With what was refunded before, it
// is at most what was paid, otherwise the error is [store.ErrRefundTooLarge]. Instances that
// refund at the same moment do not see each other: then both are recorded, and what
// exceeds the order is counted in refunds_exceeding. Refund needs no request. An
// error that wraps [ErrUnavailable] means that it was not recorded; any other says what
// is wrong with the refund.
func (t *Tracker) Refund(ctx context.Context, refund RefundInput) error {
	return t.orders.Refund(ctx, refund.OrderID, refund.ID, refund.Amount)
}
