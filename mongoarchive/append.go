package mongoarchive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// Append stores a batch in steps. If it is cut off between two steps, appending
// the same facts again completes it.
func (a *Archive) Append(ctx context.Context, facts []store.Fact) error {
	if err := a.append(ctx, facts); err != nil {
		return fmt.Errorf("mongoarchive: append: %w", oneLine(classify(err)))
	}
	return nil
}

func (a *Archive) append(ctx context.Context, facts []store.Fact) error {
	for _, fact := range facts { // before the first write, so that nothing of a refused batch is stored
		if !isKnown(fact) {
			return fmt.Errorf("%w: a fact of type %T", store.ErrRejected, fact)
		}
		if err := store.CheckAmount(fact); err != nil {
			return err
		}
	}
	if len(facts) == 0 {
		return nil
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.writing(ctx)
	if err != nil {
		return err
	}
	b := &batch{ctx: ctx, c: c, lives: store.Lifetimes{Idle: a.idle, Absolute: a.maxAge}}
	return b.apply(facts)
}

func isKnown(fact store.Fact) bool {
	switch fact.(type) {
	case *store.SessionBegun, *store.EventRecorded, *store.SessionSeen, *store.CredentialsChanged, *store.CustomerRevoked, *store.ValueSet,
		*store.OrderPlaced, *store.OrderRefunded, *store.BotSeen, *store.SessionsFolded, *store.VisitsUncounted:
		return true
	}
	return false
}

// A batch is one Append. It applies its facts in rounds: first the sessions that
// begin, then all their events together, then the other facts in order. The
// effect of a fold depends on the facts before it, so a fold ends a round.
type batch struct {
	ctx   context.Context
	c     *connection
	lives store.Lifetimes

	begins  []*store.Record
	events  []*store.Event
	touched map[string]*touch // by session id
	later   []store.Fact
	arrived []string // sessions that begin and that facts came for before

	command []byte // the latest one, whose memory the next one reuses
}

// A touch is what a round changes in one session.
type touch struct {
	lastSeen int64
	views    bool // there may be new page views
}

func (b *batch) coll(name string) *mongo.Collection { return b.c.write.Collection(name) }

func (b *batch) apply(facts []store.Fact) error {
	b.startRound()
	for _, fact := range facts {
		switch f := fact.(type) {
		case *store.SessionBegun:
			b.begins = append(b.begins, &f.Record)
		case *store.EventRecorded:
			b.addEvent(&f.Event)
		case *store.OrderPlaced:
			if err := b.placeOrder(f); err != nil {
				return err
			}
		case *store.OrderRefunded:
			b.later = append(b.later, f)
			if f.SessionID != "" {
				e := f.Event()
				b.addEvent(&e)
			}
		case *store.SessionSeen:
			t := b.touch(f.SessionID)
			t.lastSeen = max(t.lastSeen, f.At.UnixMilli())
		case *store.CredentialsChanged: // also when the session is folded
			b.touch(f.SessionID)
			b.later = append(b.later, f)
		case *store.ValueSet:
			b.touch(f.SessionID)
			b.later = append(b.later, f)
		case *store.SessionsFolded:
			if err := b.finishRound(); err != nil {
				return err
			}
			if err := b.fold(f); err != nil {
				return err
			}
		default:
			b.later = append(b.later, f)
		}
	}
	return b.finishRound()
}

func (b *batch) startRound() {
	b.begins, b.events, b.later, b.arrived, b.touched = nil, nil, nil, nil, map[string]*touch{}
}

func (b *batch) addEvent(e *store.Event) {
	b.touch(e.SessionID)
	b.events = append(b.events, e)
}

func (b *batch) touch(sessionID string) *touch {
	t := b.touched[sessionID]
	if t == nil {
		t = &touch{}
		b.touched[sessionID] = t
	}
	return t
}

func (b *batch) finishRound() error {
	defer b.startRound()
	for chunk := range slices.Chunk(b.begins, idsPerQuery) {
		if err := b.begin(chunk); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(b.touchedIDs(), idsPerQuery) {
		if err := b.takeOut(chunk); err != nil {
			return err
		}
	}
	if err := b.insertEvents(); err != nil {
		return err
	}
	for chunk := range slices.Chunk(b.touchedIDs(), idsPerQuery) {
		if err := b.updateTouched(chunk); err != nil {
			return err
		}
	}
	for _, fact := range b.later {
		if err := b.control(fact); err != nil {
			return err
		}
	}
	return b.convertArrived()
}

const (
	idsPerQuery    = 500 // with a view or two for each session, round trips are most of the cost of a count
	updatesPerBulk = 50  // FerretDB uses one connection for each update
	docsPerInsert  = 500
)

func (b *batch) touchedIDs() []string {
	ids := make([]string, 0, len(b.touched))
	for id := range b.touched {
		ids = append(ids, id)
	}
	slices.Sort(ids) // all processes use the same order
	return ids
}

// begin inserts the sessions that do not exist yet. Visitors are stored before
// their sessions, so that no stored session lacks its visitor.
func (b *batch) begin(records []*store.Record) error {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.SessionID
	}
	// In this order, because a session on its way to folded_sessions is in both
	// collections.
	there, err := b.ids(sessions, "_id", bson.M{"_id": bson.M{"$in": ids}})
	if err != nil {
		return err
	}
	folded, err := b.ids(foldedSessions, "sessionId", bson.M{"sessionId": bson.M{"$in": ids}, "whole": true})
	if err != nil {
		return err
	}
	var docs []any
	seen := map[string]int64{}
	var updates []mongo.WriteModel
	for _, r := range records {
		if there[r.SessionID] || folded[r.SessionID] {
			continue
		}
		there[r.SessionID] = true
		docs = append(docs, newSessionDoc(r))
		if at, ok := seen[r.VisitorID]; !ok || at != r.StartedAt.UnixMilli() {
			seen[r.VisitorID] = r.StartedAt.UnixMilli()
			updates = append(updates, sawVisitor(r.VisitorID, moment(r.StartedAt)))
		}
	}
	if len(docs) > 0 {
		if err := b.upsert(visitors, updates); err != nil {
			return err
		}
		if _, err := b.insert(sessions, docs); err != nil {
			return err
		}
	}
	for _, r := range records {
		cred := r.Credentials()
		if err := b.endIfRevoked(r.SessionID, &cred); err != nil {
			return err
		}
	}
	return b.awaited(ids)
}

func sawVisitor(visitorID string, at bson.DateTime) mongo.WriteModel {
	return mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": visitorID}).SetUpsert(true).SetUpdate(bson.M{
		"$set": bson.M{"visitorId": visitorID}, "$min": bson.M{"firstSeenAt": at}, "$max": bson.M{"lastSeenAt": at},
	})
}

// upsert writes a document that another process may insert at the same moment. If
// that makes the first attempt fail, the second one finds the document.
func (b *batch) upsert(collection string, updates []mongo.WriteModel) error {
	for chunk := range slices.Chunk(updates, updatesPerBulk) {
		_, err := b.coll(collection).BulkWrite(b.ctx, chunk, options.BulkWrite().SetOrdered(false))
		if there, ok := duplicates(err); ok && len(there) > 0 {
			_, err = b.coll(collection).BulkWrite(b.ctx, chunk, options.BulkWrite().SetOrdered(false))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// insert inserts documents and returns which of them existed already.
func (b *batch) insert(collection string, docs []any) (there []int, err error) {
	base := 0
	for chunk := range slices.Chunk(docs, docsPerInsert) {
		_, err := b.coll(collection).InsertMany(b.ctx, chunk, options.InsertMany().SetOrdered(false))
		found, ok := duplicates(err)
		if !ok {
			return there, err
		}
		for _, i := range found {
			there = append(there, base+i)
		}
		base += len(chunk)
	}
	return there, nil
}

// ids returns the values of a text field in the documents that a filter selects.
func (b *batch) ids(collection, field string, filter any) (map[string]bool, error) {
	cursor, err := b.coll(collection).Find(b.ctx, filter, options.Find().SetProjection(only(field)))
	if err != nil {
		return nil, err
	}
	defer closeCursor(b.ctx, cursor)
	ids := map[string]bool{}
	for cursor.Next(b.ctx) {
		if id, ok := cursor.Current.Lookup(field).StringValueOK(); ok {
			ids[id] = true
		}
	}
	return ids, cursor.Err()
}

// only is a projection to some fields. It leaves out _id unless that is one of
// them, so that the query can be answered from an index alone.
func only(fields ...string) bson.D {
	p := bson.D{}
	if !slices.Contains(fields, "_id") {
		p = append(p, bson.E{Key: "_id", Value: 0})
	}
	for _, f := range fields {
		p = append(p, bson.E{Key: f, Value: 1})
	}
	return p
}

// one reads one document. It returns false if there is none.
func one[T any](ctx context.Context, coll *mongo.Collection, filter any, opts ...options.Lister[options.FindOneOptions]) (doc T, ok bool, err error) {
	err = coll.FindOne(ctx, filter, opts...).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return doc, false, nil
	}
	return doc, err == nil, err
}

// all reads all documents that a filter selects.
func all[T any](ctx context.Context, coll *mongo.Collection, filter any, opts ...options.Lister[options.FindOptions]) ([]T, error) {
	cursor, err := coll.Find(ctx, filter, opts...)
	if err != nil {
		return nil, err
	}
	docs := []T{}
	err = cursor.All(ctx, &docs)
	return docs, err
}

// closeCursor closes a cursor and ignores errors: a cursor that was read to its
// end is closed already, and the server drops any other one after a time-out.
func closeCursor(ctx context.Context, cursor *mongo.Cursor) { _ = cursor.Close(ctx) }
