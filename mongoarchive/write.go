package mongoarchive

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// perCommand is how many documents one command inserts, updates, deletes or looks up.
const perCommand = 1000

// attempts is how often a step that other processes can disturb is tried.
const attempts = 20

var errBusy = errors.New("other processes change the same document all the time")

func (b *batch) coll(name string) *mongo.Collection { return b.c.write.Collection(name) }

// inChunks calls a function with at most perCommand of the items at a time.
func inChunks[T any](items []T, do func([]T) error) error {
	for chunk := range slices.Chunk(items, perCommand) {
		if err := do(chunk); err != nil {
			return err
		}
	}
	return nil
}

// bulk sends writes that have the same effect in any order. It returns how many
// documents they matched or deleted.
func (b *batch) bulk(collection string, writes []mongo.WriteModel) (found int64, err error) {
	err = inChunks(writes, func(chunk []mongo.WriteModel) error {
		result, err := b.coll(collection).BulkWrite(b.ctx, chunk, options.BulkWrite().SetOrdered(false))
		if err == nil {
			found += result.MatchedCount + result.DeletedCount
		}
		return err
	})
	return found, err
}

// upsert writes documents that another process may insert at the same moment. If
// that makes the first attempt fail, the second one finds the document.
func (b *batch) upsert(collection string, writes []mongo.WriteModel) error {
	return inChunks(writes, func(chunk []mongo.WriteModel) error {
		_, err := b.bulk(collection, chunk)
		if there, ok := duplicates(err); ok && len(there) > 0 {
			_, err = b.bulk(collection, chunk)
		}
		return err
	})
}

// insert inserts documents and returns which of them existed already.
func (b *batch) insert(collection string, docs []any) (there []int, err error) {
	base := 0
	for chunk := range slices.Chunk(docs, perCommand) {
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

// A sessionUpdate is an update of one session whose filter may reject it.
type sessionUpdate struct {
	sessionID string
	model     mongo.WriteModel
}

// updateSessions sends updates of sessions. A session that was folded after it was
// looked up is restored and updated again. It returns the updates of sessions that have
// no document.
func (b *batch) updateSessions(updates []sessionUpdate) (unknown []sessionUpdate, err error) {
	err = inChunks(updates, func(chunk []sessionUpdate) error {
		rest, err := b.updateSome(chunk)
		unknown = append(unknown, rest...)
		return err
	})
	return unknown, err
}

func (b *batch) updateSome(updates []sessionUpdate) (unknown []sessionUpdate, err error) {
	for range attempts {
		models := make([]mongo.WriteModel, len(updates))
		for i, u := range updates {
			models[i] = u.model
		}
		matched, err := b.bulk(sessions, models)
		if err != nil || matched == int64(len(updates)) {
			return unknown, err
		}
		absent, err := b.absent(updates)
		if err != nil || len(absent) == 0 {
			return unknown, err // the others were rejected by their filters
		}
		var ids []string
		for _, u := range absent {
			ids = append(ids, u.sessionID)
		}
		if err := b.takeOut(ids); err != nil {
			return unknown, err
		}
		still, err := b.absent(absent)
		if err != nil {
			return unknown, err
		}
		unknown = append(unknown, still...)
		if len(still) == len(absent) {
			return unknown, nil
		}
		gone := map[string]bool{}
		for _, u := range still {
			gone[u.sessionID] = true
		}
		updates = slices.DeleteFunc(absent, func(u sessionUpdate) bool { return gone[u.sessionID] })
	}
	return unknown, errBusy
}

// absent returns those updates whose session has no document.
func (b *batch) absent(updates []sessionUpdate) ([]sessionUpdate, error) {
	ids := make([]string, len(updates))
	for i, u := range updates {
		ids[i] = u.sessionID
	}
	there, err := b.ids(sessions, "_id", bson.M{"_id": bson.M{"$in": ids}})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(updates), func(u sessionUpdate) bool { return there[u.sessionID] }), nil
}

// ids returns the values of a text field in the documents that a filter selects.
func (b *batch) ids(collection, field string, filter any) (map[string]bool, error) {
	cursor, err := b.coll(collection).Find(b.ctx, filter, allAtOnce().SetProjection(only(field)))
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

// allAtOnce asks for many documents in the first answer: by itself a server answers
// with 101, and each further answer is a round trip.
func allAtOnce() *options.FindOptionsBuilder { return options.Find().SetBatchSize(10 * perCommand) }

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
	cursor, err := coll.Find(ctx, filter, append([]options.Lister[options.FindOptions]{allAtOnce()}, opts...)...)
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

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}
