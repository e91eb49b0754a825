package mongoarchive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/report"
)

// A dayDoc is a document of report_days.
type dayDoc struct {
	Day        int64 `bson:"_id"` // days since 1970
	Generation int64 `bson:"generation"`
}

// changeDays gives another generation to the UTC days on which sessions began, or orders were
// placed, that the batch may have changed: a random one, so that a command that the driver
// sends again does no harm. It comes after all that reports read, so that
// nothing changes under a generation that was read, and before the traces of what the batch
// did are deleted: if it is cut off, the batch is appended again, and finds them.
func (b *batch) changeDays() error {
	days := map[report.UTCDay]bool{}
	note := func(at *bson.DateTime) {
		if at != nil {
			days[report.DayOfMillis(int64(*at))] = true
		}
	}
	ids := setOf(b.touchedIDs())
	for _, r := range b.begins {
		days[report.DayOf(r.StartedAt)] = true
	}
	for id := range b.hosts {
		ids[id] = true
	}
	for _, f := range b.folds {
		ids[f.Into], ids[f.Folded] = true, true
	}
	if err := b.noteTimes(sessions, "_id", "startedAt", ids, note); err != nil {
		return err
	}
	folded := map[string]bool{}
	for _, f := range b.folds {
		folded[f.Folded] = true
	}
	if err := b.noteTimes(foldedSessions, "sessionId", "startedAt", folded, note); err != nil {
		return err
	}
	placed := map[string]bool{}
	for _, f := range b.placed {
		placed[f.OrderID] = true
	}
	for _, f := range b.refunds {
		placed[f.OrderID] = true
	}
	if err := b.noteTimes(orders, "_id", "createdAt", placed, note); err != nil {
		return err
	}
	if err := b.noteTimes(orders, "sessionId", "createdAt", setOf(b.arrived), note); err != nil { // they have a visit now
		return err
	}
	changed := make([]mongo.WriteModel, 0, len(days))
	for _, day := range slices.Sorted(maps.Keys(days)) {
		changed = append(changed, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": int64(day)}).SetUpdate(bson.M{"$set": bson.M{"generation": rand.Int64()}}).SetUpsert(true))
	}
	if len(changed) == 0 {
		return nil
	}
	return b.upsert(reportDays, changed)
}

// noteTimes reads a time of some documents.
func (b *batch) noteTimes(collection, key, field string, ids map[string]bool, note func(*bson.DateTime)) error {
	return inChunks(slices.Collect(maps.Keys(ids)), func(ids []string) error {
		cursor, err := b.coll(collection).Find(b.ctx, bson.M{key: bson.M{"$in": ids}}, allAtOnce().SetProjection(only(field)))
		if err != nil {
			return err
		}
		defer closeCursor(b.ctx, cursor)
		for cursor.Next(b.ctx) {
			if at, ok := cursor.Current.Lookup(field).DateTimeOK(); ok {
				when := bson.DateTime(at)
				note(&when)
			}
		}
		return cursor.Err()
	})
}

// Days lists the UTC days of which something was stored, with their generations.
func (a *Archive) Days(ctx context.Context, from, to report.UTCDay) ([]report.DayState, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.reading(ctx)
	var docs []dayDoc
	if err == nil {
		docs, err = all[dayDoc](ctx, c.reports.Collection(reportDays), bson.M{"_id": bson.M{"$gte": int64(from), "$lt": int64(to)}}, options.Find().SetSort(bson.M{"_id": 1}))
	}
	if err != nil {
		return nil, fmt.Errorf("mongoarchive: days: %w", oneLine(err))
	}
	days := make([]report.DayState, len(docs))
	for i, d := range docs {
		days[i] = report.DayState{Day: report.UTCDay(d.Day), Generation: d.Generation} //nolint:gosec // between from and to
	}
	return days, nil
}

// ReadDay reads the sessions that began on a UTC day and the orders that were placed on it.
func (a *Archive) ReadDay(ctx context.Context, day report.UTCDay, read report.DayReader) error {
	c, err := a.reading(ctx)
	if err == nil && read.Visit != nil {
		err = c.dayVisits(ctx, day, read.Visit)
	}
	if err == nil && read.Order != nil {
		err = c.dayOrders(ctx, day, read.Order)
	}
	if err != nil {
		return fmt.Errorf("mongoarchive: day: %w", oneLine(err))
	}
	return nil
}

// visitFields are the fields of a session that reports need.
var visitFields = []string{"sessionId", "visitorId", "customerId", "startedAt", "lastSeenAt", "converted", "device", "browser", "os", "country", "city", "channel",
	"utmSource", "utmMedium", "utmCampaign", "utmTerm", "utmContent", "referrer", "landingPage"}

func onDay(field string, day report.UTCDay) bson.M {
	return bson.M{field: bson.M{"$gte": bson.DateTime(day.Start()), "$lt": bson.DateTime((day + 1).Start())}}
}

// dayVisits reads sessions in chunks, and the events of each chunk at once.
func (c *connection) dayVisits(ctx context.Context, day report.UTCDay, each func(*report.Visit) error) error {
	filter := onDay("startedAt", day)
	filter["foldedInto"] = nil
	cursor, err := c.reports.Collection(sessions).Find(ctx, filter, options.Find().SetProjection(only(visitFields...)).SetBatchSize(perCommand))
	if err != nil {
		return err
	}
	defer closeCursor(ctx, cursor)
	var visits []report.Visit
	atOnce := perCommand
	flush := func() error {
		for left := visits; len(left) > 0; {
			some := left[:min(atOnce, len(left))]
			switch err := c.addEvents(ctx, some); {
			case errors.Is(err, errCrowded):
				atOnce = max(len(some)/8, 1)
				continue
			case err != nil:
				return err
			}
			for i := range some {
				if err := each(&some[i]); err != nil {
					return err
				}
				some[i].Events = nil
			}
			left, atOnce = left[len(some):], min(2*atOnce, perCommand)
		}
		visits = visits[:0]
		return nil
	}
	for cursor.Next(ctx) {
		var d sessionDoc
		if err := cursor.Decode(&d); err != nil {
			return err
		}
		s := d.session()
		visits = append(visits, report.Visit{
			SessionID: s.SessionID, VisitorID: s.VisitorID, CustomerID: s.CustomerID, BeganAt: s.StartedAt.UnixMilli(), LastSeenAt: s.LastSeenAt.UnixMilli(),
			Device: s.Device, Browser: s.Browser, OS: s.OS, Country: s.Country, City: s.City,
			Channel: s.Channel, UTMSource: s.UTMSource, Medium: s.UTMMedium, Campaign: s.UTMCampaign, Term: s.UTMTerm, Content: s.UTMContent,
			Referrer: s.Referrer, LandingPage: s.LandingPage, Converted: s.Converted,
		})
		if len(visits) == perCommand {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := cursor.Err(); err != nil {
		return err
	}
	return flush()
}

// eventsAtOnce is how many events of several sessions are in memory at a time; one session by
// itself may have more.
var eventsAtOnce = 20_000 // a variable for tests

// errCrowded says that sessions have more events than that.
var errCrowded = errors.New("too many events")

// addEvents reads the events of visits, and those of the sessions that are folded into them. If
// there are too many it adds none and returns errCrowded.
func (c *connection) addEvents(ctx context.Context, visits []report.Visit) (err error) {
	defer func() {
		for i := range visits {
			if err != nil {
				visits[i].Events = nil
			}
		}
	}()
	row := map[string]int{}
	family := make([]string, len(visits))
	for i := range visits {
		family[i] = visits[i].SessionID
		row[visits[i].SessionID] = i
	}
	guests, err := guests(ctx, c.reports, family)
	if err != nil {
		return err
	}
	for host, of := range guests {
		for _, guest := range of {
			if _, own := row[guest]; !own {
				row[guest] = row[host]
				family = append(family, guest)
			}
		}
	}
	cursor, err := c.reports.Collection(sessionEvents).Find(ctx, bson.M{"sessionId": bson.M{"$in": family}},
		options.Find().SetProjection(only("_id", "sessionId", "eventType", "page", "productId", "createdAt")).SetSort(bson.D{{Key: "createdAt", Value: 1}, {Key: "_id", Value: 1}}).SetBatchSize(10*perCommand).SetAllowDiskUse(true))
	if err != nil {
		return err
	}
	defer closeCursor(ctx, cursor)
	for read := 0; cursor.Next(ctx); read++ {
		if read == eventsAtOnce && len(visits) > 1 {
			return errCrowded
		}
		var d eventDoc
		if err := cursor.Decode(&d); err != nil {
			return err
		}
		v := &visits[row[d.SessionID]]
		v.Events = append(v.Events, report.Event{At: utc(d.CreatedAt).UnixMilli(), Type: d.EventType, Page: plain(d.Page), ProductID: plain(d.ProductID)})
	}
	return cursor.Err()
}

// dayOrders reads orders in chunks, and when the sessions of each chunk began at once.
func (c *connection) dayOrders(ctx context.Context, day report.UTCDay, each func(*report.Order) error) error {
	cursor, err := c.reports.Collection(orders).Find(ctx, onDay("createdAt", day), options.Find().SetProjection(bson.M{"metadata": 0}).SetBatchSize(perCommand))
	if err != nil {
		return err
	}
	defer closeCursor(ctx, cursor)
	var chunk []orderDoc
	for cursor.Next(ctx) {
		var d orderDoc
		if err := cursor.Decode(&d); err != nil {
			return err
		}
		if chunk = append(chunk, d); len(chunk) == perCommand {
			if err := c.eachOrder(ctx, chunk, each); err != nil {
				return err
			}
			chunk = chunk[:0]
		}
	}
	if err := cursor.Err(); err != nil {
		return err
	}
	return c.eachOrder(ctx, chunk, each)
}

func (c *connection) eachOrder(ctx context.Context, chunk []orderDoc, each func(*report.Order) error) error {
	ids := map[string]bool{}
	for i := range chunk {
		if id := chunk[i].SessionID; id != nil {
			ids[*id] = true
		}
	}
	began := map[string]int64{}
	if len(ids) > 0 {
		found, err := all[sessionDoc](ctx, c.reports.Collection(sessions), bson.M{"_id": bson.M{"$in": slices.Collect(maps.Keys(ids))}}, options.Find().SetProjection(only("sessionId", "startedAt")))
		if err != nil {
			return err
		}
		for _, s := range found {
			began[s.SessionID] = utc(s.StartedAt).UnixMilli()
		}
	}
	for i := range chunk {
		d := &chunk[i]
		if err := each(&report.Order{
			OrderID: d.OrderID, SessionID: plain(d.SessionID), VisitorID: plain(d.VisitorID), CustomerID: plain(d.CustomerID),
			At: utc(d.CreatedAt).UnixMilli(), Amount: d.Total.Amount, Refunded: d.Refunded, Currency: d.Total.Currency, VisitBeganAt: began[plain(d.SessionID)],
		}); err != nil {
			return err
		}
	}
	return nil
}
