package orders

import (
	"context"

	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/store"
)

// remember keeps what was sold and given back according to the journal that the last run
// left, until the archive holds it: the first fact of an id counts, and a later one with
// the same total completes it, as in the archive.
func (o *Orders) remember(found []outbox.Found) {
	for _, f := range found {
		switch fact := f.Fact.(type) {
		case *store.OrderPlaced:
			order := fact.Order
			r, _ := o.unstored.acquire(context.Background(), order.OrderID) // nobody else is there yet
			if first, known := o.unstored.get(order.OrderID); known {
				if first.Total == order.Total {
					first.Complete(&order)
				}
				order = first
			}
			o.unstored.journalled(r, order, f.Position)
			o.unstored.release(r)
		case *store.OrderRefunded:
			refund := store.Refund{RefundID: fact.RefundID, OrderID: fact.OrderID, Amount: fact.Amount, CreatedAt: fact.At}
			r, _ := o.refunds.acquire(context.Background(), refund.RefundID)
			if first, known := o.refunds.get(refund.RefundID); known {
				refund = first
			}
			o.refunds.journalled(r, refund, f.Position)
			o.refunds.release(r)
		}
	}
}

// recordBytes is what a record takes beside its texts: its places in the map and the
// list, and the two fixed parts of an order.
const recordBytes = 512

func sizeOfOrder(o *store.Order) int {
	return recordBytes + len(o.OrderID)*2 + len(o.SessionID) + len(o.VisitorID) + len(o.CustomerID) + len(o.Metadata)
}

func sizeOfRefund(r *store.Refund) int { return recordBytes + len(r.RefundID)*2 + len(r.OrderID) }
