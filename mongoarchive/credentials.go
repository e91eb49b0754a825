package mongoarchive

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// A changeDoc is one step of the feed of credential changes. Its _id is the
// number of the step. Numbers have no gaps, so a reader that has seen a step has
// seen all steps before it.
type changeDoc struct {
	ID            int64          `bson:"_id"`
	SessionID     *string        `bson:"sessionId"`
	Version       int64          `bson:"version"`
	CustomerID    *string        `bson:"customerId"`
	RevokedBefore *bson.DateTime `bson:"revokedBefore"`
	ChangedAt     bson.DateTime  `bson:"changedAt"`
}

// setCredentials writes a change to the feed first and to the session second. So
// no session has an end that is missing from the feed, where the other processes
// read it.
func (b *batch) setCredentials(f *store.CredentialsChanged) error {
	c := &f.Cred
	for range attempts {
		d, ok, err := one[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": f.SessionID}, options.FindOne().SetProjection(only("version")))
		if err != nil {
			return err
		}
		if !ok {
			if there, err := b.comesBack(f.SessionID); err != nil || !there {
				return err
			}
			continue
		}
		if d.Version > c.Version {
			return nil
		}
		if d.Version == c.Version { // a replay: the steps after this write may have been cut off
			return b.endIfRevoked(f.SessionID, c)
		}
		if err := b.publish(bson.M{"sessionId": f.SessionID, "version": c.Version}, changeDoc{SessionID: &f.SessionID, Version: c.Version}); err != nil {
			return err
		}
		update := bson.M{
			"$set": bson.M{
				"version": c.Version, "secretHash": c.SecretHash[:], "supersededHash": superseded(c.Superseded), "customerId": text(c.CustomerID), "type": string(c.Type()),
				"authenticatedAt": known(c.AuthenticatedAt), "endedAt": known(c.EndedAt), "endReason": text(string(c.EndReason)),
			},
			"$unset": bson.M{"foldedInto": ""},
		}
		if !c.EndedAt.IsZero() {
			update["$max"] = bson.M{"lastSeenAt": moment(c.EndedAt)}
		}
		result, err := b.coll(sessions).UpdateOne(b.ctx, bson.M{"_id": f.SessionID, "version": bson.M{"$lt": c.Version}}, update)
		if err != nil {
			return err
		}
		if result.MatchedCount == 1 {
			return b.endIfRevoked(f.SessionID, c)
		}
	}
	return errBusy
}

// endIfRevoked applies revocations that were stored before the login they end:
// those made after the login's password check. The result is the same as if the
// login had been stored first.
//
// A login is stored before it looks for revocations, and a revocation before it
// looks for logins. So when both happen at the same time, at least one of them
// sees the other.
func (b *batch) endIfRevoked(sessionID string, c *store.Credentials) error {
	if c.CustomerID == "" || !c.EndedAt.IsZero() {
		return nil
	}
	revocation, ok, err := one[changeDoc](b.ctx, b.coll(credentials),
		bson.M{"customerId": c.CustomerID, "revokedBefore": bson.M{"$gt": epochIfZero(c.AuthenticatedAt)}},
		options.FindOne().SetSort(bson.D{{Key: "revokedBefore", Value: 1}}))
	if err != nil || !ok {
		return err
	}
	_, err = b.coll(sessions).UpdateOne(b.ctx,
		bson.M{"_id": sessionID, "customerId": c.CustomerID, "authenticatedAt": known(c.AuthenticatedAt), "endedAt": nil},
		end(*revocation.RevokedBefore))
	return err
}

func end(at bson.DateTime) bson.M {
	return bson.M{"$set": bson.M{"endedAt": at, "endReason": string(store.EndRevoked)}, "$max": bson.M{"version": int64(at)}}
}

func epochIfZero(t time.Time) bson.DateTime {
	if t.IsZero() {
		return 0
	}
	return moment(t)
}

func (b *batch) revokeCustomer(f *store.CustomerRevoked) error {
	before := moment(f.Before)
	if err := b.publish(bson.M{"customerId": f.CustomerID, "revokedBefore": bson.M{"$gte": before}}, changeDoc{CustomerID: &f.CustomerID, RevokedBefore: &before}); err != nil {
		return err
	}
	_, err := b.coll(sessions).UpdateMany(b.ctx, bson.M{
		"customerId": f.CustomerID, "endedAt": nil, "$or": bson.A{bson.M{"authenticatedAt": nil}, bson.M{"authenticatedAt": bson.M{"$lt": before}}},
	}, end(before))
	return err
}

// publish adds a change to the feed unless an equal one is there. It reads the
// number of the last step first and then looks for an equal step. If it can
// insert the next number, no other process added a step in between, so that
// search was complete.
func (b *batch) publish(like bson.M, change changeDoc) error {
	feed := b.coll(credentials)
	for b.ctx.Err() == nil {
		last, _, err := one[changeDoc](b.ctx, feed, bson.M{}, options.FindOne().SetSort(bson.D{{Key: "_id", Value: -1}}).SetProjection(only("_id")))
		if err != nil {
			return err
		}
		_, there, err := one[changeDoc](b.ctx, feed, like, options.FindOne().SetProjection(only("_id")))
		if err != nil || there {
			return err
		}
		change.ID, change.ChangedAt = last.ID+1, moment(time.Now())
		if _, err := feed.InsertOne(b.ctx, change); !isDuplicate(err) {
			return err
		}
	}
	return b.ctx.Err()
}

// feedAge is how long steps stay in the feed.
func (a *Archive) feedAge() time.Duration { return 2 * a.maxAge }

// CredentialChanges reads the feed from a cursor to its end, and sees only steps
// that a majority of servers has. It leaves out changes older than any live
// session can be.
func (a *Archive) CredentialChanges(ctx context.Context, after int64) ([]store.CredentialChange, int64, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.reading(ctx)
	if err != nil {
		return nil, after, fmt.Errorf("mongoarchive: credential changes: %w", oneLine(err))
	}
	docs, err := all[changeDoc](ctx, c.decide.Collection(credentials),
		bson.M{"_id": bson.M{"$gt": after}, "changedAt": bson.M{"$gte": moment(time.Now().Add(-a.feedAge()))}}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return nil, after, fmt.Errorf("mongoarchive: credential changes: %w", oneLine(err))
	}
	var changes []store.CredentialChange
	for _, d := range docs {
		changes = append(changes, store.CredentialChange{SessionID: plain(d.SessionID), Version: d.Version, CustomerID: plain(d.CustomerID), RevokedBefore: utc(d.RevokedBefore)})
		after = d.ID
	}
	return changes, after, nil
}
