package mongoarchive

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// Session reads one session, folded or not.
func (a *Archive) Session(ctx context.Context, id string) (store.Record, bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.reading(ctx)
	if err == nil {
		var d *sessionDoc
		if d, err = readSession(ctx, c.decide, id); err == nil && d != nil {
			return d.record(), true, nil
		}
	}
	if err != nil {
		return store.Record{}, false, fmt.Errorf("mongoarchive: session: %w", oneLine(err))
	}
	return store.Record{}, false, nil
}

// readSession looks into both collections, and then into the first once more: a
// document is always in one of them, but may move while we look.
func readSession(ctx context.Context, db *mongo.Database, id string) (*sessionDoc, error) {
	for try := range 3 {
		d, ok, err := one[sessionDoc](ctx, db.Collection(sessions), bson.M{"_id": id})
		if err != nil || ok {
			return &d, err
		}
		c, ok, err := latestCopy(ctx, db.Collection(foldedSessions), id)
		if err != nil || ok {
			return c.Record, err
		}
		if try > 0 {
			break
		}
	}
	return nil, nil
}

// listed reads sessions, newest first.
func (a *Archive) listed(ctx context.Context, filter bson.M, limit int) ([]store.Session, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	list := []store.Session{}
	if limit <= 0 {
		return list, nil
	}
	filter["foldedInto"] = nil
	c, err := a.reading(ctx)
	if err != nil {
		return nil, err
	}
	cursor, err := c.reports.Collection(sessions).Find(ctx, filter,
		options.Find().SetSort(bson.D{{Key: "startedAt", Value: -1}, {Key: "_id", Value: -1}}).SetLimit(int64(limit)).SetProjection(bson.M{"values": 0}))
	if err != nil {
		return nil, err
	}
	defer closeCursor(ctx, cursor)
	for cursor.Next(ctx) {
		var d sessionDoc
		if err := cursor.Decode(&d); err != nil {
			return nil, err
		}
		list = append(list, d.session())
	}
	return list, cursor.Err()
}

// CustomerSessions lists a customer's sessions, newest first.
func (a *Archive) CustomerSessions(ctx context.Context, customerID string, limit int) ([]store.Session, error) {
	list, err := a.listed(ctx, bson.M{"customerId": customerID}, limit)
	if err != nil {
		return nil, fmt.Errorf("mongoarchive: customer sessions: %w", oneLine(err))
	}
	return list, nil
}

// Events lists a session's events, oldest first, at most limit of the latest.
func (a *Archive) Events(ctx context.Context, sessionID string, limit int) ([]store.Event, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.reading(ctx)
	if err == nil {
		var events []store.Event
		if events, err = c.events(ctx, sessionID, limit); err == nil {
			return events, nil
		}
	}
	return nil, fmt.Errorf("mongoarchive: events: %w", oneLine(err))
}

func (c *connection) events(ctx context.Context, sessionID string, limit int) ([]store.Event, error) {
	events := []store.Event{}
	if limit <= 0 {
		return events, nil
	}
	host, ok, err := one[sessionDoc](ctx, c.reports.Collection(sessions), bson.M{"_id": sessionID}, options.FindOne().SetProjection(only("visitorId", "foldedInto")))
	if err != nil {
		return nil, err
	}
	if ok && host.FoldedInto != nil {
		return events, nil
	}
	if !ok { // a folded session's events belong to the session it was folded into
		if _, folded, err := latestCopy(ctx, c.reports.Collection(foldedSessions), sessionID); err != nil || folded {
			return events, err
		}
	}
	guests, err := guests(ctx, c.reports, []string{sessionID})
	if err != nil {
		return nil, err
	}
	family := append([]string{sessionID}, guests[sessionID]...)
	cursor, err := c.reports.Collection(sessionEvents).Find(ctx, bson.M{"sessionId": bson.M{"$in": family}},
		options.Find().SetSort(bson.D{{Key: "createdAt", Value: -1}, {Key: "_id", Value: -1}}).SetLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	defer closeCursor(ctx, cursor)
	for cursor.Next(ctx) {
		var d eventDoc
		if err := cursor.Decode(&d); err != nil {
			return nil, err
		}
		if d.SessionID != sessionID {
			d.SessionID, d.VisitorID = sessionID, host.VisitorID
		}
		events = append(events, d.event())
	}
	slices.Reverse(events)
	return events, cursor.Err()
}

// ActiveVisitors counts the visitors seen since a time. Sessions that began more
// than the maximum age before that cannot have been seen since and are left out.
func (a *Archive) ActiveVisitors(ctx context.Context, since time.Time) (int64, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.reading(ctx)
	if err == nil {
		var n int64
		if n, err = c.activeVisitors(ctx, since, a.lives.Absolute); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("mongoarchive: active visitors: %w", oneLine(err))
}

// activeVisitors has the server count, which may use its disk for that: strangers begin
// millions of sessions in half an hour.
func (c *connection) activeVisitors(ctx context.Context, since time.Time, maxAge time.Duration) (int64, error) {
	are := activeSince(since, maxAge)
	are["visitorId"] = bson.M{"$ne": nil}
	cursor, err := c.reports.Collection(sessions).Aggregate(ctx, bson.A{
		bson.M{"$match": are}, bson.M{"$group": bson.M{"_id": "$visitorId"}}, bson.M{"$count": "n"},
	}, options.Aggregate().SetAllowDiskUse(true))
	if err != nil {
		return 0, err
	}
	var counted []struct {
		N int64 `bson:"n"`
	}
	if err := cursor.All(ctx, &counted); err != nil || len(counted) == 0 { // of none there is no count
		return 0, err
	}
	return counted[0].N, nil
}

func activeSince(since time.Time, maxAge time.Duration) bson.M {
	return bson.M{"startedAt": bson.M{"$gte": moment(since.Add(-maxAge))}, "lastSeenAt": bson.M{"$gte": moment(since)}, "foldedInto": nil}
}

// each calls a function with some fields of each document that a filter selects.
func each(ctx context.Context, coll *mongo.Collection, filter any, fields []string, look func(bson.Raw) error) error {
	cursor, err := coll.Find(ctx, filter, options.Find().SetProjection(only(fields...)).SetBatchSize(1000))
	if err != nil {
		return err
	}
	defer closeCursor(ctx, cursor)
	for cursor.Next(ctx) {
		if err := look(cursor.Current); err != nil {
			return err
		}
	}
	return cursor.Err()
}

// SessionsBegun counts the sessions that began at or after a time.
func (a *Archive) SessionsBegun(ctx context.Context, since time.Time) (int64, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.reading(ctx)
	if err == nil {
		var n int64
		if n, err = c.sessionsBegun(ctx, since); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("mongoarchive: sessions begun: %w", oneLine(err))
}

// sessionsBegun counts with the index alone. So a session that is just being
// folded is still counted for a moment.
func (c *connection) sessionsBegun(ctx context.Context, since time.Time) (int64, error) {
	return c.reports.Collection(sessions).CountDocuments(ctx, bson.M{"startedAt": bson.M{"$gte": moment(since)}})
}
