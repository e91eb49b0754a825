package mongoarchive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// Sessions lists sessions, newest first.
func (a *Archive) Sessions(ctx context.Context, f report.Filter) ([]store.Session, error) {
	f = f.WithDefaults()
	filter := bson.M{}
	if f.Active {
		filter = activeSince(f.Now.Add(-report.ActiveWindow), a.lives.Absolute)
		filter["endedAt"] = nil
	}
	if f.Converted {
		filter["converted"] = true
	}
	list, err := a.listed(ctx, filter, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("mongoarchive: sessions: %w", oneLine(err))
	}
	return list, nil
}

// Stats computes the figures of a window. It reads one collection after the
// other, so the figures may differ by what is stored meanwhile.
func (a *Archive) Stats(ctx context.Context, w report.Window) (report.Stats, error) {
	w = w.WithDefaults()
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.reading(ctx)
	if err == nil {
		var s report.Stats
		if s, err = c.stats(ctx, w, a.lives.Absolute); err == nil {
			return s, nil
		}
	}
	return report.Stats{}, fmt.Errorf("mongoarchive: stats: %w", oneLine(err))
}

func (c *connection) stats(ctx context.Context, w report.Window, maxAge time.Duration) (report.Stats, error) {
	s := report.Stats{Revenue: []store.Money{}, Refunded: []store.Money{}}
	var err error
	if s.ActiveUsers, err = c.activeVisitors(ctx, w.Now.Add(-report.ActiveWindow), maxAge); err != nil {
		return s, err
	}
	if s.ActiveUsers5, err = c.activeVisitors(ctx, w.Now.Add(-5*time.Minute), maxAge); err != nil {
		return s, err
	}
	if s.DailyVisits, err = c.sessionsBegun(ctx, w.Today); err != nil {
		return s, err
	}
	if err := c.sumSessions(ctx, w, &s); err != nil {
		return s, err
	}
	if s.EventsByType, err = countBy(ctx, c.reports.Collection(sessionEvents), "eventType", w); err != nil {
		return s, err
	}
	if s.BotsByReason, err = countBy(ctx, c.reports.Collection(botViews), "reason", w); err != nil {
		return s, err
	}
	if err := c.sumOrders(ctx, w, &s); err != nil {
		return s, err
	}
	err = each(ctx, c.reports.Collection(uncounted), within(bson.M{}, "minute", w), []string{"bots", "reason", "count"}, func(doc bson.Raw) error {
		n := doc.Lookup("count").AsInt64()
		if bots, _ := doc.Lookup("bots").BooleanOK(); bots {
			reason, _ := doc.Lookup("reason").StringValueOK()
			s.BotsByReason[reason] += n
		} else {
			s.UncountedVisits += n
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	for _, n := range s.EventsByType {
		s.Events += n
	}
	for _, n := range s.BotsByReason {
		s.BotViews += n
	}
	s.PageViews = s.EventsByType[store.EventPageView]
	if s.Sessions > 0 {
		s.BounceRate = float64(s.Sessions-s.Engaged) / float64(s.Sessions)
		s.ConversionRate = float64(s.Converted) / float64(s.Sessions)
	}
	return s, nil
}

// within adds the bounds of a window to a filter.
func within(filter bson.M, field string, w report.Window) bson.M {
	limits := bson.M{}
	if !w.From.IsZero() {
		limits["$gte"] = moment(w.From)
	}
	if !w.To.IsZero() {
		limits["$lt"] = moment(w.To)
	}
	if len(limits) > 0 {
		filter[field] = limits
	}
	return filter
}

// engagedAfter is the duration from which on a session counts as engaged.
const engagedAfter = 10 * time.Second

func (c *connection) sumSessions(ctx context.Context, w report.Window, s *report.Stats) error {
	visitors, customers := map[string]bool{}, map[string]bool{}
	fields := []string{"visitorId", "customerId", "startedAt", "lastSeenAt", "pageViews", "converted"}
	err := each(ctx, c.reports.Collection(sessions), within(bson.M{"foldedInto": nil}, "startedAt", w), fields, func(doc bson.Raw) error {
		var d sessionDoc
		if err := bson.Unmarshal(doc, &d); err != nil {
			return err
		}
		s.Sessions++
		if d.VisitorID != nil {
			visitors[*d.VisitorID] = true
		}
		if d.CustomerID != nil {
			customers[*d.CustomerID] = true
		}
		if d.Converted {
			s.Converted++
		}
		if d.Converted || d.PageViews >= 2 || utc(d.LastSeenAt).Sub(utc(d.StartedAt)) > engagedAfter {
			s.Engaged++
		}
		return nil
	})
	s.Visitors, s.Customers = int64(len(visitors)), int64(len(customers))
	return err
}

// countBy counts a window's documents by a text field that has few values. It
// steps through the values and counts each, using one index only.
func countBy(ctx context.Context, coll *mongo.Collection, field string, w report.Window) (map[string]int64, error) {
	counts := map[string]int64{}
	next := bson.M{}
	for {
		doc, err := coll.FindOne(ctx, next, options.FindOne().SetSort(bson.D{{Key: field, Value: 1}}).SetProjection(only(field))).Raw()
		if errors.Is(err, mongo.ErrNoDocuments) {
			return counts, nil
		}
		if err != nil {
			return nil, err
		}
		value, ok := doc.Lookup(field).StringValueOK()
		if !ok { // null: the former service left the field out
			next = bson.M{field: bson.M{"$gte": ""}}
			continue
		}
		n, err := coll.CountDocuments(ctx, within(bson.M{field: value}, "createdAt", w))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			counts[value] = n
		}
		next = bson.M{field: bson.M{"$gt": value}}
	}
}

func (c *connection) sumOrders(ctx context.Context, w report.Window, s *report.Stats) error {
	type sums struct{ paid, refunded int64 }
	by := map[string]sums{}
	err := each(ctx, c.reports.Collection(orders), within(bson.M{}, "createdAt", w), []string{"total", "refunded"}, func(doc bson.Raw) error {
		var d orderDoc
		if err := bson.Unmarshal(doc, &d); err != nil {
			return err
		}
		s.Orders++
		sum := by[d.Total.Currency]
		by[d.Total.Currency] = sums{store.AddAmounts(sum.paid, d.Total.Amount), store.AddAmounts(sum.refunded, d.Refunded)}
		return nil
	})
	for _, currency := range slices.Sorted(maps.Keys(by)) {
		sum := by[currency]
		s.Revenue = append(s.Revenue, store.Money{Amount: sum.paid, Currency: currency})
		if sum.refunded > 0 {
			s.Refunded = append(s.Refunded, store.Money{Amount: sum.refunded, Currency: currency})
		}
	}
	return err
}
