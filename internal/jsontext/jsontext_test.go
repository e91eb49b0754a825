package jsontext

import (
	"encoding/json"
	"testing"
)

func FuzzAppendQuoted(f *testing.F) {
	for _, s := range []string{"", "plain", `"`, `\`, "<a&b>", "\x00\x1f\x7f", "é", "\xff", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendQuoted(nil, s); string(got) != string(want) {
			t.Errorf("AppendQuoted(%q) = %s, encoding/json writes %s", s, got, want)
		}
	})
}
