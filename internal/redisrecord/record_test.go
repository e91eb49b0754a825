package redisrecord

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

const tail = `"pageViews":3,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`

// encode does what put.lua does with its arguments when no activity was merged.
func encode(t testing.TB, doc string, version string) string {
	args, err := PutArgs("s-1", []byte(doc), 0, 5, time.Minute)
	if err != nil {
		t.Fatalf("%q: %v", doc, err)
	}
	shown := ""
	if views, at, ok := strings.Cut(args[3], "@"); ok {
		shown = `"pageViews":` + views + `,"lastSeenAt":"` + at + `",`
	}
	return args[4] + shown + `"activity":"1 ` + version + " s-1 " + args[3] + ` 0"}`
}

var documents = []string{
	`{}`, `{ }`, "{\n}\n", ` {"a":1}`, "{\"a\":1}\r\n", "{\"a\":1 } \t", `{"activity":"x"}`, `{"a":1,"activity":"1 5 s 3@2026-01-01T00:00:00.000Z 0"}`,
	`{` + tail, `{"a":1,` + tail, `{"a":1, ` + tail, `{"a":1,` + tail + "\n", `{"x\"pageViews":3,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`, `{"x,\"` + tail[1:],
	`{"a":1,"pageViews":9007199254740992,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`, `{"a":1,"pageViews":9007199254740993,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`,
	`{"a":1,"pageViews":3,"lastSeenAt":null}`, `{"a":1,"pageViews":3e0,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`, `{"a":1,"pageViews":-3,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`,
	`{"a":1,` + tail[:len(tail)-1] + `,` + tail, `{"a":",\"activity\":\"1 2 s - 0"}`,
}

func TestDecode_RestoresDocuments(t *testing.T) {
	for _, doc := range documents {
		value := encode(t, doc, "5")
		if got, version, all, err := Decode([]byte(value)); string(got) != doc || version != 5 || all != (store.Activity{}) || err != nil {
			t.Errorf("%q lies as %q and comes back as %q, %d, %+v, %v", doc, value, got, version, all, err)
		}
		if json.Valid([]byte(doc)) && !json.Valid([]byte(value)) {
			t.Errorf("%q lies as %q, which is no JSON", doc, value)
		}
	}
}

func TestDecode_SumsWriters(t *testing.T) {
	value := `{"a":1,"pageViews":12,"lastSeenAt":"2026-09-21T13:33:20.000Z","activity":"1 9007199254740991 s 3@2026-01-01T00:00:00.000Z 1790000000000 a.1=4+3+1 b=5+2+0"}`
	doc, version, all, err := Decode([]byte(value))
	if string(doc) != `{"a":1,`+tail || version != 1<<53-1 || all != (store.Activity{Views: 9, Events: 5, Orders: 1, LastSeen: 1790000000000}) || err != nil {
		t.Errorf("Decode = %s, %d, %+v, %v", doc, version, all, err)
	}
}

func TestDecode_ForeignValues(t *testing.T) {
	for _, value := range []string{
		``, `x`, `"}`, `{}`, `null`, `{"a":"}`, `{"activity":"1 of many"}`, `{"activity":"12 days"}`, `{"activity":"1 5 s - 0 w=1+0+0 "}`, `{"activity":"1 5 s - 0 "}`,
		`{"activity":"1 05 s - 0"}`, `{"activity":"1 5 s! - 0"}`, `{"activity":"1 5 s 3@2026-01-01T00:00:00.000Z 0"}`, `{"activity":"1 5 s -9 0"}`, `{"activity":"1 5 s - -1"}`,
		`{"activity":"1 5 s - 0 w=-1+0+0"}`, `{"activity":"1 5 s - 0 w=1"}`, `{"activity":"1 5 s - 0 w=1+0"}`, `{"activity":"1 5 s - 0 w=1+0+00"}`, `{"activity":"1 5 s - 0 w"}`, `{"activity":"0 5 s - 0"}`, `{"activity":"1 5 s - 0"} `, `{"Activity":"1 5 s - 0"}`,
	} {
		if doc, version, all, err := Decode([]byte(value)); string(doc) != value || version != 0 || all != (store.Activity{}) || err != nil {
			t.Errorf("Decode(%q) = %q, %d, %+v, %v", value, doc, version, all, err)
		}
	}
	if _, _, _, err := Decode([]byte(`{"activity":"2 17 s what comes later"}`)); err == nil {
		t.Error("a record of a later format reads without an error: what it says cannot be known")
	}
}

func TestArgs_Refuse(t *testing.T) {
	for _, doc := range []string{"", "x", "null", "[]", `"}`, "}", " } ", "{"} {
		if _, err := PutArgs("s", []byte(doc), 0, 1, time.Second); err == nil {
			t.Errorf("PutArgs takes %q: a document is a JSON object", doc)
		}
	}
	for _, word := range []string{"", " ", "a b", `a"`, "a=1", "ä"} {
		if _, err := PutArgs(word, []byte("{}"), 0, 1, time.Second); err == nil {
			t.Errorf("PutArgs takes the series %q", word)
		}
		if _, err := MergeArgs("s", word, store.Activity{Views: 1, LastSeen: 1}, time.Second); err == nil {
			t.Errorf("MergeArgs takes the writer %q", word)
		}
	}
	for ttl, want := range map[time.Duration]string{-1: "0", 0: "0", 1: "1", time.Millisecond: "1", time.Millisecond + 1: "2", 1<<63 - 1: "9223372036855"} {
		if got := milliseconds(ttl); got != want {
			t.Errorf("milliseconds(%v) = %s, want %s", ttl, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, doc := range documents {
		f.Add([]byte(doc))
		f.Add([]byte(encode(f, doc, "5")))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		kept := bytes.Clone(value)
		doc, version, _, _ := Decode(value)
		if !bytes.Equal(value, kept) {
			t.Fatal("Decode changed its argument")
		}
		if version == 0 && doc != nil && !bytes.Equal(doc, kept) {
			if !bytes.Contains(kept, []byte(`"activity":"1 0 `)) {
				t.Fatalf("%q is of version 0 and comes back as %q", kept, doc)
			}
		}
		if !json.Valid(value) || bytes.TrimLeft(value, blanks)[0] != '{' {
			return
		}
		lies := encode(t, string(value), "7")
		if got, version, _, err := Decode([]byte(lies)); !bytes.Equal(got, value) || version != 7 || err != nil {
			t.Fatalf("%q lies as %q and comes back as %q, %d, %v", value, lies, got, version, err)
		}
		if !json.Valid([]byte(lies)) {
			t.Fatalf("%q lies as %q, which is no JSON", value, lies)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	value := []byte(`{"a":"` + strings.Repeat("x", 800) + `","pageViews":12,"lastSeenAt":"2026-09-21T13:33:20.000Z","activity":"1 1790000000000 s 3@2026-01-01T00:00:00.000Z 1790000000000 a.1=4+3+1 b=5+2+0"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, version, _, _ := Decode(value); version == 0 {
			b.Fatal("foreign")
		}
	}
}
