package outbox

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/wire"
	"github.com/footfall-go/footfall/store"
)

func sampleFacts() []store.Fact {
	at := time.UnixMilli(1_790_000_000_123).UTC()
	cred := store.Credentials{Version: 7, SecretHash: store.SecretHash{1, 2}, Superseded: store.SecretHash{3}, CustomerID: "c", AuthenticatedAt: at, EndedAt: at, EndReason: store.EndLogout}
	rec := store.Record{Session: store.Session{
		SessionID: "s", VisitorID: "v", IPAddress: "203.0.113.0", UserAgent: "ua", Country: "DE", City: "Köln", Device: "desktop", Browser: "Firefox", OS: "Linux",
		LandingPage: "/", Referrer: "https://a.example/", Channel: "Direct", UTMSource: "1", UTMMedium: "2", UTMCampaign: "3", UTMTerm: "4", UTMContent: "5",
		PageViews: 3, StartedAt: at, LastSeenAt: at, Converted: true, OrderID: "o",
	}, Values: map[string]store.Value{"cart": {JSON: json.RawMessage(`{"1":2}`), Keep: true}}}
	rec.SetCredentials(cred)
	return []store.Fact{
		&store.SessionBegun{Record: rec},
		&store.EventRecorded{Event: store.Event{EventID: "e", SessionID: "s", VisitorID: "v", EventType: "page_view", Page: "/?a=b", ProductID: "p", Metadata: json.RawMessage(`{"a":1}`), CreatedAt: at}},
		&store.SessionSeen{SessionID: "s", At: at},
		&store.CredentialsChanged{SessionID: "s", Cred: cred},
		&store.CustomerRevoked{CustomerID: "c", Before: at},
		&store.ValueSet{SessionID: "s", Key: "k", Value: store.Value{JSON: json.RawMessage(`1`), Keep: true}, At: at},
		&store.OrderPlaced{Order: store.Order{OrderID: "o", SessionID: "s", VisitorID: "v", CustomerID: "c", Total: store.Money{Amount: 1999, Currency: "EUR"}, Metadata: json.RawMessage(`{}`), CreatedAt: at}, EventID: "e"},
		&store.OrderRefunded{RefundID: "r", OrderID: "o", SessionID: "s", VisitorID: "v", Amount: store.Money{Amount: 5, Currency: "EUR"}, EventID: "e", At: at},
		&store.BotSeen{EventID: "e", Reason: "crawler", UserAgent: "bot", IPAddress: "203.0.113.0", Page: "/", At: at},
		&store.SessionsFolded{Into: "a", Folded: "b", Visitor: "v"},
		&store.VisitsUncounted{EventID: "e", Minute: at, Bots: true, Reason: "tool", Count: 12},
	}
}

// sampleEvent is an event whose session is not known yet.
func sampleEvent() *unattributed {
	return &unattributed{sampleFacts()[1].(*store.EventRecorded).Event, store.SecretHash{4}}
}

func TestRecord_RoundTrip(t *testing.T) {
	for _, fact := range sampleFacts() {
		got, _, err := decode(appendFact(nil, fact))
		if err != nil {
			t.Fatalf("%T: %v", fact, err)
		}
		if !reflect.DeepEqual(got, fact) {
			t.Errorf("%T reads back as\n%+v, was\n%+v", fact, got, fact)
		}
		// Every field is set in the samples, so that one that the record forgets shows.
		v := reflect.ValueOf(fact).Elem()
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%T: the sample leaves %s empty", fact, v.Type().Field(i).Name)
			}
		}
	}
	if _, got, err := decode(appendUnattributed(nil, sampleEvent())); err != nil || !reflect.DeepEqual(got, sampleEvent()) {
		t.Errorf("an unattributed event reads back as %+v, %v", got, err)
	}
}

// A later version may put fields of its own anywhere in a record.
func TestRecord_SkipsUnknownFields(t *testing.T) {
	for where, at := range map[string]int{"before": 1, "between": 4, "behind": -1} {
		known := appendFact(nil, &store.SessionSeen{SessionID: "s", At: time.UnixMilli(5).UTC()})
		if at < 0 {
			at = len(known)
		}
		text, number := "from a later version", int64(12)
		later := wire.Write(nil)
		later.Text(100, &text)
		later.Int(101, &number)
		unknown := later.Written()
		got, _, err := decode(slices.Concat(known[:at], unknown, known[at:]))
		if seen, ok := got.(*store.SessionSeen); err != nil || !ok || seen.SessionID != "s" || seen.At.UnixMilli() != 5 {
			t.Errorf("a record with fields of a later version %s those that are known reads as %+v, %v", where, got, err)
		}
	}
}

func TestRecord_ReadsFieldsInAnyOrder(t *testing.T) {
	at, id := time.UnixMilli(5), "s"
	w := wire.Write([]byte{kindSessionSeen})
	w.Time(2, &at)
	w.Text(1, &id)
	record := w.Written()
	got, _, err := decode(record)
	if seen, ok := got.(*store.SessionSeen); err != nil || !ok || seen.SessionID != "s" || seen.At.UnixMilli() != 5 {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, fact := range sampleFacts() {
		f.Add(appendFact(nil, fact))
	}
	f.Add(appendUnattributed(nil, sampleEvent()))
	again := func(fact store.Fact, event *unattributed) []byte {
		if event != nil {
			return appendUnattributed(nil, event)
		}
		return appendFact(nil, fact)
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		fact, event, err := decode(record)
		if err != nil {
			return
		}
		written := again(fact, event)
		second, secondEvent, err := decode(written)
		if err != nil || !bytes.Equal(again(second, secondEvent), written) {
			t.Errorf("%x does not survive another round: %v", record, err)
		}
	})
}

// benchFacts are a session's beginning, as most are, and a page view.
func benchFacts() []store.Fact {
	facts := sampleFacts()[:2]
	facts[0].(*store.SessionBegun).Values = nil
	return facts
}

func BenchmarkEncode(b *testing.B) {
	for _, fact := range benchFacts() {
		b.Run(reflect.TypeOf(fact).Elem().Name(), func(b *testing.B) {
			var record []byte
			b.ReportAllocs()
			for b.Loop() {
				record = appendFact(record[:0], fact)
			}
			b.ReportMetric(float64(len(record)), "bytes")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, fact := range benchFacts() {
		record := appendFact(nil, fact)
		b.Run(reflect.TypeOf(fact).Elem().Name(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := decode(record); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
