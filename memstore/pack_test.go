package memstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

const document = `{"sessionId":"01a208fa-18a5-707e-ad78-d9ccfade960c","visitorId":"01a208fa-18a5-707d-9f89-f3aee63ac1d1","customerId":null,"type":"ANONYMOUS",` +
	`"country":null,"converted":false,"orderId":null,"values":{"cart":{"json":{"id":null,"note":"a,\\"b\\":null"}}},"pageViews":0,"lastSeenAt":"2026-11-23T15:15:37.123Z"}`

func FuzzPack(f *testing.F) {
	for _, doc := range []string{
		document, `{}`, `{"a":null}`, `{"a":"null","b":",\"c\":"}`, `"01a208fa-18a5-707e-ad78-d9ccfade960c"`, `{"01a208fa-18a5-707e-ad78-d9ccfade960c":"01A208FA-18a5-707e-ad78-d9ccfade960c"}`,
		`{"t":"2026-11-23T15:15:37.123Z","u":"2026-02-30T15:15:37.123Z","v":"0000-01-01T00:00:00.000Z","w":"2026-11-23T15:15:60.123Z"}`, `"9999-12-31T23:59:59.999Z"`,
		"\x01\x00", "{\"a\x04\":1}", `{"a":"`, `nul`, "{ \n\"a\" : null }", `{"é":"é","é":"\u00e9"}`, `{"a":"\\"}`,
	} {
		f.Add([]byte(doc))
	}
	f.Add([]byte(`{"sessionId":"01a208fa-18a5-707e-ad78-d9ccfade962c""visitorId":1,"type":2}`)) // the last byte of that id is a comma's
	f.Fuzz(func(t *testing.T, doc []byte) {
		var n names
		n.pack(nil, []byte(document)) // so that names are expected
		packed, ok := n.pack(nil, doc)
		if !ok {
			if json.Valid(doc) && !bytes.ContainsAny(doc, "\t\n\r") {
				t.Fatalf("%q is JSON and was not packed", doc)
			}
			return
		}
		if got := n.unpack(packed); !bytes.Equal(got, doc) {
			t.Errorf("what was unpacked is not what was packed:\n%q\n%q", got, doc)
		}
	})
}

func TestPack_TakesHalf(t *testing.T) {
	var n names
	packed, ok := n.pack(nil, []byte(document))
	if !ok || len(packed) > len(document)*6/10 {
		t.Errorf("a document of %d bytes takes %d (%v), want at most 60 %%", len(document), len(packed), ok)
	}
}

func BenchmarkPack(b *testing.B) {
	var n names
	b.ReportAllocs()
	for b.Loop() {
		n.pack(nil, []byte(document))
	}
}

func TestPack_KeepsSoManyNames(t *testing.T) {
	var n names
	for i := range 2 * maxNames {
		doc := []byte(fmt.Sprintf(`{"name%d":%d}`, i, i))
		packed, ok := n.pack(nil, doc)
		if got := n.unpack(packed); !ok || !bytes.Equal(got, doc) {
			t.Fatalf("%s became %s (%v)", doc, got, ok)
		}
	}
	if got := len(n.known.Load().text); got != maxNames {
		t.Errorf("%d names are kept, want %d: names must not grow without a bound", got, maxNames)
	}
}

func TestPack_KeepsNothingOfValues(t *testing.T) {
	var n names
	if _, ok := n.pack(nil, []byte(`{"values":{"cart of mary@example.com":{"json":{"sku-17":1}}},"list":[{"inner":1}]}`)); !ok {
		t.Fatal("not packed")
	}
	for _, name := range n.known.Load().text {
		if name != `"values":` && name != `"list":` {
			t.Errorf("the store keeps the name %s for ever: only a document's own members are anybody's", name)
		}
	}
}
