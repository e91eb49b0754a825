package mongoarchive

import (
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
// no session of a customer has an end that is missing from the feed, where the other
// processes read it.
//
// A session that never had a customer is not in the feed. Whoever never had a customer
// cannot be taken for one, whatever copy of the session is found, and strangers could
// fill the feed. A first login is in it, because an old copy has the secret from
// before.
func (b *batch) setCredentials(f *store.CredentialsChanged) error {
	c := &f.Cred
	for range attempts {
		d, ok, err := one[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": f.SessionID}, options.FindOne().SetProjection(only("version", "customerId", "endedAt", "startedAt", "lastSeenAt")))
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
			if d.CustomerID == nil && d.EndedAt != nil && c.CustomerID != "" { // this login is the first to give the session a customer
				return b.publishSession(f.SessionID, d.Version)
			}
			return nil
		}
		if d.Version == c.Version { // a replay: the steps after this write may have been cut off
			return b.endIfRevoked(f.SessionID, c)
		}
		if c.CustomerID != "" || d.CustomerID != nil {
			if err := b.publishSession(f.SessionID, c.Version); err != nil {
				return err
			}
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
		result, err := b.coll(sessions).UpdateOne(b.ctx, bson.M{"_id": f.SessionID, "version": bson.M{"$gte": d.Version, "$lt": c.Version}, "customerId": d.CustomerID}, update)
		if err != nil {
			return err
		}
		if result.MatchedCount == 1 {
			return b.endIfRevoked(f.SessionID, c)
		}
	}
	return errBusy
}

// publishSession puts into the feed that no version of a session below one counts any
// more, unless it is there.
func (b *batch) publishSession(sessionID string, version int64) error {
	return b.publish(bson.M{"sessionId": sessionID, "version": version}, changeDoc{SessionID: &sessionID, Version: version})
}

// endIfRevoked applies revocations that were stored before the login they end:
// those made after the login's password check, while the session was alive. The
// result is the same as if the login had been stored first.
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
	filter := b.aliveAt(*revocation.RevokedBefore)
	filter["_id"], filter["customerId"], filter["authenticatedAt"] = sessionID, c.CustomerID, known(c.AuthenticatedAt)
	_, err = b.coll(sessions).UpdateOne(b.ctx, filter, end(*revocation.RevokedBefore))
	return err
}

// aliveAt selects sessions that were alive at a time.
func (b *batch) aliveAt(at bson.DateTime) bson.M {
	return bson.M{
		"startedAt":  bson.M{"$gt": at - bson.DateTime(b.lives.Absolute.Milliseconds())},
		"lastSeenAt": bson.M{"$gt": at - bson.DateTime(b.lives.Idle.Milliseconds())},
		"endedAt":    nil,
	}
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

// revokeCustomer puts a revocation into the feed and ends the customer's sessions that
// it finds alive. How many it reads is bounded by how many began within a session's
// greatest age, not by how many the customer ever had. What is over stays as it ended.
// A session that another process knows to be alive, because of activity that has not
// arrived here, is closed by the feed.
func (b *batch) revokeCustomer(f *store.CustomerRevoked) error {
	before := moment(f.Before)
	if err := b.publish(bson.M{"customerId": f.CustomerID, "revokedBefore": bson.M{"$gte": before}}, changeDoc{CustomerID: &f.CustomerID, RevokedBefore: &before}); err != nil {
		return err
	}
	filter := b.aliveAt(before)
	filter["customerId"] = f.CustomerID
	filter["$or"] = bson.A{bson.M{"authenticatedAt": nil}, bson.M{"authenticatedAt": bson.M{"$lt": before}}}
	_, err := b.coll(sessions).UpdateMany(b.ctx, filter, end(before))
	return err
}

// publish adds a change to the feed unless an equal one is there. It reads the
// number of the last step first and then looks for an equal step. If it can
// insert the next number, no other process added a step in between, so that
// search was complete. A step is never dated before the step that it follows,
// whatever the clocks say: so the steps that are too old to be needed are the first.
func (b *batch) publish(like bson.M, change changeDoc) error {
	feed := b.coll(credentials)
	for b.ctx.Err() == nil {
		last, _, err := lastStep(b.ctx, feed)
		if err != nil {
			return err
		}
		_, there, err := one[changeDoc](b.ctx, feed, like, options.FindOne().SetProjection(only("_id")))
		if err != nil || there {
			return err
		}
		change.ID, change.ChangedAt = last.ID+1, max(last.ChangedAt, moment(time.Now()))
		if _, err := feed.InsertOne(b.ctx, change); !isDuplicate(err) {
			return err
		}
	}
	return b.ctx.Err()
}
