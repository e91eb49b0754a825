package mongoarchive

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// placeOrder stores an order. If the id exists and the total is the same, the stored
// values stay and only values that were unknown are filled in; with another total
// nothing changes. The event, and the conversion of the session, follow in the round
// if the session that the order then has is that of the fact: for any other, an
// earlier fact brings them. All of it can be repeated, so a replay completes what was
// cut off.
func (b *batch) placeOrder(f *store.OrderPlaced) error {
	d := orderDoc{
		ID: f.OrderID, OrderID: f.OrderID, SessionID: text(f.SessionID), VisitorID: text(f.VisitorID), CustomerID: text(f.CustomerID),
		Total: moneyDoc{Amount: f.Total.Amount, Currency: f.Total.Currency}, Metadata: text(string(f.Metadata)), CreatedAt: known(f.CreatedAt),
	}
	there, err := b.insert(orders, []any{d})
	if err != nil {
		return err
	}
	if len(there) > 0 {
		var same bool
		if d, same, err = b.completeOrder(&d); err != nil || !same {
			return err
		}
	}
	if err := b.sumRefunds(f.OrderID); err != nil {
		return err
	}
	if d.SessionID == nil || *d.SessionID != f.SessionID {
		return nil
	}
	e := f.Event()
	e.CreatedAt = utc(d.CreatedAt)
	b.addEvent(&e)
	b.later = append(b.later, f)
	return nil
}

// completeOrder fills in what is not known of a stored order. It returns the order as
// it is stored then, and false if its total is another.
func (b *batch) completeOrder(d *orderDoc) (stored orderDoc, same bool, err error) {
	var fill []mongo.WriteModel
	for field, value := range map[string]*string{"sessionId": d.SessionID, "visitorId": d.VisitorID, "customerId": d.CustomerID, "metadata": d.Metadata} {
		if value != nil {
			blank := bson.M{"_id": d.ID, field: nil, "total.amount": d.Total.Amount, "total.currency": d.Total.Currency}
			fill = append(fill, mongo.NewUpdateOneModel().SetFilter(blank).SetUpdate(bson.M{"$set": bson.M{field: *value}}))
		}
	}
	if len(fill) > 0 {
		if _, err := b.coll(orders).BulkWrite(b.ctx, fill, options.BulkWrite().SetOrdered(false)); err != nil {
			return stored, false, err
		}
	}
	stored, ok, err := one[orderDoc](b.ctx, b.coll(orders), bson.M{"_id": d.ID})
	return stored, ok && stored.Total == d.Total, err
}

// convert stores in a session the latest of its orders. It repeats until the
// session agrees with the orders, because another process may store an order at
// the same time.
func (b *batch) convert(sessionID string) error {
	for range attempts {
		latest, ok, err := one[orderDoc](b.ctx, b.coll(orders), bson.M{"sessionId": sessionID},
			options.FindOne().SetSort(bson.D{{Key: "createdAt", Value: -1}, {Key: "_id", Value: -1}}).SetProjection(only("_id")))
		if err != nil || !ok {
			return err
		}
		d, ok, err := one[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": sessionID}, options.FindOne().SetProjection(only("converted", "orderId")))
		if err != nil {
			return err
		}
		if !ok {
			if there, err := b.comesBack(sessionID); err != nil || !there {
				return err
			}
			continue
		}
		if d.Converted && plain(d.OrderID) == latest.ID {
			return nil
		}
		if _, err := b.coll(sessions).UpdateOne(b.ctx, bson.M{"_id": sessionID, "orderId": d.OrderID},
			bson.M{"$set": bson.M{"converted": true, "orderId": latest.ID}, "$unset": bson.M{"foldedInto": ""}}); err != nil {
			return err
		}
	}
	return errBusy
}

// A refundDoc is a document of the collection refunds.
type refundDoc struct {
	ID        string         `bson:"_id"`
	RefundID  string         `bson:"refundId"`
	OrderID   string         `bson:"orderId"`
	Total     moneyDoc       `bson:"total"`
	CreatedAt *bson.DateTime `bson:"createdAt"`
}

func (b *batch) refund(f *store.OrderRefunded) error {
	at := moment(f.At)
	if _, err := b.insert(refunds, []any{refundDoc{
		ID: f.RefundID, RefundID: f.RefundID, OrderID: f.OrderID, Total: moneyDoc{Amount: f.Amount.Amount, Currency: f.Amount.Currency}, CreatedAt: &at,
	}}); err != nil {
		return err
	}
	return b.sumRefunds(f.OrderID)
}

// sumRefunds raises an order's refunded amount to the sum of its refunds. It runs
// after the order's insert and after each refund's, so the last one includes all
// refunds.
func (b *batch) sumRefunds(orderID string) error {
	docs, err := all[refundDoc](b.ctx, b.coll(refunds), bson.M{"orderId": orderID}, options.Find().SetProjection(only("total")))
	if err != nil || len(docs) == 0 {
		return err
	}
	sum := int64(0)
	for _, d := range docs {
		sum = store.AddAmounts(sum, d.Total.Amount)
	}
	_, err = b.coll(orders).UpdateOne(b.ctx, bson.M{"_id": orderID}, bson.M{"$max": bson.M{"refunded": sum}})
	return err
}

// Order reads one order.
func (a *Archive) Order(ctx context.Context, id string) (store.Order, bool, error) {
	d, ok, err := readOne[orderDoc](ctx, a, orders, bson.M{"_id": id})
	if err != nil {
		return store.Order{}, false, fmt.Errorf("mongoarchive: order: %w", oneLine(err))
	}
	if !ok {
		return store.Order{}, false, nil
	}
	return d.order(), true, nil
}

// Refund reads one refund.
func (a *Archive) Refund(ctx context.Context, id string) (store.Refund, bool, error) {
	d, ok, err := readOne[refundDoc](ctx, a, refunds, bson.M{"_id": id})
	if err != nil {
		return store.Refund{}, false, fmt.Errorf("mongoarchive: refund: %w", oneLine(err))
	}
	if !ok {
		return store.Refund{}, false, nil
	}
	return store.Refund{
		RefundID: d.RefundID, OrderID: d.OrderID, Amount: store.Money{Amount: d.Total.Amount, Currency: d.Total.Currency}, CreatedAt: utc(d.CreatedAt),
	}, true, nil
}

// Refunded reads what was refunded of an order.
func (a *Archive) Refunded(ctx context.Context, orderID string) (int64, error) {
	type refundedDoc struct {
		Refunded int64 `bson:"refunded"`
	}
	d, _, err := readOne[refundedDoc](ctx, a, orders, bson.M{"_id": orderID}, options.FindOne().SetProjection(only("refunded")))
	if err != nil {
		return 0, fmt.Errorf("mongoarchive: refunded: %w", oneLine(err))
	}
	return d.Refunded, nil
}

// KnowsCustomer reports whether any session or order of a customer is there.
func (a *Archive) KnowsCustomer(ctx context.Context, customerID string) (bool, error) {
	for _, collection := range []string{sessions, orders} {
		_, ok, err := readOne[bson.Raw](ctx, a, collection, bson.M{"customerId": customerID}, options.FindOne().SetProjection(only("customerId")))
		if err != nil {
			return false, fmt.Errorf("mongoarchive: customer: %w", oneLine(err))
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// readOne reads one document for a decision. It returns false if there is none.
func readOne[T any](ctx context.Context, a *Archive, collection string, filter bson.M, opts ...options.Lister[options.FindOneOptions]) (doc T, ok bool, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.reading(ctx)
	if err != nil {
		return doc, false, err
	}
	return one[T](ctx, c.decide.Collection(collection), filter, opts...)
}
