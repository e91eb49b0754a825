package footfall

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/live"
)

func sampleFacts() []Fact {
	at := time.UnixMilli(1_790_000_000_123).UTC()
	cred := Credentials{Version: 7, SecretHash: SecretHash{1, 2}, Superseded: SecretHash{3}, CustomerID: "c", AuthenticatedAt: at, EndedAt: at, EndReason: EndLogout}
	rec := Record{Session: Session{
		SessionID: "s", VisitorID: "v", IPAddress: "203.0.113.0", UserAgent: "ua", Country: "DE", City: "Köln", Device: "desktop", Browser: "Firefox", OS: "Linux",
		LandingPage: "/", Referrer: "https://a.example/", Channel: "Direct", UTMSource: "1", UTMMedium: "2", UTMCampaign: "3", UTMTerm: "4", UTMContent: "5",
		PageViews: 3, StartedAt: at, LastSeenAt: at, Converted: true, OrderID: "o",
	}, Values: map[string]Value{"cart": {JSON: json.RawMessage(`{"1":2}`), Keep: true}}}
	rec.SetCredentials(cred)
	return []Fact{
		&SessionBegun{Record: rec},
		&EventRecorded{Event: Event{EventID: "e", SessionID: "s", VisitorID: "v", EventType: "page_view", Page: "/?a=b", ProductID: "p", Metadata: json.RawMessage(`{"a":1}`), CreatedAt: at}},
		&EventPending{EventRecorded: EventRecorded{Event: Event{EventID: "e", SessionID: "s", VisitorID: "v", EventType: "page_view", Page: "/?a=b", ProductID: "p", Metadata: json.RawMessage(`{"a":1}`), CreatedAt: at}}, SecretHash: SecretHash{4}},
		&SessionSeen{SessionID: "s", At: at},
		&CredentialsChanged{SessionID: "s", Cred: cred},
		&CustomerRevoked{CustomerID: "c", Before: at},
		&ValueSet{SessionID: "s", Key: "k", Value: Value{JSON: json.RawMessage(`1`), Keep: true}, At: at},
		&OrderPlaced{Order: Order{OrderID: "o", SessionID: "s", VisitorID: "v", CustomerID: "c", Total: Money{Amount: 1999, Currency: "EUR"}, Metadata: json.RawMessage(`{}`), CreatedAt: at}, EventID: "e"},
		&OrderRefunded{RefundID: "r", OrderID: "o", SessionID: "s", VisitorID: "v", Amount: Money{Amount: 5, Currency: "EUR"}, EventID: "e", At: at},
		&BotSeen{EventID: "e", Reason: "crawler", UserAgent: "bot", IPAddress: "203.0.113.0", Page: "/", At: at},
		&SessionsFolded{Into: "a", Folded: "b", Visitor: "v"},
		&VisitsUncounted{EventID: "e", Minute: at, Reason: "cap", Count: 12},
	}
}

func TestFactWire_RoundTrip(t *testing.T) {
	for _, fact := range sampleFacts() {
		record := appendFact(nil, fact)
		got, err := decodeFact(record)
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
}

func TestFactWire_SkipsUnknownFields(t *testing.T) {
	record := appendFact(nil, &SessionSeen{SessionID: "s", At: time.UnixMilli(5).UTC()})
	record = appendString(record, 100, "from a later version")
	record = appendInt(record, 101, 12)
	got, err := decodeFact(record)
	if seen, ok := got.(*SessionSeen); err != nil || !ok || seen.SessionID != "s" || seen.At.UnixMilli() != 5 {
		t.Errorf("a record with fields of a later version reads as %+v, %v", got, err)
	}
}

func FuzzDecodeFact(f *testing.F) {
	for _, fact := range sampleFacts() {
		f.Add(appendFact(nil, fact))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		fact, err := decodeFact(record)
		if err != nil {
			return
		}
		again := appendFact(nil, fact)
		second, err := decodeFact(again)
		if err != nil || !bytes.Equal(appendFact(nil, second), again) {
			t.Errorf("%+v does not survive another round: %v", fact, err)
		}
	})
}

func TestHotDocument(t *testing.T) {
	rec := sampleFacts()[0].(*SessionBegun).Record
	whole := live.Document{Record: rec, Unbegun: true, Unknown: map[string]json.RawMessage{}}
	doc := encodeDocument(&whole)
	got, err := decodeHot(doc)
	if err != nil || !reflect.DeepEqual(got, whole) {
		t.Errorf("a document reads back as\n%+v (%v), was\n%+v", got, err, whole)
	}
	t.Run("keeps what a later version added", func(t *testing.T) {
		doc := append(bytes.TrimSuffix(bytes.Clone(doc), []byte("}")), `,"shoeSize":{"eu":43}}`...)
		got, err := decodeHot(doc)
		if err != nil {
			t.Fatal(err)
		}
		if again := encodeDocument(&got); !bytes.Contains(again, []byte(`"shoeSize":{"eu":43}`)) {
			t.Errorf("a rewrite lost it: %s", again)
		}
	})
	t.Run("of a newer format cannot be known", func(t *testing.T) {
		doc := bytes.Replace(doc, []byte(`"format":1`), []byte(`"format":2`), 1)
		if _, err := decodeHot(doc); !errors.Is(err, errNewerFormat) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("holds no secret", func(t *testing.T) {
		var members map[string]any
		if err := json.Unmarshal(doc, &members); err != nil {
			t.Fatal(err)
		}
		if _, there := members["secret"]; there {
			t.Error("a document has a secret: only its hash may be stored")
		}
	})
	t.Run("that is broken is an error", func(t *testing.T) {
		for _, doc := range []string{"", "{", "[]", `{"format":1,"secretHash":"%%"}`, `{"startedAt":5}`} {
			if _, err := decodeHot([]byte(doc)); err == nil {
				t.Errorf("%q reads as a record", doc)
			}
		}
	})
}

func FuzzDecodeHot(f *testing.F) {
	rec := sampleFacts()[0].(*SessionBegun).Record
	f.Add(encodeDocument(&live.Document{Record: rec}))
	f.Fuzz(func(t *testing.T, doc []byte) {
		d, err := decodeHot(doc)
		if err != nil {
			return
		}
		if _, err := decodeHot(encodeDocument(&d)); err != nil {
			t.Errorf("what was read does not write and read again: %v", err)
		}
	})
}
