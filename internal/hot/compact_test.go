package hot

import (
	"reflect"
	"testing"

	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// sampleDocument has something in each of its fields.
func sampleDocument(t testing.TB) live.Document {
	t.Helper()
	rec := sampleRecord()
	rec.RotatedAt = rec.AuthenticatedAt
	d := live.Document{Record: rec, Events: 3, Orders: 2, RestoredAt: rec.LastSeenAt, Series: "s-1", Unbegun: true, Unknown: none}
	for _, v := range []reflect.Value{reflect.ValueOf(d), reflect.ValueOf(d.Record), reflect.ValueOf(d.Session)} {
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("the sample leaves %s.%s empty, so a document that forgets it would not show", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
	return d
}

func TestCompact_ReadsBackAsItWas(t *testing.T) {
	for name, change := range map[string]func(*live.Document){
		"with everything": func(*live.Document) {},
		"with nothing but its ids": func(d *live.Document) {
			*d = live.Document{Series: "s-1", Unknown: none, Record: store.Record{Session: store.Session{SessionID: d.SessionID, VisitorID: d.VisitorID}}}
		},
		"of a visitor whose id is short": func(d *live.Document) { d.VisitorID = "sixteen letters!" },
		"of a visitor in upper case":     func(d *live.Document) { d.VisitorID = "0192F0A1-7B3C-7DEF-8ABC-0123456789AB" },
	} {
		want := sampleDocument(t)
		change(&want)
		doc := appendCompact(nil, &want)
		got, err := decodeCompact(want.SessionID, doc)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("a document %s reads back as\n%+v (%v), was\n%+v", name, got, err, want)
		}
		if series := compactSeries(doc); series != want.Series {
			t.Errorf("the series of a document %s is %q, want %q: each look at it would decode it", name, series, want.Series)
		}
	}
}

// What a document says is the same in both forms.
func TestCompact_SaysWhatJSONSays(t *testing.T) {
	d := sampleDocument(t)
	compact, err := decodeCompact(d.SessionID, appendCompact(nil, &d))
	if err != nil {
		t.Fatal(err)
	}
	fromJSON, err := Decode(Encode(&d))
	if err != nil || !reflect.DeepEqual(compact, fromJSON) {
		t.Errorf("as JSON the document is\n%+v (%v), compact\n%+v", fromJSON, err, compact)
	}
}

func FuzzCompact(f *testing.F) {
	d := sampleDocument(f)
	f.Add(appendCompact(nil, &d))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, err := decodeCompact(d.SessionID, doc)
		if err != nil {
			return
		}
		again, err := decodeCompact(d.SessionID, appendCompact(nil, &got))
		if err != nil || len(got.Values) == 0 && len(again.Values) == 0 && !reflect.DeepEqual(clean(got), clean(again)) {
			t.Errorf("%x reads as\n%+v, and that is written so that it reads as\n%+v (%v)", doc, got, again, err)
		}
	})
}

// clean has no values: that there are none can be written in two ways.
func clean(d live.Document) live.Document {
	d.Values = nil
	return d
}

func BenchmarkCompact(b *testing.B) {
	d := sampleDocument(b)
	d.Values = nil
	doc := appendCompact(nil, &d)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			doc = appendCompact(doc[:0], &d)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decodeCompact(d.SessionID, doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}
