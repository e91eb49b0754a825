package mongoarchive

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/report"
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

// KeepFirst inserts the value; if the key has one already, that is read. If MongoDB's
// answer is lost, the next call returns what was kept.
func (a *Archive) KeepFirst(ctx context.Context, key, value string) (string, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.writing(ctx)
	if err != nil {
		return "", fmt.Errorf("mongoarchive: keep first: %w", oneLine(err))
	}
	values := c.write.Collection(firstValues)
	_, err = values.InsertOne(ctx, bson.D{{Key: "_id", Value: key}, {Key: "value", Value: value}})
	if isDuplicate(err) {
		var there struct {
			Value string `bson:"value"`
		}
		err = values.FindOne(ctx, bson.M{"_id": key}).Decode(&there)
		value = there.Value
	}
	if err != nil {
		return "", fmt.Errorf("mongoarchive: keep first: %w", oneLine(err))
	}
	return value, nil
}

// purgeEvents is how many events one step of Purge deletes at most, so that what one
// session has, up to 110,000, keeps nothing else from being deleted.
var purgeEvents = 20_000

// stepTime is how long one step of Purge may take: a slow one leaves the others theirs.
const stepTime = patience / 6

// Purge deletes what is older than its retention, in small steps. A session with more
// events than a step deletes counts in each of its steps.
func (a *Archive) Purge(ctx context.Context, now, sessionsBefore, visitorsBefore time.Time, limit int) (int, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.writing(ctx)
	if err != nil {
		return 0, fmt.Errorf("mongoarchive: purge: %w", oneLine(err))
	}
	old := func(collection, field string, before time.Time) func(context.Context) (int64, error) {
		return func(ctx context.Context) (int64, error) {
			return purgeBefore(ctx, c.write.Collection(collection), field, before, limit)
		}
	}
	deleted, errs := 0, []error(nil)
	for _, step := range []func(context.Context) (int64, error){
		func(ctx context.Context) (int64, error) { return c.purgeSessions(ctx, sessionsBefore, limit) },
		func(ctx context.Context) (int64, error) { return c.purgeUnknown(ctx, sessionsBefore, limit) },
		old(botViews, "createdAt", sessionsBefore),
		old(uncounted, "minute", sessionsBefore),
		func(ctx context.Context) (int64, error) { return c.purgeFeed(ctx, now, a.feedAge(), limit) },
		old(visitors, "lastSeenAt", visitorsBefore),
	} {
		one, cancel := context.WithTimeout(ctx, stepTime)
		n, err := step(one)
		if err != nil && n > 0 && one.Err() != nil {
			err = nil // the next call goes on from there
		}
		cancel()
		deleted += int(n)
		if err != nil && ctx.Err() != nil {
			return deleted, fmt.Errorf("mongoarchive: purge: %w", oneLine(err))
		}
		errs = append(errs, err) // one collection that is damaged keeps nothing in another
	}
	if deleted > 0 {
		_, err := c.write.Collection(reportDays).UpdateMany(ctx, bson.M{"_id": bson.M{"$lte": int64(report.DayOf(sessionsBefore))}}, bson.M{"$set": bson.M{"generation": rand.Int64()}})
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return deleted, fmt.Errorf("mongoarchive: purge: %w", oneLine(err))
	}
	return deleted, nil
}

// purgeEventsOf deletes events of some sessions, as many as a step may. It reports
// whether these were all, and otherwise how often it deleted some: at least once, or it
// returns an error.
func (c *connection) purgeEventsOf(ctx context.Context, sessionIDs []string) (whole bool, deletions int64, err error) {
	of := bson.M{"$in": sessionIDs}
	ids, err := all[idDoc](ctx, c.write.Collection(sessionEvents), bson.M{"sessionId": of}, options.Find().SetProjection(only("_id")).SetLimit(int64(purgeEvents)))
	if err != nil {
		return false, 0, err
	}
	for chunk := range slices.Chunk(ids, perCommand) {
		names := make([]any, len(chunk))
		for i, d := range chunk {
			names[i] = d.ID
		}
		if _, err := c.write.Collection(sessionEvents).DeleteMany(ctx, bson.M{"_id": bson.M{"$in": names}, "sessionId": of}); err != nil {
			return false, deletions, err
		}
		deletions++
	}
	return len(ids) < purgeEvents, deletions, nil
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
		if whole, n, err := c.purgeEventsOf(ctx, gone); err != nil || !whole {
			return deleted + n, err
		}
		if _, err := c.write.Collection(foldedSessions).DeleteMany(ctx, bson.M{"sessionId": bson.M{"$in": gone}}); err != nil {
			return deleted, err
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
func (c *connection) purgeFeed(ctx context.Context, now time.Time, age time.Duration, limit int) (int64, error) {
	feed := c.write.Collection(credentials)
	last, ok, err := lastStep(ctx, feed)
	if err != nil || !ok {
		return 0, err
	}
	ids, err := oldest(ctx, feed, "changedAt", feedHorizon(&last, now, age).Time(), limit)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	result, err := feed.DeleteMany(ctx, bson.M{"_id": bson.M{"$in": ids, "$lt": last.ID}})
	if err != nil {
		return 0, err
	}
	return result.DeletedCount, nil
}
