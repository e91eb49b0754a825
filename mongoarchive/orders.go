package mongoarchive

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// placed is an OrderPlaced and its position in the batch.
type placed struct {
	*store.OrderPlaced
	position int
}

// A sale is what the batch says of one order and one total: each value is the first
// that is not unknown.
type sale struct {
	orderID string
	total   moneyDoc
}

func saleOf(f *store.OrderPlaced) sale {
	return sale{f.OrderID, moneyDoc{Amount: f.Total.Amount, Currency: f.Total.Currency}}
}

// placeOrders stores orders. If an id exists and the total is the same, the stored
// values stay and only values that were unknown are filled in; with another total
// nothing changes. The event, and the conversion of the session, follow in the batch
// if the session that the order then has is that of the fact: for any other, an
// earlier fact brings them. All of it can be repeated, so a replay completes what was
// cut off.
func (b *batch) placeOrders() error {
	first, second := b.sales()
	docs := make([]any, len(first))
	for i, d := range first {
		docs[i] = *d
	}
	there, err := b.insert(orders, docs)
	if err != nil {
		return err
	}
	existing := map[string]bool{}
	var others []*orderDoc // what may complete a stored order
	for _, i := range there {
		existing[first[i].ID] = true
		others = append(others, first[i])
	}
	for _, d := range second {
		if existing[d.ID] {
			others = append(others, d)
		}
	}
	stored, err := b.completeOrders(others)
	if err != nil {
		return err
	}
	for _, d := range first {
		if !existing[d.ID] { // what was not unknown when it was inserted stays
			stored[d.ID] = *d
		}
	}
	for _, f := range b.placed {
		d, ok := stored[f.OrderID]
		if !ok || d.Total != saleOf(f.OrderPlaced).total || d.SessionID == nil || *d.SessionID != f.SessionID {
			continue
		}
		e := f.Event()
		e.CreatedAt = utc(d.CreatedAt)
		b.addEvent(&e, f.position)
		b.noteOrder(f.SessionID, latestOrder{d.ID, epochIfUnknown(d.CreatedAt)})
	}
	return nil
}

// sales merges the batch's records of orders. It returns the first sale of each order
// id, and the sales that have the id of another.
func (b *batch) sales() (first, second []*orderDoc) {
	sales := map[sale]*orderDoc{}
	ids := map[string]bool{}
	for _, f := range b.placed {
		key := saleOf(f.OrderPlaced)
		d := sales[key]
		if d == nil {
			d = &orderDoc{ID: f.OrderID, OrderID: f.OrderID, Total: key.total, CreatedAt: known(f.CreatedAt)}
			sales[key] = d
			if ids[f.OrderID] {
				second = append(second, d)
			} else {
				first = append(first, d)
			}
			ids[f.OrderID] = true
		}
		for _, x := range []struct {
			have **string
			add  string
		}{{&d.SessionID, f.SessionID}, {&d.VisitorID, f.VisitorID}, {&d.CustomerID, f.CustomerID}, {&d.Metadata, string(f.Metadata)}} {
			if *x.have == nil {
				*x.have = text(x.add)
			}
		}
	}
	return first, second
}

// completeOrders fills in what is not known of stored orders. It returns the orders as
// they are stored then.
func (b *batch) completeOrders(docs []*orderDoc) (map[string]orderDoc, error) {
	stored := map[string]orderDoc{}
	var fill []mongo.WriteModel
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
		for field, value := range map[string]*string{"sessionId": d.SessionID, "visitorId": d.VisitorID, "customerId": d.CustomerID, "metadata": d.Metadata} {
			if value != nil {
				blank := bson.M{"_id": d.ID, field: nil, "total.amount": d.Total.Amount, "total.currency": d.Total.Currency}
				fill = append(fill, mongo.NewUpdateOneModel().SetFilter(blank).SetUpdate(bson.M{"$set": bson.M{field: *value}}))
			}
		}
	}
	if _, err := b.bulk(orders, fill); err != nil {
		return nil, err
	}
	return stored, inChunks(ids, func(ids []string) error {
		found, err := all[orderDoc](b.ctx, b.coll(orders), bson.M{"_id": bson.M{"$in": ids}}, options.Find().SetProjection(only("_id", "sessionId", "total", "createdAt")))
		for _, d := range found {
			stored[d.ID] = d
		}
		return err
	})
}

// A latestOrder is the latest order of a session, as far as is known here. Of two at
// the same time it is the one with the greater id.
type latestOrder struct {
	id string
	at bson.DateTime
}

func epochIfUnknown(at *bson.DateTime) bson.DateTime {
	if at == nil {
		return 0
	}
	return *at
}

// noteOrder has the batch convert a session, unless a later order is known.
func (b *batch) noteOrder(sessionID string, o latestOrder) {
	have, ok := b.latest[sessionID]
	if !ok || o.at > have.at || o.at == have.at && o.id > have.id {
		b.latest[sessionID] = o
	}
}

// convert stores in sessions the latest of their orders. A session's document has the
// time of the latest one so far, so the session's other orders are not read, and
// processes that store orders of a session at the same time end with the latest. An
// order of a session that has no document waits in the session's note.
func (b *batch) convert() error {
	var updates []sessionUpdate
	for id := range b.latest {
		updates = append(updates, sessionUpdate{id, b.laterOrder(id, bson.M{"converted": true}, bson.M{"$unset": bson.M{"foldedInto": ""}})})
	}
	unknown, err := b.updateSessions(updates)
	if err != nil || len(unknown) == 0 {
		return err
	}
	notes := make([]mongo.WriteModel, len(unknown))
	for i, u := range unknown {
		notes[i] = b.laterOrder(u.sessionID, bson.M{}, bson.M{})
	}
	if _, err := b.bulk(unknownSessions, notes); err != nil {
		return err
	}
	_, err = b.updateSessions(unknown) // whoever begins one now sees its note, or is seen here
	return err
}

// laterOrder is an update that gives a document the latest order of a session, unless
// it has that or a later one.
func (b *batch) laterOrder(sessionID string, set, update bson.M) mongo.WriteModel {
	o := b.latest[sessionID]
	set["orderId"], set["orderAt"] = o.id, o.at
	update["$set"] = set
	return mongo.NewUpdateOneModel().SetUpdate(update).SetFilter(bson.M{"_id": sessionID, "$or": bson.A{
		bson.M{"orderAt": nil}, bson.M{"orderAt": bson.M{"$lt": o.at}}, bson.M{"orderAt": o.at, "orderId": bson.M{"$lte": o.id}},
	}})
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
