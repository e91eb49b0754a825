package faults

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// readMongoDB reads the contents of a database.
func readMongoDB(ctx context.Context, uri, database string) (*holdings, error) {
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetMaxPoolSize(1))
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Disconnect(ctx) }()
	h := &holdings{views: map[string]int{}, visitors: map[string]string{}}
	db := client.Database(database)
	var events []struct {
		ID        string  `bson:"_id"`
		SessionID string  `bson:"sessionId"`
		VisitorID string  `bson:"visitorId"`
		EventType string  `bson:"eventType"`
		Page      *string `bson:"page"`
		Metadata  *string `bson:"metadata"`
	}
	if err := all(ctx, db, "session_events", &events); err != nil {
		return nil, err
	}
	for _, e := range events {
		h.events = append(h.events, storedEvent{e.ID, e.SessionID, e.EventType, text(e.Page), orderIn(text(e.Metadata)), e.VisitorID})
	}
	var orders []struct {
		ID        string  `bson:"_id"`
		SessionID *string `bson:"sessionId"`
		Metadata  *string `bson:"metadata"`
	}
	if err := all(ctx, db, "orders", &orders); err != nil {
		return nil, err
	}
	for _, o := range orders {
		h.orders = append(h.orders, storedOrder{o.ID, basketIn(text(o.Metadata)), text(o.SessionID)})
	}
	var sessions []struct {
		ID        string `bson:"_id"`
		VisitorID string `bson:"visitorId"`
		Views     int    `bson:"pageViews"`
	}
	if err := all(ctx, db, "sessions", &sessions); err != nil {
		return nil, err
	}
	for _, s := range sessions {
		h.views[s.ID], h.visitors[s.ID] = s.Views, s.VisitorID
	}
	var folded []struct {
		SessionID string `bson:"sessionId"`
		Into      string `bson:"foldedInto"`
		Folds     int64  `bson:"folds"` // of several copies, the one with the highest number is valid
		Whole     bool   `bson:"whole"`
	}
	if err := all(ctx, db, "folded_sessions", &folded); err != nil {
		return nil, err
	}
	hosts, latest := map[string]string{}, map[string]int64{}
	for _, f := range folded {
		if f.Whole && f.Folds >= latest[f.SessionID] {
			hosts[f.SessionID], latest[f.SessionID] = f.Into, f.Folds
		}
	}
	h.follow(hosts)
	return h, nil
}

// follow assigns events of folded sessions to the session they were folded into,
// as readers of this archive do. In the database they keep the id of their own
// session, so that it can be restored.
func (h *holdings) follow(hosts map[string]string) {
	for i := range h.events {
		e := &h.events[i]
		host := hosts[e.session]
		if _, there := h.views[e.session]; there || host == "" {
			continue
		}
		e.session, e.visitor = host, h.visitors[host]
	}
}

func all(ctx context.Context, db *mongo.Database, collection string, into any) error {
	cursor, err := db.Collection(collection).Find(ctx, bson.D{})
	if err == nil {
		err = cursor.All(ctx, into)
	}
	if err != nil {
		return fmt.Errorf("collection %s: %w", collection, err)
	}
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
