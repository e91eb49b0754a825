package footfall

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/live"
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

func BenchmarkStage_DecodeDocument(b *testing.B) {
	at := time.Date(2026, 11, 23, 15, 15, 37, 0, time.UTC)
	d := live.Document{Series: "0123abcd-1", Record: Record{
		Session: Session{SessionID: "01a208fa-18a5-707e-ad78-d9ccfade960c", VisitorID: "01a208fa-18a5-707d-9f89-f3aee63ac1d1", LandingPage: "/products/1", StartedAt: at, LastSeenAt: at},
		Version: 1,
	}}
	doc := encodeDocument(&d)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeHot(doc); err != nil {
			b.Fatal(err)
		}
	}
}
