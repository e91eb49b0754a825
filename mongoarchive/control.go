package mongoarchive

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// control applies a fact that is neither a SessionBegun nor just an event.
func (b *batch) control(fact store.Fact) error {
	switch f := fact.(type) {
	case *store.CredentialsChanged:
		return b.setCredentials(f)
	case *store.CustomerRevoked:
		return b.revokeCustomer(f)
	case *store.ValueSet:
		return b.setValue(f)
	case *store.OrderPlaced:
		return b.convert(f.SessionID)
	case *store.OrderRefunded:
		return b.refund(f)
	case *store.BotSeen:
		_, err := b.insert(botViews, []any{bson.D{
			{Key: "_id", Value: f.EventID}, {Key: "eventId", Value: f.EventID}, {Key: "reason", Value: f.Reason}, {Key: "userAgent", Value: text(f.UserAgent)},
			{Key: "ipAddress", Value: text(f.IPAddress)}, {Key: "page", Value: text(f.Page)}, {Key: "createdAt", Value: moment(f.At)},
		}})
		return err
	case *store.VisitsUncounted:
		_, err := b.insert(uncounted, []any{bson.D{
			{Key: "_id", Value: f.EventID}, {Key: "eventId", Value: f.EventID}, {Key: "minute", Value: moment(f.Minute)}, {Key: "bots", Value: f.Bots}, {Key: "reason", Value: f.Reason}, {Key: "count", Value: f.Count},
		}})
		return err
	default:
		return fmt.Errorf("%w: a fact of type %T", store.ErrRejected, fact)
	}
}

// setValue sets a value unless a later one is stored already.
func (b *batch) setValue(f *store.ValueSet) error {
	field := "values." + valueName(f.Key)
	for range attempts {
		result, err := b.coll(sessions).UpdateOne(b.ctx,
			bson.M{"_id": f.SessionID, "$or": bson.A{bson.M{field: nil}, bson.M{field + ".setAt": bson.M{"$lte": moment(f.At)}}}},
			bson.M{"$set": bson.M{field: newValueDoc(f.Key, f.Value, f.At)}, "$unset": bson.M{"foldedInto": ""}})
		if err != nil || result.MatchedCount == 1 {
			return err
		}
		if there, err := b.isThere(f.SessionID); err != nil || there {
			return err
		}
		if there, err := b.comesBack(f.SessionID); err != nil || !there {
			return err
		}
	}
	return errBusy
}

// isThere reports whether a session's document is in the collection sessions.
func (b *batch) isThere(sessionID string) (bool, error) {
	_, ok, err := one[bson.Raw](b.ctx, b.coll(sessions), bson.M{"_id": sessionID}, options.FindOne().SetProjection(only("_id")))
	return ok, err
}

// comesBack restores a session that was folded after it was looked up. It returns
// false if the session is unknown.
func (b *batch) comesBack(sessionID string) (bool, error) {
	if err := b.takeOut([]string{sessionID}); err != nil {
		return false, err
	}
	return b.isThere(sessionID)
}
