package mongoarchive_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// oid returns an ObjectId made at the test's moment.
func oid(n byte) bson.ObjectID {
	id := bson.NewObjectIDFromTimestamp(began.Truncate(time.Second))
	copy(id[4:], []byte{0, 0, 0, 0, 0, 0, 0, n})
	return id
}

// writeLegacy writes documents as the former service did.
func writeLegacy(t testing.TB, uri string) {
	t.Helper()
	sessions, events := raw(t, uri, "sessions"), raw(t, uri, "session_events")
	insert := func(coll *mongo.Collection, docs ...any) {
		if _, err := coll.InsertMany(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
	}
	insert(sessions, bson.M{
		"_id": oid(1), "sessionId": "old-1", "visitorId": "v-1", "customerId": "c-1", "type": "CUSTOMER", "ipAddress": "192.0.2.7", "userAgent": "UA", "country": "DE", "city": nil,
		"device": "desktop", "browser": "Chrome", "os": "Windows", "landingPage": "/", "referrer": "https://example.com/", "utmSource": "s", "utmMedium": "m", "utmCampaign": "c",
		"pageViews": int32(7), "startedAt": began, "lastSeenAt": began.Add(time.Minute), "converted": true, "orderId": "o-1",
	}, bson.M{"_id": oid(2), "sessionId": "old-2"}, bson.M{"_id": oid(3), "sessionId": "old-3", "visitorId": "v-3", "customerId": oid(77), "pageViews": 2.0})
	if _, err := sessions.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "sessionId", Value: 1}}, Options: options.Index().SetUnique(true).SetName("sessions_sessionId_key")}); err != nil {
		t.Fatal(err)
	}
	insert(events,
		bson.M{"_id": oid(11), "sessionId": "old-1", "eventType": "page_view", "page": "/p", "productId": nil, "metadata": nil, "createdAt": began.Add(time.Second)},
		bson.M{"_id": oid(12), "sessionId": "old-1", "eventType": "add_to_cart", "page": "/p", "productId": "p-1", "metadata": bson.D{{Key: "quantity", Value: int32(2)}, {Key: "by", Value: bson.D{{Key: "x", Value: "y"}}}}, "timestamp": began.Add(2 * time.Second)},
		bson.M{"_id": oid(13), "sessionId": oid(3).Hex(), "eventType": "page_view"},
		bson.M{"_id": oid(14), "sessionId": "gone", "eventType": "page_view", "metadata": "words"},
	)
	for i := byte(0); i < 60; i++ { // more than one batch
		insert(events, bson.M{"_id": oid(100 + i), "sessionId": "old-2", "eventType": "page_view", "createdAt": began.Add(time.Duration(i) * time.Millisecond)})
	}
}

// dump returns all documents of some collections.
func dump(t testing.TB, uri string) (text string) {
	t.Helper()
	for _, name := range []string{"sessions", "session_events", "visitors", "orders", "folded_sessions"} {
		cursor, err := raw(t, uri, name).Find(t.Context(), bson.M{}, options.Find().SetSort(bson.M{"_id": 1}))
		if err != nil {
			t.Fatal(err)
		}
		for cursor.Next(t.Context()) {
			text += fmt.Sprintf("%s %s\n", name, normal(t, cursor.Current.String()))
		}
		if cursor.Err() != nil {
			t.Fatal(cursor.Err())
		}
	}
	return text
}

func TestArchive_UpgradeLegacy(t *testing.T) {
	server := testserver.MongoDB(t)
	uri := database(t, server)
	writeLegacy(t, uri)
	a := open(t, uri)
	if n, err := a.UpgradeLegacy(t.Context()); err != nil || n != 67 {
		t.Fatalf("UpgradeLegacy = %d, %v: want 67 documents", n, err)
	}
	want := dump(t, uri)
	if n, err := a.UpgradeLegacy(t.Context()); err != nil || n != 0 || dump(t, uri) != want {
		t.Errorf("UpgradeLegacy again = %d, %v: it changes nothing more", n, err)
	}

	s, ok, err := a.Session(t.Context(), "old-1")
	full := store.Record{
		Session: store.Session{
			SessionID: "old-1", VisitorID: "v-1", CustomerID: "c-1", IPAddress: "192.0.2.7", UserAgent: "UA", Country: "DE",
			Device: "desktop", Browser: "Chrome", OS: "Windows", LandingPage: "/", Referrer: "https://example.com/", UTMSource: "s", UTMMedium: "m", UTMCampaign: "c",
			PageViews: 7, StartedAt: began, LastSeenAt: began.Add(time.Minute), Converted: true, OrderID: "o-1",
		},
		Version: 1,
	}
	if err != nil || !ok || fmt.Sprint(s) != fmt.Sprint(full) {
		t.Errorf("Session = %v, %v\ngot  %+v\nwant %+v", ok, err, s, full)
	}
	s, ok, err = a.Session(t.Context(), "old-2")
	if err != nil || !ok || s.VisitorID != "" || s.Type() != store.TypeAnonymous || !s.StartedAt.Equal(began.Truncate(time.Second)) || !s.LastSeenAt.Equal(s.StartedAt) || s.PageViews != 0 {
		t.Errorf("a session of which little is known = %+v, %v, %v", s, ok, err)
	}
	if s, ok, err = a.Session(t.Context(), "old-3"); err != nil || !ok || s.CustomerID != oid(77).Hex() || s.Type() != store.TypeCustomer || s.PageViews != 2 {
		t.Errorf("a session with other types = %+v, %v, %v", s, ok, err)
	}
	events, err := a.Events(t.Context(), "old-1", 10)
	if err != nil || len(events) != 2 || events[0].VisitorID != "v-1" || !events[0].CreatedAt.Equal(began.Add(time.Second)) ||
		string(events[1].Metadata) != `{"by":{"x":"y"},"quantity":2}` || !events[1].CreatedAt.Equal(began.Add(2*time.Second)) {
		t.Errorf("Events = %+v, %v", events, err)
	}
	if events, err = a.Events(t.Context(), "old-3", 10); err != nil || len(events) != 1 || events[0].VisitorID != "v-3" {
		t.Errorf("Events of a session that is named by its ObjectId = %+v, %v", events, err)
	}
	if events, err = a.Events(t.Context(), "gone", 10); err != nil || len(events) != 1 || string(events[0].Metadata) != `{"value":"words"}` {
		t.Errorf("Events of a session that is not there = %+v, %v", events, err)
	}
	stats, err := a.Stats(t.Context(), report.Window{})
	if err != nil || stats.Sessions != 3 || stats.Visitors != 2 || stats.Events != 64 || stats.PageViews != 63 || stats.Converted != 1 {
		t.Errorf("Stats = %+v, %v", stats, err)
	}

	// The session continues.
	mustAppend(t, a, &store.EventRecorded{Event: store.Event{EventID: "e-1", SessionID: "old-1", VisitorID: "v-1", EventType: store.EventAddToCart, CreatedAt: began.Add(time.Hour)}},
		&store.CustomerRevoked{CustomerID: "c-1", Before: began.Add(61 * time.Minute)})
	if s, _, err = a.Session(t.Context(), "old-1"); err != nil || s.PageViews != 7 || !s.LastSeenAt.Equal(began.Add(time.Hour)) || s.EndReason != store.EndRevoked {
		t.Errorf("after more facts: %+v, %v", s, err)
	}
}

// An upgrade that is cut off at any moment can be continued.
func TestArchive_UpgradeLegacy_CutOff(t *testing.T) {
	t.Parallel()
	server := testserver.MongoDB(t)
	reference := database(t, server)
	writeLegacy(t, reference)
	if _, err := open(t, reference).UpgradeLegacy(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := dump(t, reference)
	for _, pause := range []time.Duration{3, 8, 17, 40} {
		uri := database(t, server)
		writeLegacy(t, uri)
		a := open(t, uri)
		if err := a.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		cuts := 0
		for {
			ctx, cancel := context.WithTimeout(t.Context(), pause*time.Millisecond)
			_, err := a.UpgradeLegacy(ctx)
			cancel()
			if err == nil {
				break
			}
			if cuts++; cuts > 5 {
				pause *= 2
			}
		}
		if got := dump(t, uri); got != want {
			t.Errorf("after %d cuts:\ngot  %s\nwant %s", cuts, got, want)
		}
	}
}
