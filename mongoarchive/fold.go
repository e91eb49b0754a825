package mongoarchive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// A folded session is a duplicate: a browser began it beside another session and
// did not keep its cookie. Its events keep its id and are read as events of the
// session it was folded into. Its document moves to folded_sessions, so that a
// count of sessions does not include it.
//
// A fold takes these steps; a crash may come after any of them:
//
//  1. insert a note in folded_sessions, which tells whose page views are affected
//  2. set foldedInto in the session's document, by one update with all conditions
//  3. replace the note by a copy of the whole document
//  4. delete the document, if foldedInto is still set
//
// Each fact of the session removes foldedInto in the same update that stores the
// fact. So step 4 deletes nothing that is missing from the copy.
//
// The folds of a session are numbered. If the session has no document, the copy
// with the highest number is valid; all other copies are left-overs.
type foldedDoc struct {
	ID         string         `bson:"_id"` // the session's id, "#" and the number of the fold
	SessionID  string         `bson:"sessionId"`
	Folds      int64          `bson:"folds"`
	FoldedInto string         `bson:"foldedInto"`
	Whole      bool           `bson:"whole"` // false: the note of step 1
	StartedAt  *bson.DateTime `bson:"startedAt"`
	Record     *sessionDoc    `bson:"record"`
}

func foldID(sessionID string, folds int64) string { return fmt.Sprintf("%s#%d", sessionID, folds) }

// fold folds a session into another. It does nothing if somebody logged in or
// bought something in the session, or if other sessions were folded into it: then
// its cookie came back.
func (b *batch) fold(f *store.SessionsFolded) error {
	if f.Into == f.Folded {
		return nil
	}
	if ok, err := b.canTake(f); err != nil || !ok {
		return err
	}
	d, ok, err := one[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": f.Folded})
	switch {
	case err != nil:
		return err
	case !ok: // folded already, or unknown
		return b.finishFold(f)
	case d.FoldedInto != nil && *d.FoldedInto != f.Into, d.CustomerID != nil, d.Converted:
		return nil
	case d.FoldedInto == nil:
		if d.Folds, err = d.Folds+1, b.note(f, d.Folds+1, d.StartedAt); err != nil {
			return err
		}
		result, err := b.coll(sessions).UpdateOne(b.ctx,
			bson.M{"_id": f.Folded, "folds": d.Folds - 1, "foldedInto": nil, "customerId": nil, "converted": false},
			bson.M{"$set": bson.M{"foldedInto": f.Into, "folds": d.Folds}})
		if err != nil || result.MatchedCount == 0 {
			return err
		}
	}
	// If two folds contradict each other, at least one of them sees the other
	// here.
	if ok, err := b.canTake(f); err != nil || !ok {
		if err == nil {
			err = b.takeOut([]string{f.Folded})
		}
		return err
	}
	return b.move(f, d.Folds)
}

// canTake reports whether the session to fold into exists and no session is
// folded into the one to be folded.
func (b *batch) canTake(f *store.SessionsFolded) (bool, error) {
	_, ok, err := one[bson.Raw](b.ctx, b.coll(sessions), bson.M{"_id": f.Into, "foldedInto": nil}, options.FindOne().SetProjection(only("_id")))
	if err != nil || !ok {
		return false, err
	}
	guests, err := b.guests([]string{f.Folded})
	return len(guests) == 0, err
}

func (b *batch) note(f *store.SessionsFolded, folds int64, startedAt *bson.DateTime) error {
	_, err := b.coll(foldedSessions).InsertOne(b.ctx, foldedDoc{
		ID: foldID(f.Folded, folds), SessionID: f.Folded, Folds: folds, FoldedInto: f.Into, StartedAt: startedAt,
	})
	if isDuplicate(err) {
		return nil
	}
	return err
}

// move does steps 3 and 4 of a fold and updates the session folded into.
func (b *batch) move(f *store.SessionsFolded, folds int64) error {
	marked := bson.M{"_id": f.Folded, "foldedInto": f.Into, "folds": folds}
	d, ok, err := one[sessionDoc](b.ctx, b.coll(sessions), marked)
	if err != nil {
		return err
	}
	if ok {
		d.FoldedInto = nil
		c := foldedDoc{ID: foldID(f.Folded, folds), SessionID: f.Folded, Folds: folds, FoldedInto: f.Into, Whole: true, StartedAt: d.StartedAt, Record: &d}
		if _, err := b.coll(foldedSessions).ReplaceOne(b.ctx, bson.M{"_id": c.ID}, c, options.Replace().SetUpsert(true)); err != nil && !isDuplicate(err) {
			return err
		}
		result, err := b.coll(sessions).DeleteOne(b.ctx, marked)
		if err != nil {
			return err
		}
		ok = result.DeletedCount == 1
	}
	if !ok { // another process moved it, or a fact removed foldedInto
		_, there, err := one[bson.Raw](b.ctx, b.coll(sessions), bson.M{"_id": f.Folded}, options.FindOne().SetProjection(only("_id")))
		if err != nil {
			return err
		}
		if there {
			return b.takeOut([]string{f.Folded})
		}
	}
	return b.finishFold(f)
}

// finishFold gives the page views and the last-seen time of a folded session to
// the session it was folded into. It does nothing if the session is not folded
// into that one.
func (b *batch) finishFold(f *store.SessionsFolded) error {
	c, ok, err := latestCopy(b.ctx, b.coll(foldedSessions), f.Folded)
	if err != nil || !ok || c.FoldedInto != f.Into {
		return err
	}
	if c.Record.LastSeenAt != nil {
		if _, err := b.coll(sessions).UpdateOne(b.ctx, bson.M{"_id": f.Into}, bson.M{"$max": bson.M{"lastSeenAt": *c.Record.LastSeenAt}}); err != nil {
			return err
		}
	}
	if err := b.recount(f.Into); err != nil {
		return err
	}
	return b.forgetVisitor(plain(c.Record.VisitorID))
}

// forgetVisitor deletes a visitor who has no session.
func (b *batch) forgetVisitor(visitorID string) error {
	first := func() (sessionDoc, bool, error) {
		return one[sessionDoc](b.ctx, b.coll(sessions), bson.M{"visitorId": visitorID}, options.FindOne().SetProjection(only("startedAt")))
	}
	if _, there, err := first(); err != nil || there {
		return err
	}
	if _, err := b.coll(visitors).DeleteOne(b.ctx, bson.M{"_id": visitorID}); err != nil {
		return err
	}
	d, there, err := first() // a session may have begun since
	if err != nil || !there || d.StartedAt == nil {
		return err
	}
	return b.upsert(visitors, []mongo.WriteModel{sawVisitor(visitorID, *d.StartedAt)})
}

func latestCopy(ctx context.Context, coll *mongo.Collection, sessionID string) (foldedDoc, bool, error) {
	return one[foldedDoc](ctx, coll, bson.M{"sessionId": sessionID, "whole": true}, options.FindOne().SetSort(bson.D{{Key: "folds", Value: -1}}))
}

// takeOut restores those of the sessions that are folded, and finishes restores
// that a crash cut off.
func (b *batch) takeOut(ids []string) error {
	folded, err := b.ids(foldedSessions, "sessionId", bson.M{"sessionId": bson.M{"$in": ids}})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if folded[id] {
			if err := b.unfold(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// unfold restores a session's document, recounts the sessions that it was folded
// into, and then deletes the copies. As long as a copy exists, a replay repeats
// all of this.
func (b *batch) unfold(sessionID string) error {
	copies, err := all[foldedDoc](b.ctx, b.coll(foldedSessions), bson.M{"sessionId": sessionID}, options.Find().SetProjection(only("foldedInto")))
	if err != nil {
		return err
	}
	folds, there, err := b.bringBack(sessionID)
	if err != nil || !there {
		return err
	}
	var hosts []string
	for _, c := range copies {
		if !slices.Contains(hosts, c.FoldedInto) {
			hosts = append(hosts, c.FoldedInto)
		}
	}
	for _, host := range hosts {
		if err := b.recount(host); err != nil {
			return err
		}
	}
	// A copy with a higher number belongs to a later fold.
	_, err = b.coll(foldedSessions).DeleteMany(b.ctx, bson.M{"sessionId": sessionID, "folds": bson.M{"$lte": folds}})
	return err
}

// bringBack makes sure that a session's document is in sessions and has no
// foldedInto. It returns how often the session was folded.
func (b *batch) bringBack(sessionID string) (folds int64, there bool, err error) {
	for range attempts {
		d, ok, err := one[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": sessionID}, options.FindOne().SetProjection(only("folds", "foldedInto")))
		switch {
		case err != nil:
			return 0, false, err
		case ok && d.FoldedInto == nil:
			return d.Folds, true, nil
		case ok:
			if _, err := b.coll(sessions).UpdateOne(b.ctx, bson.M{"_id": sessionID, "folds": d.Folds}, bson.M{"$unset": bson.M{"foldedInto": ""}}); err != nil {
				return 0, false, err
			}
			continue
		}
		c, ok, err := latestCopy(b.ctx, b.coll(foldedSessions), sessionID)
		if err != nil {
			return 0, false, err
		}
		if !ok { // there is only a note, or the session was restored just now
			if _, ok, err := one[bson.Raw](b.ctx, b.coll(sessions), bson.M{"_id": sessionID}, options.FindOne().SetProjection(only("_id"))); err != nil || !ok {
				return 0, false, err
			}
			continue
		}
		c.Record.FoldedInto, c.Record.Folds = nil, c.Folds
		if c.Record.StartedAt != nil {
			if err := b.upsert(visitors, []mongo.WriteModel{sawVisitor(plain(c.Record.VisitorID), *c.Record.StartedAt)}); err != nil {
				return 0, false, err
			}
		}
		if _, err := b.insert(sessions, []any{c.Record}); err != nil {
			return 0, false, err
		}
	}
	return 0, false, errBusy
}

// attempts is how often a step that other processes can disturb is tried.
const attempts = 20

var errBusy = errors.New("other processes change the same document all the time")

// recount sets the page views of a session that others are or were folded into.
// This count falls when one of them is restored, so it cannot be raised with
// $max. recount repeats until the stored count equals a later count, so that no
// change by another process is lost.
func (b *batch) recount(sessionID string) error {
	for range attempts {
		d, ok, err := one[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": sessionID}, options.FindOne().SetProjection(only("pageViews", "legacy")))
		if err != nil || !ok {
			return err
		}
		views, _, err := b.countViews([]string{sessionID})
		if err != nil || views[sessionID] == d.PageViews {
			return err
		}
		if d.Legacy && views[sessionID] < d.PageViews { // the former service counted views of which it stored no event
			return nil
		}
		if _, err := b.coll(sessions).UpdateOne(b.ctx, bson.M{"_id": sessionID, "pageViews": d.PageViews}, bson.M{"$set": bson.M{"pageViews": views[sessionID]}}); err != nil {
			return err
		}
	}
	return errBusy
}

// guests returns the sessions that are folded into each of some sessions.
func (b *batch) guests(ids []string) (map[string][]string, error) {
	return guests(b.ctx, b.c.write, ids)
}

func guests(ctx context.Context, db *mongo.Database, ids []string) (map[string][]string, error) {
	candidates, err := all[foldedDoc](ctx, db.Collection(foldedSessions), bson.M{"foldedInto": bson.M{"$in": ids}}, options.Find().SetProjection(only("sessionId")))
	if err != nil || len(candidates) == 0 {
		return nil, err
	}
	names := make([]string, len(candidates))
	for i, c := range candidates {
		names[i] = c.SessionID
	}
	copies, err := all[foldedDoc](ctx, db.Collection(foldedSessions), bson.M{"sessionId": bson.M{"$in": names}, "whole": true},
		options.Find().SetProjection(only("sessionId", "folds", "foldedInto")))
	if err != nil {
		return nil, err
	}
	home, folds := map[string]string{}, map[string]int64{}
	for _, c := range copies {
		if c.Folds > folds[c.SessionID] {
			home[c.SessionID], folds[c.SessionID] = c.FoldedInto, c.Folds
		}
	}
	// A restore writes the document before it deletes the copies, and these were
	// read first: so a session restored meanwhile is found here.
	documents, err := all[sessionDoc](ctx, db.Collection(sessions), bson.M{"_id": bson.M{"$in": names}}, options.Find().SetProjection(only("_id", "sessionId", "foldedInto")))
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		home[d.SessionID] = plain(d.FoldedInto)
	}
	of := map[string][]string{}
	for guest, host := range home {
		if slices.Contains(ids, host) {
			of[host] = append(of[host], guest)
		}
	}
	return of, nil
}
