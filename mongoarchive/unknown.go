package mongoarchive

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/footfall-go/footfall/store"
)

// An unknown session is one that facts came for and that has no document: mostly it
// was deleted by its age, and a late refund came. Its id is noted, so that Purge can
// delete its events without looking for them. If the session begins after all, because
// its beginning was on its way, it is counted anew, and gets from the note when it was
// last seen and its latest order.
type noteDoc struct {
	ID         string         `bson:"_id"`     // the session's id
	BeganAt    bson.DateTime  `bson:"beganAt"` // by the id, otherwise when it was noted
	LastSeenAt *bson.DateTime `bson:"lastSeenAt"`
	OrderID    *string        `bson:"orderId"`
	OrderAt    *bson.DateTime `bson:"orderAt"`
}

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
		update := bson.M{"$min": bson.M{"beganAt": moment(began)}}
		if at := b.touched[id].lastSeen; at != 0 {
			update["$max"] = bson.M{"lastSeenAt": bson.DateTime(at)}
		}
		notes = append(notes, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": id}).SetUpsert(true).SetUpdate(update))
	}
	if len(notes) == 0 {
		return nil
	}
	return b.upsert(unknownSessions, notes)
}

// awaited has the batch count and convert those of some sessions that facts came for
// before their beginning.
func (b *batch) awaited(ids []string) error {
	notes, err := all[noteDoc](b.ctx, b.coll(unknownSessions), bson.M{"_id": bson.M{"$in": ids}})
	if err != nil {
		return err
	}
	for _, note := range notes {
		t := b.touch(note.ID)
		t.views = true
		if note.LastSeenAt != nil {
			t.lastSeen = max(t.lastSeen, int64(*note.LastSeenAt))
		}
		if note.OrderID != nil {
			b.noteOrder(note.ID, latestOrder{*note.OrderID, epochIfUnknown(note.OrderAt)})
		}
		b.arrived = append(b.arrived, note.ID)
	}
	return nil
}

// forgetNotes deletes the notes of sessions that have begun.
func (b *batch) forgetNotes() error {
	return inChunks(b.arrived, func(ids []string) error {
		_, err := b.coll(unknownSessions).DeleteMany(b.ctx, bson.M{"_id": bson.M{"$in": ids}})
		return err
	})
}

// purgeUnknown deletes the events of sessions that are not there and that began before
// a time.
func (c *connection) purgeUnknown(ctx context.Context, before time.Time, limit int) (deleted int64, err error) {
	notes := c.write.Collection(unknownSessions)
	old, err := oldest(ctx, notes, "beganAt", before, limit)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	b := newBatch(ctx, c)
	there, err := b.ids(sessions, "_id", bson.M{"_id": bson.M{"$in": old}})
	if err != nil {
		return 0, err
	}
	folded, err := b.ids(foldedSessions, "sessionId", bson.M{"sessionId": bson.M{"$in": old}})
	if err != nil {
		return 0, err
	}
	var gone []string
	for _, id := range old {
		if name, ok := id.(string); ok && !there[name] && !folded[name] {
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		if whole, n, err := c.purgeEventsOf(ctx, gone); err != nil || !whole {
			return n, err
		}
	}
	result, err := notes.DeleteMany(ctx, bson.M{"_id": bson.M{"$in": old}})
	if err != nil {
		return 0, err
	}
	return result.DeletedCount, nil
}
