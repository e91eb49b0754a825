package mongoarchive

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// A refundDoc is a document of the collection refunds.
type refundDoc struct {
	ID        string         `bson:"_id"`
	RefundID  string         `bson:"refundId"`
	OrderID   string         `bson:"orderId"`
	Total     moneyDoc       `bson:"total"`
	CreatedAt *bson.DateTime `bson:"createdAt"`
}

// maxRefunds is how many refunds an order has at most. The sum of an order's refunds is
// counted anew with each batch that has one, so that a replay adds nothing; this bounds
// what that reads, in an index, and keeps the sum of the greatest amounts within an int64.
const maxRefunds = 1000

// checkRefunds refuses refunds of orders that have too many already. It runs before
// the first write, so that nothing of a refused batch is stored.
func (b *batch) checkRefunds() error {
	ids := map[string][]string{} // by order
	for _, f := range b.refunds {
		ids[f.OrderID] = append(ids[f.OrderID], f.RefundID)
	}
	counts, err := b.addRefunds(keys(ids), 1)
	if err != nil {
		return err
	}
	for orderID, refundIDs := range ids {
		if counts[orderID]+int64(len(refundIDs)) <= maxRefunds {
			continue
		}
		there, err := b.refundsThere(refundIDs)
		if err != nil {
			return err
		}
		added := map[string]bool{}
		for _, id := range refundIDs {
			if !there[id] {
				added[id] = true
			}
		}
		if len(added) > 0 && counts[orderID]+int64(len(added)) > maxRefunds {
			return fmt.Errorf("%w: order %s would have more than %d refunds", store.ErrRejected, orderID, maxRefunds)
		}
	}
	return nil
}

func (b *batch) refundsThere(ids []string) (map[string]bool, error) {
	there := map[string]bool{}
	return there, inChunks(ids, func(ids []string) error {
		found, err := b.ids(refunds, "_id", bson.M{"_id": bson.M{"$in": ids}})
		maps.Copy(there, found)
		return err
	})
}

// refund inserts refunds and then raises the refunded amounts of their orders, and of
// the orders that were placed, to the sums of their refunds. So whichever of an order
// and its refunds is stored last includes all refunds.
func (b *batch) refund() error {
	ids := map[string]bool{}
	docs := make([]any, len(b.refunds))
	for i, f := range b.refunds {
		ids[f.OrderID] = true
		at := moment(f.At)
		docs[i] = refundDoc{ID: f.RefundID, RefundID: f.RefundID, OrderID: f.OrderID, Total: moneyDoc{Amount: f.Amount.Amount, Currency: f.Amount.Currency}, CreatedAt: &at}
	}
	if _, err := b.insert(refunds, docs); err != nil {
		return err
	}
	for _, f := range b.placed {
		ids[f.OrderID] = true
	}
	sums, err := b.addRefunds(keys(ids), "$total.amount")
	if err != nil {
		return err
	}
	var raise []mongo.WriteModel
	for id, sum := range sums {
		raise = append(raise, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": id}).SetUpdate(bson.M{"$max": bson.M{"refunded": sum}}))
	}
	_, err = b.bulk(orders, raise)
	return err
}

// addRefunds adds up a value of the refunds of each order that has any.
func (b *batch) addRefunds(orderIDs []string, value any) (map[string]int64, error) {
	sums := map[string]int64{}
	return sums, inChunks(orderIDs, func(ids []string) error {
		cursor, err := b.coll(refunds).Aggregate(b.ctx, bson.A{
			bson.M{"$match": bson.M{"orderId": bson.M{"$in": ids}}}, bson.M{"$group": bson.D{{Key: "_id", Value: "$orderId"}, {Key: "n", Value: bson.M{"$sum": value}}}},
		}, options.Aggregate().SetBatchSize(perCommand+1))
		if err != nil {
			return err
		}
		var found []struct {
			OrderID string        `bson:"_id"`
			N       bson.RawValue `bson:"n"`
		}
		err = cursor.All(b.ctx, &found)
		for _, f := range found {
			sums[f.OrderID] = nearestInt64(f.N)
		}
		return err
	})
}

// nearestInt64 is a sum as the server has added it up. One that is no int64 is a double:
// amounts beyond store.MaxAmount may be there from before they were refused.
func nearestInt64(v bson.RawValue) int64 {
	f, ok := v.DoubleOK()
	switch {
	case !ok:
		n, _ := v.AsInt64OK()
		return n
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// keys returns the keys of a map, in the same order in all processes.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

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
