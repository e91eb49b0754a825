package mongoarchive

import (
	"cmp"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// maxRemoved is how many removed values a session's document remembers by their keys. A
// shop may let visitors choose keys, so that the document would grow without end. Of
// earlier ones it has the time of the latest, in valuesForgotten: a value that was set
// before that is not stored under a key that is not there.
const maxRemoved = 64

// setValues sets values unless later ones are stored already. Of several values of one
// key in the batch, only the last is written.
func (b *batch) setValues() error {
	type key struct{ sessionID, key string }
	last := map[key]*store.ValueSet{}
	var order []key
	for _, f := range b.values {
		k := key{f.SessionID, f.Key}
		switch before := last[k]; {
		case before == nil:
			order = append(order, k)
			last[k] = f
		case moment(f.At) >= moment(before.At):
			last[k] = f
		}
	}
	removed := map[string][]valueDoc{} // by session id
	var updates, forgets []sessionUpdate
	for _, k := range order {
		if v := newValueDoc(k.key, last[k].Value, last[k].At); v.Value == nil {
			removed[k.sessionID] = append(removed[k.sessionID], v)
		} else {
			updates = append(updates, setValue(k.sessionID, v))
		}
	}
	for id, all := range removed {
		latest, earlier := divideRemoved(all)
		for _, v := range latest {
			updates = append(updates, setValue(id, v))
		}
		for _, v := range earlier {
			forgets = append(forgets, forgetValue(id, v))
		}
	}
	if _, err := b.updateSessions(updates); err != nil { // a value of an unknown session is lost
		return err
	}
	err := inChunks(keys(removed), func(ids []string) error {
		docs, err := all[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": bson.M{"$in": ids}}, options.Find().SetProjection(only("sessionId", "values")))
		for _, d := range docs {
			forgets = append(forgets, d.forgetRemoved()...)
		}
		return err
	})
	if err == nil {
		_, err = b.updateSessions(forgets) // last: some of the values that were set are older than what is forgotten
	}
	return err
}

// divideRemoved returns the latest of some removed values, as many as a document
// remembers, and the others.
func divideRemoved(all []valueDoc) (latest, earlier []valueDoc) {
	slices.SortStableFunc(all, func(x, y valueDoc) int { return cmp.Compare(y.SetAt, x.SetAt) })
	n := min(len(all), maxRemoved)
	return all[:n], all[n:]
}

// forgetRemoved removes what a session's document remembers beyond the bound.
func (d *sessionDoc) forgetRemoved() (updates []sessionUpdate) {
	var removed []valueDoc
	for _, v := range d.Values {
		if v.Value == nil {
			removed = append(removed, v)
		}
	}
	_, earlier := divideRemoved(removed)
	for _, v := range earlier {
		updates = append(updates, forgetValue(d.SessionID, v))
	}
	return updates
}

func setValue(sessionID string, v valueDoc) sessionUpdate {
	field := "values." + valueName(v.Key)
	return sessionUpdate{sessionID, mongo.NewUpdateOneModel().
		SetFilter(bson.M{"_id": sessionID, "$or": bson.A{
			bson.M{field: nil, "valuesForgotten": nil}, bson.M{field: nil, "valuesForgotten": bson.M{"$lte": v.SetAt}}, bson.M{field + ".setAt": bson.M{"$lte": v.SetAt}},
		}}).
		SetUpdate(bson.M{"$set": bson.M{field: v}, "$unset": bson.M{"foldedInto": ""}})}
}

// forgetValue removes a value, unless a later one is stored, without remembering its key.
func forgetValue(sessionID string, v valueDoc) sessionUpdate {
	field := "values." + valueName(v.Key)
	return sessionUpdate{sessionID, mongo.NewUpdateOneModel().
		SetFilter(bson.M{"_id": sessionID, "$or": bson.A{bson.M{field: nil}, bson.M{field + ".setAt": bson.M{"$lte": v.SetAt}}}}).
		SetUpdate(bson.M{"$max": bson.M{"valuesForgotten": v.SetAt}, "$unset": bson.M{field: "", "foldedInto": ""}})}
}
