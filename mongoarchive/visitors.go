package mongoarchive

import (
	"maps"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
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

// see stores sightings: a visitor who is not there is inserted.
func (b *batch) see(s sightings) error {
	return inChunks(slices.Sorted(maps.Keys(s.first)), func(ids []string) error {
		command, array := appendCommandStart(b.command[:0], "update", visitors, "updates")
		for i, id := range ids {
			command = appendSighting(command, strconv.Itoa(i), id, s.first[id], s.last[id])
		}
		b.command = appendCommandEnd(command, array)
		_, err := b.runUpdate(visitors, b.command)
		if there, ok := duplicates(err); ok && len(there) > 0 { // others inserted some of them at this moment
			_, err = b.runUpdate(visitors, b.command)
		}
		return err
	})
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
	return b.see(seen)
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
