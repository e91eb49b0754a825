package mongoarchive

import (
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/footfall-go/footfall/store"
)

// setValues sets values unless later ones are stored already. Of several values of one
// key in the batch, only the last is written.
func (b *batch) setValues() error {
	type key struct{ sessionID, key string }
	last := map[key]*store.ValueSet{}
	var keys []key
	for _, f := range b.values {
		k := key{f.SessionID, f.Key}
		switch before := last[k]; {
		case before == nil:
			keys = append(keys, k)
			last[k] = f
		case moment(f.At) >= moment(before.At):
			last[k] = f
		}
	}
	updates := make([]sessionUpdate, len(keys))
	for i, k := range keys {
		f, field := last[k], "values."+valueName(k.key)
		updates[i] = sessionUpdate{f.SessionID, mongo.NewUpdateOneModel().
			SetFilter(bson.M{"_id": f.SessionID, "$or": bson.A{bson.M{field: nil}, bson.M{field + ".setAt": bson.M{"$lte": moment(f.At)}}}}).
			SetUpdate(bson.M{"$set": bson.M{field: newValueDoc(f.Key, f.Value, f.At)}, "$unset": bson.M{"foldedInto": ""}})}
	}
	_, err := b.updateSessions(updates) // a value of an unknown session is lost
	return err
}
