package mongoarchive

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// takeOut restores those of the sessions that are folded, and finishes restores that a
// crash cut off: it restores their documents. At the end of the batch the sessions that
// they were folded into are counted, once for all that were taken out of them, and then
// the copies are deleted. As long as a copy exists, a replay repeats all of this.
func (b *batch) takeOut(ids []string) error {
	copies, err := all[foldedDoc](b.ctx, b.coll(foldedSessions), bson.M{"sessionId": bson.M{"$in": ids}}, options.Find().SetProjection(only("sessionId", "foldedInto")))
	if err != nil || len(copies) == 0 {
		return err
	}
	folded := map[string]bool{}
	for _, c := range copies {
		folded[c.SessionID] = true
	}
	folds, err := b.bringBack(keys(folded))
	if err != nil {
		return err
	}
	for _, c := range copies {
		if n, there := folds[c.SessionID]; there {
			b.restored[c.SessionID] = max(n, b.restored[c.SessionID])
			b.hosts[c.FoldedInto] = true
		}
	}
	return nil
}

// forgetCopies deletes the copies of sessions that were restored. A copy with a higher
// number belongs to a later fold.
func (b *batch) forgetCopies() error {
	var deletes []mongo.WriteModel
	for id, folds := range b.restored {
		deletes = append(deletes, mongo.NewDeleteManyModel().SetFilter(bson.M{"sessionId": id, "folds": bson.M{"$lte": folds}}))
	}
	_, err := b.bulk(foldedSessions, deletes)
	return err
}

// bringBack makes sure that the documents of sessions are in sessions and have no
// foldedInto. It returns how often each was folded, without those that are unknown.
func (b *batch) bringBack(ids []string) (folds map[string]int64, err error) {
	folds = map[string]int64{}
	for range attempts {
		docs, err := all[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": bson.M{"$in": ids}}, options.Find().SetProjection(only("sessionId", "folds", "foldedInto")))
		if err != nil {
			return nil, err
		}
		there := map[string]bool{}
		var unmark []mongo.WriteModel
		for _, d := range docs {
			there[d.SessionID] = true
			if d.FoldedInto == nil {
				folds[d.SessionID] = d.Folds
				continue
			}
			unmark = append(unmark, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": d.SessionID, "folds": d.Folds}).SetUpdate(bson.M{"$unset": bson.M{"foldedInto": ""}}))
		}
		unknown, err := b.restore(slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return there[id] }))
		if err != nil {
			return nil, err
		}
		if _, err := b.bulk(sessions, unmark); err != nil {
			return nil, err
		}
		ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
			_, done := folds[id]
			return done || unknown[id]
		})
		if len(ids) == 0 {
			return folds, nil
		}
	}
	return nil, errBusy
}

// restore inserts sessions from their copies. It returns those that have neither a
// copy, but at most a note, nor a document.
func (b *batch) restore(ids []string) (unknown map[string]bool, err error) {
	copies, err := b.latestCopies(ids)
	if err != nil {
		return nil, err
	}
	var docs []any
	var without []string
	seen := newSightings()
	for _, id := range ids {
		c, ok := copies[id]
		if !ok {
			without = append(without, id)
			continue
		}
		c.Record.FoldedInto, c.Record.Folds = nil, c.Folds
		docs = append(docs, c.Record)
		if c.Record.StartedAt != nil {
			seen.add(plain(c.Record.VisitorID), *c.Record.StartedAt)
		}
	}
	if err := b.see(seen); err != nil {
		return nil, err
	}
	if _, err := b.insert(sessions, docs); err != nil || len(without) == 0 {
		return nil, err
	}
	there, err := b.ids(sessions, "_id", bson.M{"_id": bson.M{"$in": without}}) // one may have been restored just now
	unknown = map[string]bool{}
	for _, id := range without {
		unknown[id] = !there[id]
	}
	return unknown, err
}

// recountHosts sets the page views of sessions that others are or were folded into.
// This count falls when one of them is restored, so it cannot be raised with $max.
// recountHosts repeats until the stored count equals a later count, so that no change
// by another process is lost.
func (b *batch) recountHosts() error {
	return inChunks(keys(b.hosts), func(ids []string) error {
		for range attempts {
			if len(ids) == 0 {
				return nil
			}
			var err error
			if ids, err = b.recount(ids); err != nil {
				return err
			}
		}
		return errBusy
	})
}

// recount returns those of the sessions whose stored count was another than the present one.
func (b *batch) recount(ids []string) (changed []string, err error) {
	docs, err := all[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": bson.M{"$in": ids}}, options.Find().SetProjection(only("sessionId", "pageViews", "legacy")))
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	views, _, err := b.countViews(ids)
	if err != nil {
		return nil, err
	}
	var updates []mongo.WriteModel
	for _, d := range docs {
		n := views[d.SessionID]
		if n == d.PageViews || d.Legacy && n < d.PageViews { // the former service counted views of which it stored no event
			continue
		}
		changed = append(changed, d.SessionID)
		updates = append(updates, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": d.SessionID, "pageViews": d.PageViews}).SetUpdate(bson.M{"$set": bson.M{"pageViews": n}}))
	}
	_, err = b.bulk(sessions, updates)
	return changed, err
}
