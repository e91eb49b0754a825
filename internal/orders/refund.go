package orders

import (
	"context"
	"fmt"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/store"
)

// Refund records that some of an order's money went back: at most what it was.
// refundID counts once: told again with another amount or order, it is [ErrConflict].
// An error that wraps [store.ErrUnavailable] means that it was not recorded; any other
// says what is wrong with the refund.
func (o *Orders) Refund(ctx context.Context, orderID, refundID string, amount store.Money) error {
	if refundID == "" || enrich.Text(refundID, maxID) != refundID {
		return fmt.Errorf("footfall: a refund's id is 1 to %d bytes of text", maxID)
	}
	if err := checkMoney(&amount); err != nil {
		return err
	}
	order, ok, err := o.Order(ctx, orderID)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("footfall: there is no order %q", orderID)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	r, ok := o.refunds.acquire(ctx, refundID)
	if !ok {
		return fmt.Errorf("%w: refund %q is being recorded", store.ErrUnavailable, refundID)
	}
	defer o.refunds.release(r)
	refund := store.Refund{RefundID: refundID, OrderID: orderID, Amount: amount, CreatedAt: clock.Now()}
	first, known := o.refunds.get(refundID)
	if !known { // while the archive fails, only what this process recorded is known
		first, known, err = o.archive.Refund(ctx, refundID)
		known = known && err == nil
	}
	if known {
		if err := refundConflict(&first, &refund); err != nil {
			return err
		}
		refund.CreatedAt = first.CreatedAt
	}
	switch {
	case amount.Amount > order.Total.Amount:
		return fmt.Errorf("footfall: order %q was %d, which is less than %d", orderID, order.Total.Amount, amount.Amount)
	case order.Total.Currency != amount.Currency:
		return fmt.Errorf("footfall: order %q was paid in %s, not %s", orderID, order.Total.Currency, amount.Currency)
	}
	return o.commitRefund(ctx, r, refund, &order)
}

// commitRefund records a refund, also one that was told before: if its order has got a
// session since, that gets the event.
func (o *Orders) commitRefund(ctx context.Context, r *record[store.Refund], refund store.Refund, order *store.Order) error {
	fact := &store.OrderRefunded{
		RefundID: refund.RefundID, OrderID: refund.OrderID, SessionID: order.SessionID, VisitorID: order.VisitorID,
		Amount: refund.Amount, EventID: eventIDOf("refund", refund.RefundID), At: refund.CreatedAt,
	}
	if !o.archive.Shared() || o.out.CommitArchive(ctx, nil, fact) != nil {
		position, err := o.out.CommitLocal(nil, fact)
		if err != nil {
			o.unwritten.Add(1)
			return fmt.Errorf("footfall: refund %q is not recorded: %w", refund.RefundID, err)
		}
		o.refunds.journalled(r, refund, position)
	}
	if !o.archive.Shared() {
		return nil
	}
	there, ok, err := o.archive.Refund(ctx, refund.RefundID) // another instance may have been faster
	if err != nil || !ok {
		return nil
	}
	return refundConflict(&there, &refund)
}

func refundConflict(there, refund *store.Refund) error {
	if there.OrderID == refund.OrderID && there.Amount == refund.Amount {
		return nil
	}
	return fmt.Errorf("%w: refund %q was %d %s of order %q, not %d %s of order %q", ErrConflict,
		there.RefundID, there.Amount.Amount, there.Amount.Currency, there.OrderID, refund.Amount.Amount, refund.Amount.Currency, refund.OrderID)
}
