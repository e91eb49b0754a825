package jsontext

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// What is stored takes the bytes that were sent: only quotes, backslashes and control
// characters are escaped.
func TestNothingIsEscapedForHTML(t *testing.T) {
	const text = "<<<<>&\u2028\u2029'é🛒"
	if got := string(AppendQuoted(nil, text)); got != `"`+text+`"` {
		t.Errorf("AppendQuoted(%q) = %s: a stored text takes the bytes that were sent", text, got)
	}
	for _, value := range []any{text, map[string]string{text: text}, []string{text}, json.RawMessage(`"` + text + `"`), json.RawMessage(`"\u003C\u2028"`)} {
		got, err := Marshal(value)
		if err != nil || bytes.Contains(got, []byte(`\u`)) {
			t.Errorf("Marshal(%#v) = %s, %v: nothing that is stored is escaped for HTML", value, got, err)
		}
	}
	const backslashes = `{"\\u003c":"\\\\u003c","a":"\\\u003c\u0000"}`
	got, err := Marshal(json.RawMessage(backslashes))
	if want := `{"\\u003c":"\\\\u003c","a":"\\<\u0000"}`; err != nil || string(got) != want {
		t.Errorf("Marshal(%s) = %s, %v, want %s: what is not an escape stays", backslashes, got, err, want)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"abc", 3, "abc"}, {"abc", 2, "ab"}, {"abc", 0, ""}, {`a"c`, 3, `a"`}, {`a"c`, 2, "a"}, {"aé", 2, "a"}, {"aé", 3, "aé"}, {"🛒🛒", 7, "🛒"}, {"\x01b", 5, ""},
	} {
		if got := Cut(c.text, c.most); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q: a text is cut to its size as JSON, between characters", c.text, c.most, got, c.want)
		}
	}
}

func FuzzAppendQuoted(f *testing.F) {
	for _, s := range []string{"", "plain", `"`, `\`, "<a&b>", "\x00\x1f\x7f\b\f\n\r\t", "é", "\xff", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		inJSON, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var want, back string
		got := AppendQuoted(nil, s)
		if err := json.Unmarshal(inJSON, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got, &back); err != nil || back != want {
			t.Errorf("AppendQuoted(%q) = %s, which reads as %q, %v", s, got, back, err)
		}
		if marshalled, err := Marshal(s); err != nil || string(marshalled) != string(got) {
			t.Errorf("Marshal(%q) = %s, AppendQuoted writes %s", s, marshalled, got)
		}
		if Size(s) != len(got)-2 {
			t.Errorf("Size(%q) = %d, and it takes %d bytes", s, Size(s), len(got)-2)
		}
		cut := Cut(s, len(s)/2)
		if Size(cut) > len(s)/2 || !strings.HasPrefix(s, cut) || utf8.ValidString(s) && !utf8.ValidString(cut) {
			t.Errorf("Cut(%q, %d) = %q", s, len(s)/2, cut)
		}
	})
}

// One damaged value must not make all that is beside it unreadable.
func TestAppendRaw_IsAlwaysJSON(t *testing.T) {
	for raw, want := range map[string]string{"": "null", `{"a":[1]}`: `{"a":[1]}`, `"x"`: `"x"`, "{": `"{"`, "{}\x1b": `"{}\u001b"`, `1,"b":2`: `"1,\"b\":2"`, "\"\xff\"": "\"\\\"\ufffd\\\"\""} {
		got := append(AppendRaw([]byte("{"), "a", json.RawMessage(raw)), '}')
		if string(got) != `{"a":`+want+"}" || !json.Valid(got) {
			t.Errorf("the value %q is written as %s, want %s", raw, got, want)
		}
	}
}
