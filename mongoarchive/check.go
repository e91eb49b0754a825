package mongoarchive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
)

// writeEvery is the interval at which Check tests writing, for each process.
const writeEvery = 5 * time.Second

// Check reports an error if the archive cannot be written. Every few seconds it
// makes a write that a majority has to confirm; in between it pings the primary.
func (a *Archive) Check(ctx context.Context) error {
	if err := a.check(ctx); err != nil {
		return fmt.Errorf("mongoarchive: check: %w", oneLine(err))
	}
	return nil
}

func (a *Archive) check(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.writing(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	if now.Sub(time.UnixMilli(a.checked.Load())).Abs() < writeEvery {
		return c.client.Ping(ctx, readpref.Primary())
	}
	_, err = c.write.Collection(meta).UpdateOne(ctx, bson.M{"_id": "check"}, bson.M{"$set": bson.M{"at": moment(now)}}, options.UpdateOne().SetUpsert(true))
	if err != nil && !isDuplicate(err) {
		return err
	}
	a.checked.Store(now.UnixMilli())
	return nil
}

type lineError struct{ error }

func (e lineError) Error() string {
	var none topology.ServerSelectionError
	if !errors.As(e.error, &none) {
		return strings.Join(strings.Fields(e.error.Error()), " ")
	}
	says := "none of its servers can be used"
	for i, s := range none.Desc.Servers {
		cause := "it does not answer, or not as a MongoDB server does"
		if s.LastError != nil {
			cause = strings.Join(strings.Fields(s.LastError.Error()), " ")
		} else if s.Kind.String() != "Unknown" {
			cause = "it is a " + s.Kind.String()
		}
		says += []string{" (", "; "}[min(i, 1)] + string(s.Addr) + ": " + cause
	}
	if len(none.Desc.Servers) > 0 {
		says += ")"
	}
	return says
}

func (e lineError) Unwrap() error { return e.error }

// oneLine returns an error whose text has no line breaks, and which says in plain words
// that no server can be used, where the driver prints its picture of them.
func oneLine(err error) error { return lineError{err} }

type helloDoc struct {
	LocalTime *bson.DateTime `bson:"localTime"`
	SetName   string         `bson:"setName"`
	Primary   string         `bson:"primary"`
	Message   string         `bson:"msg"`
}

func (a *Archive) hello(ctx context.Context) (c *connection, h helloDoc, err error) {
	if c, err = a.reading(ctx); err != nil {
		return nil, h, err
	}
	err = c.client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}, options.RunCmd().SetReadPreference(readpref.Primary())).Decode(&h)
	return c, h, err
}

// Now returns the server's time.
func (a *Archive) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	_, h, err := a.hello(ctx)
	if err == nil && h.LocalTime == nil {
		err = errors.New("the server's answer has no time")
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("mongoarchive: now: %w", oneLine(err))
	}
	return utc(h.LocalTime), nil
}

// Describe returns one short line about the server that the archive is connected
// to.
func (a *Archive) Describe(ctx context.Context) (string, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, h, err := a.hello(ctx)
	var build struct {
		Version  string `bson:"version"`
		FerretDB *struct {
			Version string `bson:"version"`
		} `bson:"ferretdb"`
		FerretDBVersion string `bson:"ferretdbVersion"`
	}
	if err == nil {
		err = c.client.Database("admin").RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build)
	}
	if err != nil {
		return "", fmt.Errorf("mongoarchive: describe: %w", oneLine(err))
	}
	form := "standalone"
	switch {
	case h.SetName != "":
		form = fmt.Sprintf("replica set %s, primary %s", h.SetName, cmp.Or(h.Primary, "unknown"))
	case h.Message == "isdbgrid":
		form = "sharded cluster"
	}
	product := "MongoDB " + build.Version
	if build.FerretDB != nil {
		product = fmt.Sprintf("FerretDB %s (like %s)", build.FerretDB.Version, product)
	} else if build.FerretDBVersion != "" {
		product = fmt.Sprintf("FerretDB %s (like %s)", build.FerretDBVersion, product)
	}
	return fmt.Sprintf("%s, %s, database %s", product, form, a.name), nil
}
