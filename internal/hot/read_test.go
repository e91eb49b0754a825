package hot

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// documents are what a process writes.
func ownDocuments() []live.Document {
	whole := live.Document{Record: sampleRecord(), Events: 5, Orders: 2, RestoredAt: time.UnixMilli(1_790_000_000_123).UTC(), Series: "f00-1", Unbegun: true}
	whole.RotatedAt = whole.RestoredAt
	plain := live.Document{Record: store.Record{Session: store.Session{SessionID: "s", StartedAt: whole.RestoredAt}}}
	nested := plain
	nested.Values = map[string]store.Value{"a": {JSON: json.RawMessage(`{"b":[{"c":"}\\\"{"}]}`)}}
	return []live.Document{whole, plain, nested}
}

func TestReadOwn_ReadsWhatIsWritten(t *testing.T) {
	for _, d := range ownDocuments() {
		doc := Encode(&d)
		got, ok := readOwn(doc)
		want, err := decodeAny(doc)
		if !ok || err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nreads as %+v, %v, want\n%+v (%v)", doc, got, ok, want, err)
		}
	}
}

// Whatever is read quickly is read as json.Unmarshal does.
func FuzzReadOwn(f *testing.F) {
	for _, d := range ownDocuments() {
		f.Add(Encode(&d))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, ok := readOwn(doc)
		if !ok {
			return
		}
		want, err := decodeAny(doc)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q reads as\n%+v, want\n%+v (%v)", doc, got, want, err)
		}
	})
}
