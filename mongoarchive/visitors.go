package mongoarchive

import (
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// sightings are the first and the last time that each of some visitors was seen.
type sightings struct{ first, last map[string]bson.DateTime }

func newSightings() sightings {
	return sightings{map[string]bson.DateTime{}, map[string]bson.DateTime{}}
}

func (s sightings) add(visitorID string, at bson.DateTime) {
	if first, ok := s.first[visitorID]; !ok || at < first {
		s.first[visitorID] = at
	}
	if last, ok := s.last[visitorID]; !ok || at > last {
		s.last[visitorID] = at
	}
}

func (s sightings) models() []mongo.WriteModel {
	var models []mongo.WriteModel
	for id, first := range s.first {
		models = append(models, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": id}).SetUpsert(true).SetUpdate(bson.M{
			"$set": bson.M{"visitorId": id}, "$min": bson.M{"firstSeenAt": first}, "$max": bson.M{"lastSeenAt": s.last[id]},
		}))
	}
	return models
}

// forgetVisitors deletes those of some visitors who have no session.
func (b *batch) forgetVisitors(ids []string) error {
	without, err := b.withoutSession(ids)
	if err != nil || len(without) == 0 {
		return err
	}
	if _, err := b.coll(visitors).DeleteMany(b.ctx, bson.M{"_id": bson.M{"$in": without}}); err != nil {
		return err
	}
	still, err := b.withoutSession(without)
	if err != nil || len(still) == len(without) {
		return err
	}
	seen := newSightings() // of those whose session has begun since: they are few
	for _, id := range without {
		d, there, err := one[sessionDoc](b.ctx, b.coll(sessions), bson.M{"visitorId": id}, options.FindOne().SetProjection(only("startedAt")))
		if err != nil {
			return err
		}
		if there && d.StartedAt != nil {
			seen.add(id, *d.StartedAt)
		}
	}
	return b.upsert(visitors, seen.models())
}

// withoutSession groups sessions by visitor. The server steps over the other sessions
// of a visitor in the index, however many there are.
func (b *batch) withoutSession(ids []string) ([]string, error) {
	cursor, err := b.coll(sessions).Aggregate(b.ctx, bson.A{
		bson.M{"$match": bson.M{"visitorId": bson.M{"$in": ids}}}, bson.M{"$group": bson.M{"_id": "$visitorId"}},
	}, options.Aggregate().SetBatchSize(perCommand+1))
	if err != nil {
		return nil, err
	}
	var with []struct {
		ID string `bson:"_id"`
	}
	if err := cursor.All(b.ctx, &with); err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, v := range with {
		has[v.ID] = true
	}
	var without []string
	for _, id := range ids {
		if !has[id] {
			has[id] = true
			without = append(without, id)
		}
	}
	return without, nil
}
