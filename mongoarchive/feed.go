package mongoarchive

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// feedAge is how long steps stay in the feed: twice as long as a session can be alive,
// because clocks differ.
func (a *Archive) feedAge() time.Duration { return 2 * a.lives.Absolute }

// CredentialChanges reads a page of the feed, and sees only steps that a majority of
// servers has.
func (a *Archive) CredentialChanges(ctx context.Context, after int64, limit int) (store.ChangesPage, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.reading(ctx)
	if err == nil {
		var page store.ChangesPage
		if page, err = c.changes(ctx, after, limit, a.feedAge()); err == nil {
			return page, nil
		}
	}
	return store.ChangesPage{Next: after}, fmt.Errorf("mongoarchive: credential changes: %w", oneLine(err))
}

func (c *connection) changes(ctx context.Context, after int64, limit int, age time.Duration) (page store.ChangesPage, err error) {
	feed := c.decide.Collection(credentials)
	page.Next = after
	last, ok, err := lastStep(ctx, feed)
	if err != nil || !ok {
		return page, err
	}
	if after == 0 {
		first, ok, err := one[changeDoc](ctx, feed, bson.M{"changedAt": bson.M{"$gte": feedHorizon(&last, time.Now(), age)}},
			options.FindOne().SetSort(bson.D{{Key: "changedAt", Value: 1}, {Key: "_id", Value: 1}}).SetProjection(only("_id")))
		if err != nil || !ok {
			return page, err
		}
		page.Next = first.ID - 1
	}
	if limit > 0 { // to MongoDB a limit of 0 is none
		docs, err := all[changeDoc](ctx, feed, bson.M{"_id": bson.M{"$gt": page.Next}}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit)))
		if err != nil {
			return page, err
		}
		for _, d := range docs {
			page.Changes = append(page.Changes, store.CredentialChange{SessionID: plain(d.SessionID), Version: d.Version, CustomerID: plain(d.CustomerID), RevokedBefore: utc(d.RevokedBefore)})
			page.Next = d.ID
		}
	}
	page.Left = max(last.ID-page.Next, 0)
	return page, nil
}

// lastStep returns the number and the time of the last step. It returns false if there
// is none.
func lastStep(ctx context.Context, feed *mongo.Collection) (changeDoc, bool, error) {
	return one[changeDoc](ctx, feed, bson.M{}, options.FindOne().SetSort(bson.D{{Key: "_id", Value: -1}}).SetProjection(only("_id", "changedAt")))
}

// feedHorizon is the time before which no session can need a step. It is measured from
// the last step, or from now if that is earlier: a clock that is ahead makes nothing
// too old.
func feedHorizon(last *changeDoc, now time.Time, age time.Duration) bson.DateTime {
	return min(last.ChangedAt, moment(now)) - bson.DateTime(age.Milliseconds())
}

// RevokedBefore is the latest revocation of a customer in the feed.
func (a *Archive) RevokedBefore(ctx context.Context, customerID string) (time.Time, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.reading(ctx)
	if err == nil {
		var d changeDoc
		d, _, err = one[changeDoc](ctx, c.decide.Collection(credentials), bson.M{"customerId": customerID},
			options.FindOne().SetSort(bson.D{{Key: "revokedBefore", Value: -1}}).SetProjection(only("revokedBefore")))
		if err == nil {
			return utc(d.RevokedBefore), nil
		}
	}
	return time.Time{}, fmt.Errorf("mongoarchive: revoked before: %w", oneLine(err))
}
