package mongoarchive_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/store"
)

// raw returns a collection as another program sees it.
func raw(t testing.TB, uri, collection string) *mongo.Collection {
	t.Helper()
	path := uri[strings.LastIndex(uri, "/")+1:]
	name, _, _ := strings.Cut(path, "?")
	return connect(t, uri).Database(name).Collection(collection)
}

// wantDocuments compares all documents of a collection, ordered by _id, as
// extended JSON, which tells types apart.
func wantDocuments(t testing.TB, coll *mongo.Collection, want ...string) {
	t.Helper()
	cursor, err := coll.Find(t.Context(), bson.M{}, options.Find().SetSort(bson.M{"_id": 1}))
	if err != nil {
		t.Fatal(err)
	}
	var docs []bson.D
	if err := cursor.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	if len(docs) != len(want) {
		t.Errorf("%s has %d documents, want %d", coll.Name(), len(docs), len(want))
	}
	for i := range min(len(docs), len(want)) {
		text, err := bson.MarshalExtJSON(docs[i], true, false)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := normal(t, string(text)), normal(t, want[i]); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", coll.Name(), got, want)
		}
	}
}

// normal returns JSON with its members in order.
func normal(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The documents are a public interface: shops and operators read them.
func TestArchive_Documents(t *testing.T) {
	server := testserver.MongoDB(t)
	uri := database(t, server)
	a := open(t, uri)
	full := begun(1)
	full.IPAddress, full.UserAgent, full.Country, full.City, full.Device, full.Browser, full.OS = "192.0.2.0", "UA", "DE", "Köln", "desktop", "Firefox", "Linux"
	full.LandingPage, full.Referrer, full.Channel = "/p", "https://example.com/", "Referral"
	full.UTMSource, full.UTMMedium, full.UTMCampaign, full.UTMTerm, full.UTMContent = "s", "m", "c", "t", "k"
	shopping := view(1, "e-2")
	shopping.EventType, shopping.ProductID, shopping.Metadata, shopping.CreatedAt = store.EventAddToCart, "p-1", json.RawMessage(`{"quantity":1}`), began.Add(2*time.Second)
	order := &store.OrderPlaced{EventID: "e-3", Order: store.Order{OrderID: "o-1", SessionID: sessionID(1), VisitorID: visitorID(1), CustomerID: "c-1",
		Total: store.Money{Amount: 1999, Currency: "EUR"}, CreatedAt: began.Add(3 * time.Second)}}
	refund := &store.OrderRefunded{RefundID: "r-1", OrderID: "o-1", Amount: store.Money{Amount: 99, Currency: "EUR"}, At: began.Add(5 * time.Second)}
	logout := login(1, "c-1", 9)
	logout.Cred.EndedAt, logout.Cred.EndReason = began.Add(4*time.Second), store.EndLogout
	mustAppend(t, a, full, view(1, "e-1"), shopping, login(1, "c-1", 5), order, refund, logout, begun(2))

	hash := func(first string) string {
		return `{"$binary":{"base64":"` + first + strings.Repeat("A", 41) + `=","subType":"00"}}`
	}
	at := func(s string) string { // the test's minute and second
		ms, err := time.Parse(time.RFC3339, "2026-03-14T09:26:"+s+"Z")
		if err != nil {
			t.Fatal(err)
		}
		return `{"$date":{"$numberLong":"` + jsonInt(ms.UnixMilli()) + `"}}`
	}
	wantDocuments(t, raw(t, uri, "sessions"), `{
		"_id":"01970000-0000-7000-8000-000000000001","sessionId":"01970000-0000-7000-8000-000000000001","visitorId":"01970000-0000-7000-9000-000000000001",
		"customerId":"c-1","type":"CUSTOMER","ipAddress":"192.0.2.0","userAgent":"UA","country":"DE","city":"Köln","device":"desktop","browser":"Firefox","os":"Linux",
		"landingPage":"/p","referrer":"https://example.com/","channel":"Referral","utmSource":"s","utmMedium":"m","utmCampaign":"c","utmTerm":"t","utmContent":"k",
		"pageViews":{"$numberLong":"1"},"startedAt":`+at("53.589")+`,"lastSeenAt":`+at("57.589")+`,"endedAt":`+at("57.589")+`,"endReason":"logout","converted":true,"orderId":"o-1","orderAt":`+at("56.589")+`,
		"version":{"$numberLong":"1773480413598"},"secretHash":`+hash("Ag")+`,"supersededHash":`+hash("AQ")+`,"authenticatedAt":`+at("53.589")+`,
		"values":{},"folds":{"$numberLong":"0"}}`, `{
		"_id":"01970000-0000-7000-8000-000000000002","sessionId":"01970000-0000-7000-8000-000000000002","visitorId":"01970000-0000-7000-9000-000000000002",
		"customerId":null,"type":"ANONYMOUS","ipAddress":null,"userAgent":null,"country":null,"city":null,"device":null,"browser":null,"os":null,
		"landingPage":null,"referrer":null,"channel":null,"utmSource":null,"utmMedium":null,"utmCampaign":null,"utmTerm":null,"utmContent":null,
		"pageViews":{"$numberLong":"0"},"startedAt":`+at("53.589")+`,"lastSeenAt":`+at("53.589")+`,"endedAt":null,"endReason":null,"converted":false,"orderId":null,
		"version":{"$numberLong":"1773480413589"},"secretHash":`+hash("AQ")+`,"supersededHash":null,"authenticatedAt":null,
		"values":{},"folds":{"$numberLong":"0"}}`)
	wantDocuments(t, raw(t, uri, "session_events"),
		`{"_id":"e-1","eventId":"e-1","sessionId":"01970000-0000-7000-8000-000000000001","visitorId":"01970000-0000-7000-9000-000000000001","eventType":"page_view","page":"/p/1?a=b","productId":null,"metadata":null,"createdAt":`+at("54.589")+`}`,
		`{"_id":"e-2","eventId":"e-2","sessionId":"01970000-0000-7000-8000-000000000001","visitorId":"01970000-0000-7000-9000-000000000001","eventType":"add_to_cart","page":"/p/1?a=b","productId":"p-1","metadata":"{\"quantity\":1}","createdAt":`+at("55.589")+`}`,
		`{"_id":"e-3","eventId":"e-3","sessionId":"01970000-0000-7000-8000-000000000001","visitorId":"01970000-0000-7000-9000-000000000001","eventType":"order_completed","page":null,"productId":null,"metadata":"{\"orderId\":\"o-1\"}","createdAt":`+at("56.589")+`}`)
	wantDocuments(t, raw(t, uri, "visitors"),
		`{"_id":"01970000-0000-7000-9000-000000000001","visitorId":"01970000-0000-7000-9000-000000000001","firstSeenAt":`+at("53.589")+`,"lastSeenAt":`+at("53.589")+`}`,
		`{"_id":"01970000-0000-7000-9000-000000000002","visitorId":"01970000-0000-7000-9000-000000000002","firstSeenAt":`+at("53.589")+`,"lastSeenAt":`+at("53.589")+`}`)
	wantDocuments(t, raw(t, uri, "orders"),
		`{"_id":"o-1","orderId":"o-1","sessionId":"01970000-0000-7000-8000-000000000001","visitorId":"01970000-0000-7000-9000-000000000001","customerId":"c-1",
		"total":{"amount":{"$numberLong":"1999"},"currency":"EUR"},"refunded":{"$numberLong":"99"},"metadata":null,"createdAt":`+at("56.589")+`}`)
	wantDocuments(t, raw(t, uri, "refunds"),
		`{"_id":"r-1","refundId":"r-1","orderId":"o-1","total":{"amount":{"$numberLong":"99"},"currency":"EUR"},"createdAt":`+at("58.589")+`}`)

	// A folded session must not be in any plain query.
	mustAppend(t, a, begun(3), &store.SessionsFolded{Into: sessionID(2), Folded: sessionID(3), Visitor: visitorID(2)})
	for collection, want := range map[string]int64{"sessions": 2, "visitors": 2, "folded_sessions": 1} {
		if n, err := raw(t, uri, collection).CountDocuments(t.Context(), bson.M{}); err != nil || n != want {
			t.Errorf("after a fold %s has %d documents, %v: want %d", collection, n, err, want)
		}
	}
}

func jsonInt(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// Changes older than the feed's age are deleted, except the last one, because the
// next one's number follows from it.
func TestArchive_FeedNumbersGoOn(t *testing.T) {
	uri := database(t, testserver.MongoDB(t))
	a, err := mongoarchive.Open(t.Context(), uri, mongoarchive.Options{MaxAge: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	revoke := func(customer string) {
		mustAppend(t, a, &store.CustomerRevoked{CustomerID: customer, Before: began})
	}
	revoke("c-1")
	time.Sleep(5 * time.Millisecond) // a change's age is measured from the latest one
	revoke("c-2")
	for _, want := range []int{1, 0} {
		if n, err := a.Purge(t.Context(), time.Time{}, time.Time{}, 10); err != nil || n != want {
			t.Errorf("Purge of a feed of two = %d, %v: want %d", n, err, want)
		}
	}
	revoke("c-3")
	if n, err := raw(t, uri, "credential_changes").CountDocuments(t.Context(), bson.M{"_id": int64(3), "customerId": "c-3"}); err != nil || n != 1 {
		t.Errorf("the change after a purge is not number 3 (%d, %v): readers would miss it", n, err)
	}
}

// A start does not read what no session that is alive can need.
func TestArchive_FeedBeginsAtTheFirstStepThatIsNeeded(t *testing.T) {
	uri := database(t, testserver.MongoDB(t))
	a, err := mongoarchive.Open(t.Context(), uri, mongoarchive.Options{MaxAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	now := time.Now()
	var steps []any
	for n := int64(1); n <= 300; n++ {
		age := 4 * time.Hour
		if n > 295 {
			age = time.Hour
		}
		at := bson.NewDateTimeFromTime(now.Add(-age))
		steps = append(steps, bson.M{"_id": n, "customerId": "c", "revokedBefore": at, "changedAt": at})
	}
	if _, err := raw(t, uri, "credential_changes").InsertMany(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	page, err := a.CredentialChanges(t.Context(), 0, 2)
	if err != nil || len(page.Changes) != 2 || page.Next != 297 || page.Left != 3 {
		t.Errorf("the first page of 2 is %+v, %v: want steps 296 and 297, and 3 more; the 295 before are older than twice the age of a session", page, err)
	}
	// A clock that is a year ahead, and then right again.
	at := bson.NewDateTimeFromTime(now.AddDate(1, 0, 0))
	if _, err := raw(t, uri, "credential_changes").InsertOne(t.Context(), bson.M{"_id": int64(301), "customerId": "d", "revokedBefore": at, "changedAt": at}); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, a, &store.CustomerRevoked{CustomerID: "e", Before: now})
	if page, err := a.CredentialChanges(t.Context(), 0, 2); err != nil || page.Next != 297 || page.Left != 5 {
		t.Errorf("after a clock was a year ahead the first page is %+v, %v: want steps 296 and 297, and 5 more; a wrong clock must make no revocation too old", page, err)
	}
	var last struct {
		ChangedAt bson.DateTime `bson:"changedAt"`
	}
	if err := raw(t, uri, "credential_changes").FindOne(t.Context(), bson.M{"_id": int64(302)}).Decode(&last); err != nil || last.ChangedAt < at {
		t.Errorf("a step is dated before the one that it follows (%v): then the first that is young enough would not be the first that is needed", err)
	}
}
