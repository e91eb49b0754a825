package footfall

import (
	"context"

	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/request"
	"github.com/footfall-go/footfall/store"
)

// PlaceOrder records a sale, in the request's session if it has one. It returns the
// first order that was placed with this id; before is true if that was an earlier
// call's.
//
// An outage of tracking never makes PlaceOrder fail: an error says what is wrong with
// the input. ctx is the request's.
func (t *Tracker) PlaceOrder(ctx context.Context, input OrderInput) (placed Order, before bool, err error) {
	r := request.From(ctx)
	if r == nil {
		return Order{}, false, ErrNoRequest
	}
	order := Order{OrderID: input.ID, Total: input.Total, Metadata: input.Metadata}
	return t.orders.Place(ctx, order, func(ctx context.Context, order *store.Order) *live.Entry {
		whose := r.WhoseOrder(ctx)
		order.SessionID, order.VisitorID, order.CustomerID = whose.SessionID, whose.VisitorID, whose.CustomerID
		return whose.Entry
	})
}

// Order reads an order. An error wraps [ErrUnavailable].
func (t *Tracker) Order(ctx context.Context, id string) (Order, bool, error) {
	return t.orders.Order(ctx, id)
}

// Refund records that some of an order's money went back. A refund's id counts
// once. The shop must make sure that the sum of an order's refunds does not exceed its
// total. Refund needs no request. An error that wraps [ErrUnavailable] means that it
// was not recorded; any other says what is wrong with the refund.
func (t *Tracker) Refund(ctx context.Context, refund RefundInput) error {
	return t.orders.Refund(ctx, refund.OrderID, refund.ID, refund.Amount)
}
