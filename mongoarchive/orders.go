package mongoarchive

import (
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// placeOrder stores an order. If the id exists, the stored values stay, and only
// values that were unknown are filled in.
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
		var fill []mongo.WriteModel
		for field, value := range map[string]*string{"sessionId": d.SessionID, "visitorId": d.VisitorID, "customerId": d.CustomerID, "metadata": d.Metadata} {
			if value != nil {
				fill = append(fill, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": d.ID, field: nil}).SetUpdate(bson.M{"$set": bson.M{field: *value}}))
			}
		}
		if len(fill) > 0 {
			if _, err := b.coll(orders).BulkWrite(b.ctx, fill, options.BulkWrite().SetOrdered(false)); err != nil {
				return err
			}
		}
	}
	if err := b.sumRefunds(f.OrderID); err != nil {
		return err
	}
	if f.SessionID == "" {
		return nil
	}
	return b.convert(f.SessionID)
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

func (b *batch) refund(f *store.OrderRefunded) error {
	if _, err := b.insert(refunds, []any{bson.D{
		{Key: "_id", Value: f.RefundID}, {Key: "refundId", Value: f.RefundID}, {Key: "orderId", Value: f.OrderID},
		{Key: "total", Value: moneyDoc{Amount: f.Amount.Amount, Currency: f.Amount.Currency}}, {Key: "createdAt", Value: moment(f.At)},
	}}); err != nil {
		return err
	}
	return b.sumRefunds(f.OrderID)
}

// sumRefunds raises an order's refunded amount to the sum of its refunds. It runs
// after the order's insert and after each refund's, so the last one includes all
// refunds.
func (b *batch) sumRefunds(orderID string) error {
	docs, err := all[struct {
		Total moneyDoc `bson:"total"`
	}](b.ctx, b.coll(refunds), bson.M{"orderId": orderID}, options.Find().SetProjection(only("total")))
	if err != nil || len(docs) == 0 {
		return err
	}
	sum := int64(0)
	for _, d := range docs {
		sum += d.Total.Amount
	}
	_, err = b.coll(orders).UpdateOne(b.ctx, bson.M{"_id": orderID}, bson.M{"$max": bson.M{"refunded": sum}})
	return err
}
