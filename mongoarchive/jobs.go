package mongoarchive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// slotAge is how long a claimed slot is kept.
const slotAge = 7 * 24 * time.Hour

// ClaimSlot inserts the slot; whoever can insert it owns it. If
// MongoDB's answer is lost, the call returns an error and no caller owns the slot.
func (a *Archive) ClaimSlot(ctx context.Context, job string, slot time.Time) (bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.writing(ctx)
	if err != nil {
		return false, fmt.Errorf("mongoarchive: claim slot: %w", oneLine(err))
	}
	slots := c.write.Collection(jobSlots)
	_, err = slots.InsertOne(ctx, bson.D{
		{Key: "_id", Value: job + "/" + strconv.FormatInt(slot.UnixMilli(), 10)}, {Key: "job", Value: job}, {Key: "slot", Value: moment(slot)},
	})
	if isDuplicate(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("mongoarchive: claim slot: %w", oneLine(err))
	}
	_, _ = slots.DeleteMany(ctx, bson.M{"job": job, "slot": bson.M{"$lt": moment(slot.Add(-slotAge))}}) // an error does not matter: the next claim deletes them
	return true, nil
}

// Purge deletes what is older than its retention, in small steps.
func (a *Archive) Purge(ctx context.Context, sessionsBefore, visitorsBefore time.Time, limit int) (int, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.writing(ctx)
	if err != nil {
		return 0, fmt.Errorf("mongoarchive: purge: %w", oneLine(err))
	}
	deleted, errs := 0, []error(nil)
	for _, step := range []func() (int64, error){
		func() (int64, error) { return c.purgeSessions(ctx, sessionsBefore, limit) },
		func() (int64, error) { return c.purgeUnknown(ctx, sessionsBefore, limit) },
		func() (int64, error) {
			return purgeBefore(ctx, c.write.Collection(botViews), "createdAt", sessionsBefore, limit)
		},
		func() (int64, error) {
			return purgeBefore(ctx, c.write.Collection(uncounted), "minute", sessionsBefore, limit)
		},
		func() (int64, error) { return c.purgeFeed(ctx, a.feedAge(), limit) },
		func() (int64, error) {
			return purgeBefore(ctx, c.write.Collection(visitors), "lastSeenAt", visitorsBefore, limit)
		},
	} {
		n, err := step()
		deleted += int(n)
		if err != nil && ctx.Err() != nil {
			return deleted, fmt.Errorf("mongoarchive: purge: %w", oneLine(err))
		}
		errs = append(errs, err) // one collection that is damaged keeps nothing in another
	}
	if err := errors.Join(errs...); err != nil {
		return deleted, fmt.Errorf("mongoarchive: purge: %w", oneLine(err))
	}
	return deleted, nil
}

type idDoc struct {
	ID any `bson:"_id"`
}

// oldest returns the ids of the documents with the earliest times before a given
// one.
func oldest(ctx context.Context, coll *mongo.Collection, field string, before time.Time, limit int) ([]any, error) {
	docs, err := all[idDoc](ctx, coll, bson.M{field: bson.M{"$lt": moment(before)}},
		options.Find().SetSort(bson.D{{Key: field, Value: 1}}).SetLimit(int64(limit)).SetProjection(only("_id")))
	ids := make([]any, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	return ids, err
}

// purgeBefore deletes documents by a time. The deletion checks the time again,
// because a visitor may have returned since it was read.
func purgeBefore(ctx context.Context, coll *mongo.Collection, field string, before time.Time, limit int) (int64, error) {
	ids, err := oldest(ctx, coll, field, before, limit)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	result, err := coll.DeleteMany(ctx, bson.M{"_id": bson.M{"$in": ids}, field: bson.M{"$lt": moment(before)}})
	if err != nil {
		return 0, err
	}
	return result.DeletedCount, nil
}

// purgeSessions deletes events before their session, because it finds them by the
// session.
func (c *connection) purgeSessions(ctx context.Context, before time.Time, limit int) (deleted int64, err error) {
	old, err := oldest(ctx, c.write.Collection(sessions), "startedAt", before, limit)
	if err != nil {
		return 0, err
	}
	for chunk := range slices.Chunk(old, perCommand) {
		var hosts []string
		for _, id := range chunk {
			if name, ok := id.(string); ok {
				hosts = append(hosts, name)
			}
		}
		guests, err := guests(ctx, c.write, hosts)
		if err != nil {
			return deleted, err
		}
		gone := slices.Clone(hosts)
		for _, of := range guests {
			gone = append(gone, of...)
		}
		for _, collection := range []string{sessionEvents, foldedSessions} {
			if _, err := c.write.Collection(collection).DeleteMany(ctx, bson.M{"sessionId": bson.M{"$in": gone}}); err != nil {
				return deleted, err
			}
		}
		result, err := c.write.Collection(sessions).DeleteMany(ctx, bson.M{"_id": bson.M{"$in": hosts}})
		if err != nil {
			return deleted, err
		}
		deleted += result.DeletedCount
		// An event may have come between the two deletions. One that comes now finds no
		// session and notes it.
		if _, err := c.write.Collection(sessionEvents).DeleteMany(ctx, bson.M{"sessionId": bson.M{"$in": gone}}); err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// purgeFeed keeps the last step whatever its age, because the next step's number
// follows from it.
func (c *connection) purgeFeed(ctx context.Context, age time.Duration, limit int) (int64, error) {
	feed := c.write.Collection(credentials)
	last, ok, err := lastStep(ctx, feed)
	if err != nil || !ok {
		return 0, err
	}
	ids, err := oldest(ctx, feed, "changedAt", feedHorizon(&last, age).Time(), limit)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	result, err := feed.DeleteMany(ctx, bson.M{"_id": bson.M{"$in": ids, "$lt": last.ID}})
	if err != nil {
		return 0, err
	}
	return result.DeletedCount, nil
}
