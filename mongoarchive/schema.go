package mongoarchive

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// The collections.
const (
	sessions       = "sessions"
	sessionEvents  = "session_events"
	visitors       = "visitors"
	orders         = "orders"
	refunds        = "refunds"
	credentials    = "credential_changes"
	foldedSessions = "folded_sessions"
	botViews       = "bot_views"
	uncounted      = "uncounted_visits"

	unknownSessions = "unknown_sessions"
	reportDays      = "report_days"
	jobSlots        = "job_slots"
	firstValues     = "first_values"
	meta            = "meta"
)

// schemaVersion is the version of the documents. It grows when older versions of
// Footfall would misread them.
const schemaVersion = 1

// indexes lists the indexes that queries need. None of them is unique, partial or
// expires.
var indexes = map[string][]bson.D{
	sessions: {
		{{Key: "startedAt", Value: 1}},
		{{Key: "visitorId", Value: 1}},
		{{Key: "customerId", Value: 1}, {Key: "startedAt", Value: -1}},
		{{Key: "lastSeenAt", Value: 1}},
		{{Key: "converted", Value: 1}, {Key: "startedAt", Value: -1}},
	},
	sessionEvents: {
		{{Key: "sessionId", Value: 1}, {Key: "eventType", Value: 1}}, // covers the count of page views
		{{Key: "sessionId", Value: 1}, {Key: "createdAt", Value: 1}},
		{{Key: "eventType", Value: 1}, {Key: "createdAt", Value: 1}}, // covers the figures
		{{Key: "createdAt", Value: 1}},
	},
	visitors:        {{{Key: "lastSeenAt", Value: 1}}},
	orders:          {{{Key: "createdAt", Value: 1}}, {{Key: "customerId", Value: 1}}, {{Key: "sessionId", Value: 1}}},
	refunds:         {{{Key: "orderId", Value: 1}, {Key: "total.amount", Value: 1}}}, // covers their count and sum
	credentials:     {{{Key: "sessionId", Value: 1}, {Key: "version", Value: 1}}, {{Key: "customerId", Value: 1}, {Key: "revokedBefore", Value: 1}}, {{Key: "changedAt", Value: 1}, {Key: "_id", Value: 1}}},
	foldedSessions:  {{{Key: "sessionId", Value: 1}, {Key: "folds", Value: -1}}, {{Key: "foldedInto", Value: 1}}},
	botViews:        {{{Key: "reason", Value: 1}, {Key: "createdAt", Value: 1}}, {{Key: "createdAt", Value: 1}}},
	unknownSessions: {{{Key: "beganAt", Value: 1}}},
	uncounted:       {{{Key: "minute", Value: 1}}},
	jobSlots:        {{{Key: "job", Value: 1}, {Key: "slot", Value: 1}}},
}

type versionDoc struct {
	Version int64 `bson:"version"`
}

// prepare refuses a database of a later version and makes the indexes. Several
// processes may do this at the same time.
func (c *connection) prepare(ctx context.Context) error {
	looking, cancel := context.WithTimeout(ctx, connectTimeout) // making an index has no time limit
	defer cancel()
	now, _, err := one[versionDoc](looking, c.write.Collection(meta), bson.M{"_id": "schema"})
	switch {
	case err != nil:
		return err
	case now.Version > schemaVersion:
		return fmt.Errorf("its collections have version %d, and this footfall knows %d: %w", now.Version, schemaVersion, ErrNewer)
	}
	for collection, keys := range indexes {
		for _, k := range keys { // one at a time: FerretDB fails if some of several exist already
			_, err := c.write.Collection(collection).Indexes().CreateOne(ctx, mongo.IndexModel{Keys: k})
			if err != nil && ctx.Err() == nil && (collection == botViews || collection == uncounted) {
				break // a damaged collection of what bots did stops nothing else: an insert into it fails
			}
			if err != nil {
				return fmt.Errorf("indexes of %s: %w", collection, err)
			}
		}
	}
	if now.Version == schemaVersion {
		return nil
	}
	_, err = c.write.Collection(meta).UpdateOne(ctx, bson.M{"_id": "schema"}, bson.M{"$max": bson.M{"version": int64(schemaVersion)}}, options.UpdateOne().SetUpsert(true))
	if isDuplicate(err) { // another process inserted it at the same moment
		return nil
	}
	return err
}
