package hot

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

func TestUnknownMembers(t *testing.T) {
	for doc, want := range map[string]string{
		`{"sessionId":"a","version":1}`:                                   `{}`,
		`{"sessionId":"future","values":{"future":{"json":{"later":1}}}}`: `{}`, // a value, a member of a value
		`{"sessionId":"a\\","future":[1,{"x":2}]}`:                        `{"future":[1,{"x":2}]}`,
		` { "sessionId" : "\",\"future\":1" , "later" : null } `:          `{"later":null}`,
		`{"session\u0049d":"a"}`:                                          `{}`,
	} {
		got, err := json.Marshal(unknownMembers([]byte(doc)))
		if err != nil || string(got) != want {
			t.Errorf("unknownMembers(%s) = %s, %v, want %s: members of another version survive, known ones are not kept twice", doc, got, err, want)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	at := time.Date(2026, 11, 23, 15, 15, 37, 0, time.UTC)
	d := live.Document{Series: "0123abcd-1", Record: store.Record{
		Session: store.Session{SessionID: "01a208fa-18a5-707e-ad78-d9ccfade960c", VisitorID: "01a208fa-18a5-707d-9f89-f3aee63ac1d1", LandingPage: "/products/1", StartedAt: at, LastSeenAt: at},
		Version: 1,
	}}
	doc := Encode(&d)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDocument(t *testing.T) {
	rec := sampleRecord()
	whole := live.Document{Record: rec, Unbegun: true, Unknown: map[string]json.RawMessage{}}
	doc := Encode(&whole)
	got, err := Decode(doc)
	if err != nil || !reflect.DeepEqual(got, whole) {
		t.Errorf("a document reads back as\n%+v (%v), was\n%+v", got, err, whole)
	}
	t.Run("keeps what a later version added", func(t *testing.T) {
		doc := append(bytes.TrimSuffix(bytes.Clone(doc), []byte("}")), `,"shoeSize":{"eu":43}}`...)
		got, err := Decode(doc)
		if err != nil {
			t.Fatal(err)
		}
		if again := Encode(&got); !bytes.Contains(again, []byte(`"shoeSize":{"eu":43}`)) {
			t.Errorf("a rewrite lost it: %s", again)
		}
	})
	t.Run("of a newer format cannot be known", func(t *testing.T) {
		doc := bytes.Replace(doc, []byte(`"format":1`), []byte(`"format":2`), 1)
		if _, err := Decode(doc); !errors.Is(err, store.ErrNewer) {
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
			if _, err := Decode([]byte(doc)); err == nil {
				t.Errorf("%q reads as a record", doc)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	rec := sampleRecord()
	f.Add(Encode(&live.Document{Record: rec}))
	f.Fuzz(func(t *testing.T, doc []byte) {
		d, err := Decode(doc)
		if err != nil {
			return
		}
		if _, err := Decode(Encode(&d)); err != nil {
			t.Errorf("what was read does not write and read again: %v", err)
		}
	})
}

func sampleRecord() store.Record {
	at := time.UnixMilli(1_790_000_000_123).UTC()
	rec := store.Record{Session: store.Session{
		SessionID: "s", VisitorID: "v", IPAddress: "203.0.113.0", UserAgent: "ua", Country: "DE", City: "Köln", Device: "desktop", Browser: "Firefox", OS: "Linux",
		LandingPage: "/", Referrer: "https://a.example/", Channel: "Direct", UTMSource: "1", UTMMedium: "2", UTMCampaign: "3", UTMTerm: "4", UTMContent: "5",
		PageViews: 3, StartedAt: at, LastSeenAt: at, Converted: true, OrderID: "o",
	}, Values: map[string]store.Value{"cart": {JSON: json.RawMessage(`{"1":2}`), Keep: true}}}
	rec.SetCredentials(store.Credentials{Version: 7, SecretHash: store.SecretHash{1, 2}, Superseded: store.SecretHash{3}, CustomerID: "c", AuthenticatedAt: at, EndedAt: at, EndReason: store.EndLogout})
	return rec
}

// The hot store keeps texts with the length that was sent.
func TestEncode_NothingIsEscapedForHTML(t *testing.T) {
	with := func(text string) int {
		return len(Encode(&live.Document{
			Record:  store.Record{Session: store.Session{UserAgent: text}, Values: map[string]store.Value{text: {JSON: json.RawMessage(`"` + text + `"`)}}},
			Unknown: map[string]json.RawMessage{text: json.RawMessage(`"` + text + `"`)},
		}))
	}
	for _, text := range []string{"<<<<", ">>>>", "&&&&"} {
		if plain, got := with("aaaa"), with(text); got != plain {
			t.Errorf("a document with %s has %d bytes, with aaaa %d: nothing that is stored is escaped for HTML", text, got, plain)
		}
	}
	if doc := Encode(&live.Document{Record: store.Record{Session: store.Session{UserAgent: "\u2028"}}}); !bytes.Contains(doc, []byte("\u2028")) {
		t.Errorf("a line separator is stored in six bytes: %s", doc)
	}
}
