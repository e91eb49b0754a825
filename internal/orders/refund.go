package orders

import (
	"context"
	"fmt"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/store"
)

// maxReadings is how often what was refunded of an order is read until nothing changed
// meanwhile.
const maxReadings = 5

// Refund records that some of an order's money went back: at most what is left of it,
// otherwise the error is [store.ErrRefundTooLarge].
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
	turn, ok := o.refunding.acquire(ctx, orderID) // refunds of one order see each other
	if !ok {
		return fmt.Errorf("%w: another refund of order %q is being recorded", store.ErrUnavailable, orderID)
	}
	defer o.refunding.release(turn)
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
	if order.Total.Currency != amount.Currency {
		return fmt.Errorf("footfall: order %q was paid in %s, not %s", orderID, order.Total.Currency, amount.Currency)
	}
	if !known {
		refunded, err := o.refunded(ctx, orderID)
		if err != nil {
			return err
		}
		if store.AddAmounts(refunded, amount.Amount) > order.Total.Amount {
			return fmt.Errorf("%w: order %q was %d %s, of which %d were refunded before, and %d are to be", store.ErrRefundTooLarge,
				orderID, order.Total.Amount, order.Total.Currency, refunded, amount.Amount)
		}
	}
	return o.commitRefund(ctx, r, refund, &order)
}

// refunded is how much of an order was refunded before, as far as is known: while an
// archive that is not shared fails, what this process recorded. The refunds in the
// journal that the archive lacks are added to the archive's sum; if that changes
// meanwhile, it is read again.
func (o *Orders) refunded(ctx context.Context, orderID string) (int64, error) {
	for range maxReadings {
		before, err := o.archive.Refunded(ctx, orderID)
		if err != nil && o.archive.Shared() {
			return 0, fmt.Errorf("%w: archive: %w", store.ErrUnavailable, err)
		}
		sum := before
		for _, refund := range o.refunds.all(func(r *store.Refund) bool { return r.OrderID == orderID }) {
			there := false
			if err == nil {
				if _, there, err = o.archive.Refund(ctx, refund.RefundID); err != nil {
					break
				}
			}
			if !there {
				sum = store.AddAmounts(sum, refund.Amount.Amount)
			}
		}
		if err != nil { // as far as is known
			return sum, nil
		}
		after, err := o.archive.Refunded(ctx, orderID)
		if err != nil || after == before {
			return sum, nil
		}
	}
	return 0, fmt.Errorf("%w: refunds of order %q are being recorded", store.ErrUnavailable, orderID)
}

// commitRefund records a refund, also one that was told before: if its order has got a
// session since, that gets the event.
func (o *Orders) commitRefund(ctx context.Context, r *record[store.Refund], refund store.Refund, order *store.Order) error {
	fact := &store.OrderRefunded{
		RefundID: refund.RefundID, OrderID: refund.OrderID, SessionID: order.SessionID, VisitorID: order.VisitorID,
		Amount: refund.Amount, EventID: eventIDOf("refund", refund.RefundID), At: refund.CreatedAt,
	}
	if !o.archive.Shared() || o.out.CommitArchive(ctx, nil, fact) != nil {
		position, err := o.out.CommitSale(nil, fact)
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
	if err := refundConflict(&there, &refund); err != nil {
		return err
	}
	if sum, err := o.archive.Refunded(ctx, order.OrderID); err == nil && sum > order.Total.Amount {
		o.exceeding.Add(1)
		o.log.Warn("footfall: more of an order was refunded than was paid: several instances refunded at the same moment", "orderId", order.OrderID,
			"paid", order.Total.Amount, "refunded", sum, "currency", order.Total.Currency)
	}
	return nil
}

func refundConflict(there, refund *store.Refund) error {
	if there.OrderID == refund.OrderID && there.Amount == refund.Amount {
		return nil
	}
	return fmt.Errorf("%w: refund %q was %d %s of order %q, not %d %s of order %q", ErrConflict,
		there.RefundID, there.Amount.Amount, there.Amount.Currency, there.OrderID, refund.Amount.Amount, refund.Amount.Currency, refund.OrderID)
}
