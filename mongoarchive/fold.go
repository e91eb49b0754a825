package mongoarchive

import (
	"context"
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
// All folds of a batch take each step together. A session that a later fact of the
// batch takes out again is not folded in the first place.
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

// fold folds sessions into others. It leaves out those in which somebody logged in or
// bought something, and those into which other sessions were folded: their cookies came
// back.
func (b *batch) fold() error { return inChunks(b.foldsToDo(), b.foldSome) }

// foldsToDo returns the folds that the batch's other facts leave, and that do not
// contradict each other.
func (b *batch) foldsToDo() []*store.SessionsFolded {
	var todo []*store.SessionsFolded
	hosts, gone := map[string]bool{}, map[string]bool{}
	for _, f := range b.folds {
		t := b.touched[f.Folded]
		if f.Into == f.Folded || t != nil && t.latest > f.position || gone[f.Folded] || gone[f.Into] || hosts[f.Folded] {
			continue
		}
		hosts[f.Into], gone[f.Folded] = true, true
		todo = append(todo, f.SessionsFolded)
	}
	return todo
}

func (b *batch) foldSome(folds []*store.SessionsFolded) error {
	folds, err := b.thatCanBeTaken(folds)
	if err != nil || len(folds) == 0 {
		return err
	}
	docs, err := b.documents(folds)
	if err != nil {
		return err
	}
	var finish, marked []*store.SessionsFolded
	var notes []any
	var marks []mongo.WriteModel
	number := map[string]int64{}
	for _, f := range folds {
		d, ok := docs[f.Folded]
		switch {
		case !ok: // folded already, or unknown
			finish = append(finish, f)
			continue
		case d.FoldedInto != nil && *d.FoldedInto != f.Into, d.CustomerID != nil, d.Converted:
			continue
		case d.FoldedInto == nil:
			d.Folds++
			notes = append(notes, foldedDoc{ID: foldID(f.Folded, d.Folds), SessionID: f.Folded, Folds: d.Folds, FoldedInto: f.Into, StartedAt: d.StartedAt})
			marks = append(marks, mongo.NewUpdateOneModel().
				SetFilter(bson.M{"_id": f.Folded, "folds": d.Folds - 1, "foldedInto": nil, "customerId": nil, "converted": false}).
				SetUpdate(bson.M{"$set": bson.M{"foldedInto": f.Into, "folds": d.Folds}}))
		}
		marked = append(marked, f)
		number[f.Folded] = d.Folds
	}
	if _, err := b.insert(foldedSessions, notes); err != nil {
		return err
	}
	if _, err := b.bulk(sessions, marks); err != nil {
		return err
	}
	moved, err := b.move(marked, number)
	if err != nil {
		return err
	}
	return b.finishFolds(append(finish, moved...))
}

// thatCanBeTaken returns those folds whose host exists, and into whose folded session
// no other is folded.
func (b *batch) thatCanBeTaken(folds []*store.SessionsFolded) ([]*store.SessionsFolded, error) {
	into, folded := make([]string, len(folds)), make([]string, len(folds))
	for i, f := range folds {
		into[i], folded[i] = f.Into, f.Folded
	}
	there, err := b.ids(sessions, "_id", bson.M{"_id": bson.M{"$in": into}, "foldedInto": nil})
	if err != nil || len(there) == 0 {
		return nil, err
	}
	guests, err := b.guests(folded)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(folds), func(f *store.SessionsFolded) bool { return !there[f.Into] || len(guests[f.Folded]) > 0 }), nil
}

// documents reads the sessions to be folded.
func (b *batch) documents(folds []*store.SessionsFolded) (map[string]sessionDoc, error) {
	ids := make([]string, len(folds))
	for i, f := range folds {
		ids[i] = f.Folded
	}
	found, err := all[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": bson.M{"$in": ids}})
	docs := map[string]sessionDoc{}
	for _, d := range found {
		docs[d.SessionID] = d
	}
	return docs, err
}

// move does steps 3 and 4 of folds, and returns those whose session is folded then.
func (b *batch) move(folds []*store.SessionsFolded, number map[string]int64) ([]*store.SessionsFolded, error) {
	if len(folds) == 0 {
		return nil, nil
	}
	// If two folds contradict each other, at least one of them sees the other here.
	can, err := b.thatCanBeTaken(folds)
	if err != nil {
		return nil, err
	}
	var back []string
	taken := map[*store.SessionsFolded]bool{}
	for _, f := range can {
		taken[f] = true
	}
	for _, f := range folds {
		if !taken[f] {
			back = append(back, f.Folded)
		}
	}
	docs, err := b.documents(can)
	if err != nil {
		return nil, err
	}
	var copies, deletes []mongo.WriteModel
	for _, f := range can {
		d, ok := docs[f.Folded]
		if !ok || plain(d.FoldedInto) != f.Into || d.Folds != number[f.Folded] { // another process moved it, or a fact removed foldedInto
			continue
		}
		d.FoldedInto = nil
		c := foldedDoc{ID: foldID(f.Folded, d.Folds), SessionID: f.Folded, Folds: d.Folds, FoldedInto: f.Into, Whole: true, StartedAt: d.StartedAt, Record: &d}
		copies = append(copies, mongo.NewReplaceOneModel().SetFilter(bson.M{"_id": c.ID}).SetReplacement(c).SetUpsert(true))
		deletes = append(deletes, mongo.NewDeleteOneModel().SetFilter(bson.M{"_id": f.Folded, "foldedInto": f.Into, "folds": d.Folds}))
	}
	if err := b.upsert(foldedSessions, copies); err != nil {
		return nil, err
	}
	if _, err := b.bulk(sessions, deletes); err != nil {
		return nil, err
	}
	still, err := b.documents(can)
	if err != nil {
		return nil, err
	}
	var moved []*store.SessionsFolded
	for _, f := range can {
		if _, there := still[f.Folded]; there {
			back = append(back, f.Folded)
		} else {
			moved = append(moved, f)
		}
	}
	if len(back) == 0 {
		return moved, nil
	}
	return moved, b.takeOut(back)
}

// finishFolds gives the page views and the last-seen times of folded sessions to the
// sessions they were folded into. It leaves out a session that is not folded into that
// one.
func (b *batch) finishFolds(folds []*store.SessionsFolded) error {
	ids := make([]string, len(folds))
	for i, f := range folds {
		ids[i] = f.Folded
	}
	copies, err := b.latestCopies(ids)
	if err != nil || len(copies) == 0 {
		return err
	}
	var raise []mongo.WriteModel
	var visitorIDs []string
	for _, f := range folds {
		c, ok := copies[f.Folded]
		if !ok || c.FoldedInto != f.Into {
			continue
		}
		if c.Record.LastSeenAt != nil {
			raise = append(raise, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": f.Into}).SetUpdate(bson.M{"$max": bson.M{"lastSeenAt": *c.Record.LastSeenAt}}))
		}
		b.hosts[f.Into] = true
		visitorIDs = append(visitorIDs, plain(c.Record.VisitorID))
	}
	if _, err := b.bulk(sessions, raise); err != nil || len(visitorIDs) == 0 {
		return err
	}
	return b.forgetVisitors(visitorIDs)
}

func latestCopy(ctx context.Context, coll *mongo.Collection, sessionID string) (foldedDoc, bool, error) {
	return one[foldedDoc](ctx, coll, bson.M{"sessionId": sessionID, "whole": true}, options.FindOne().SetSort(bson.D{{Key: "folds", Value: -1}}))
}

// latestCopies reads the valid copy of each of some sessions that have no document.
func (b *batch) latestCopies(ids []string) (map[string]foldedDoc, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := all[foldedDoc](b.ctx, b.coll(foldedSessions), bson.M{"sessionId": bson.M{"$in": ids}, "whole": true})
	copies := map[string]foldedDoc{}
	for _, c := range found {
		if c.Folds >= copies[c.SessionID].Folds {
			copies[c.SessionID] = c
		}
	}
	return copies, err
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
	of, wanted := map[string][]string{}, setOf(ids)
	for guest, host := range home {
		if wanted[host] {
			of[host] = append(of[host], guest)
		}
	}
	return of, nil
}
