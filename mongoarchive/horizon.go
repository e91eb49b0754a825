package mongoarchive

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const horizonID = "horizon" // of the document in meta

// Horizon reads how far deleting by age has come, and when the latest session began.
func (a *Archive) Horizon(ctx context.Context) (horizon, newest time.Time, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.writing(ctx)
	if err != nil {
		return horizon, newest, fmt.Errorf("mongoarchive: horizon: %w", oneLine(err))
	}
	stored, _, err := one[horizonDoc](ctx, c.write.Collection(meta), bson.M{"_id": horizonID})
	var latest begunDoc
	if err == nil {
		latest, _, err = one[begunDoc](ctx, c.write.Collection(sessions), bson.M{}, options.FindOne().SetSort(bson.D{{Key: "startedAt", Value: -1}}).SetProjection(only("startedAt")))
	}
	if err != nil {
		return horizon, newest, fmt.Errorf("mongoarchive: horizon: %w", oneLine(err))
	}
	return utc(stored.At), utc(latest.StartedAt), nil
}

type horizonDoc struct {
	At *bson.DateTime `bson:"at"`
}

type begunDoc struct {
	StartedAt *bson.DateTime `bson:"startedAt"`
}

// SetHorizon stores how far deleting by age may go.
func (a *Archive) SetHorizon(ctx context.Context, horizon time.Time) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.writing(ctx)
	if err == nil {
		_, err = c.write.Collection(meta).UpdateOne(ctx, bson.M{"_id": horizonID}, bson.M{"$set": bson.M{"at": moment(horizon)}}, options.UpdateOne().SetUpsert(true))
	}
	if err != nil {
		return fmt.Errorf("mongoarchive: horizon: %w", oneLine(err))
	}
	return nil
}
