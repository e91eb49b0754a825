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

// One damaged value must not make all that is beside it unreadable.
func TestAppendRaw_IsAlwaysJSON(t *testing.T) {
	for raw, want := range map[string]string{"": "null", `{"a":[1]}`: `{"a":[1]}`, `"x"`: `"x"`, "{": `"{"`, "{}\x1b": `"{}\u001b"`, `1,"b":2`: `"1,\"b\":2"`, "\"\xff\"": `"\"\ufffd\""`} {
		got := append(AppendRaw([]byte("{"), "a", json.RawMessage(raw)), '}')
		if string(got) != `{"a":`+want+"}" || !json.Valid(got) {
			t.Errorf("the value %q is written as %s, want %s", raw, got, want)
		}
	}
}
