package mongoarchive

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// An unknown session is one that facts came for and that has no document: mostly it
// was deleted by its age, and a late refund came. Its id is noted, so that Purge can
// delete its events without looking for them. If the session begins after all, because
// its beginning was on its way, it is counted and converted anew.
//
// A document of unknown_sessions has the session's id as _id, and beganAt: by the id,
// otherwise when it was noted.

// noteUnknown notes those of some sessions that have no document. The caller updates
// the sessions again afterwards: so of this process and one that begins the session at
// the same moment, at least one sees what the other wrote.
func (b *batch) noteUnknown(ids []string) error {
	there, err := b.ids(sessions, "_id", bson.M{"_id": bson.M{"$in": ids}})
	if err != nil {
		return err
	}
	var notes []mongo.WriteModel
	for _, id := range ids {
		if there[id] {
			continue
		}
		began := time.Now()
		if at, ok := store.IDTime(id); ok {
			began = at
		}
		notes = append(notes, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": id}).SetUpsert(true).SetUpdate(bson.M{"$min": bson.M{"beganAt": moment(began)}}))
	}
	if len(notes) == 0 {
		return nil
	}
	return b.upsert(unknownSessions, notes)
}

// awaited has the round count and convert those of some sessions that facts came for
// before their beginning.
func (b *batch) awaited(ids []string) error {
	noted, err := b.ids(unknownSessions, "_id", bson.M{"_id": bson.M{"$in": ids}})
	if err != nil {
		return err
	}
	for id := range noted {
		latest, ok, err := one[eventDoc](b.ctx, b.coll(sessionEvents),
			bson.M{"sessionId": id, "eventType": bson.M{"$nin": bson.A{store.EventOrderCompleted, store.EventRefund}}},
			options.FindOne().SetSort(bson.D{{Key: "createdAt", Value: -1}}).SetProjection(only("createdAt")))
		if err != nil {
			return err
		}
		t := b.touch(id)
		t.views = true
		if ok {
			t.lastSeen = max(t.lastSeen, utc(latest.CreatedAt).UnixMilli())
		}
		b.arrived = append(b.arrived, id)
	}
	return nil
}

// convertArrived ends the round for the sessions that were awaited.
func (b *batch) convertArrived() error {
	for _, id := range b.arrived {
		if err := b.convert(id); err != nil {
			return err
		}
	}
	if len(b.arrived) == 0 {
		return nil
	}
	_, err := b.coll(unknownSessions).DeleteMany(b.ctx, bson.M{"_id": bson.M{"$in": b.arrived}})
	return err
}

// purgeUnknown deletes the events of sessions that are not there and that began before
// a time.
func (c *connection) purgeUnknown(ctx context.Context, before time.Time, limit int) (deleted int64, err error) {
	notes := c.write.Collection(unknownSessions)
	old, err := oldest(ctx, notes, "beganAt", before, limit)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	b := &batch{ctx: ctx, c: c}
	there, err := b.ids(sessions, "_id", bson.M{"_id": bson.M{"$in": old}})
	if err != nil {
		return 0, err
	}
	folded, err := b.ids(foldedSessions, "sessionId", bson.M{"sessionId": bson.M{"$in": old}})
	if err != nil {
		return 0, err
	}
	var gone []any
	for _, id := range old {
		if name, ok := id.(string); ok && !there[name] && !folded[name] {
			gone = append(gone, id)
		}
	}
	if len(gone) > 0 {
		if _, err := c.write.Collection(sessionEvents).DeleteMany(ctx, bson.M{"sessionId": bson.M{"$in": gone}}); err != nil {
			return 0, err
		}
	}
	result, err := notes.DeleteMany(ctx, bson.M{"_id": bson.M{"$in": old}})
	if err != nil {
		return 0, err
	}
	return result.DeletedCount, nil
}
