package cookie

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
)

type cookieVector struct{ Name, Secret, Value, Cookie string }

func readVectors(t testing.TB) []cookieVector {
	t.Helper()
	b, err := os.ReadFile("../../testdata/cookies/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []cookieVector
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

// The vectors were made by the real cookie-parser: see scripts/interop.
func TestKeyRing_ExpressVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		ring := NewKeyRing([]string{v.Secret})
		if len(v.Cookie) <= MaxLength {
			value, _, ok := ring.Verify(nil, v.Cookie)
			if !ok || string(value) != v.Value {
				t.Errorf("%s: Express's cookie %q verifies as %q, %v; want %q", v.Name, v.Cookie, value, ok, v.Value)
			}
		}
		if got := ring.Sign(v.Value); got != v.Cookie {
			t.Errorf("%s: signed %q, Express signs %q", v.Name, got, v.Cookie)
		}
		if _, _, ok := NewKeyRing([]string{v.Secret + "x"}).Verify(nil, v.Cookie); ok {
			t.Errorf("%s: another secret verified the cookie", v.Name)
		}
	}
}

// TestKeyRing_NodeReadsOurs lets the real cookie-parser read what this package
// signs.
func TestKeyRing_NodeReadsOurs(t *testing.T) {
	var in bytes.Buffer
	var want []string
	for i := range 50 {
		secrets := []string{fmt.Sprintf("the first secret, number %d, is long enough", i), "an older secret that is long enough too"}
		signer := NewKeyRing(secrets[i%2:])
		token := Token{ID: clock.NewID(), Secret: NewSecret()}
		visitor := VisitorValue(clock.NewID())
		line, err := json.Marshal(map[string]any{"secrets": secrets, "cookie": "session=" + signer.Sign(token.Value()) + "; visitor_id=" + signer.Sign(visitor)})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
		want = append(want, token.Value(), visitor)
	}
	cmd := exec.CommandContext(t.Context(), "node", "../../scripts/interop/verify.js")
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node scripts/interop/verify.js: %v (make setup installs what it needs)", err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		var got struct{ SignedCookies map[string]any }
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if got.SignedCookies["session"] != want[2*i] || got.SignedCookies["visitor_id"] != want[2*i+1] {
			t.Errorf("cookie-parser reads %v; signed were %q and %q", got.SignedCookies, want[2*i], want[2*i+1])
		}
	}
}

// The grammars of signed values are disjoint: no signed text of one kind passes
// for another.
func TestCookieValues_Disjoint(t *testing.T) {
	token := Token{ID: clock.NewID(), Secret: NewSecret()}
	visitor := VisitorValue(clock.NewID())
	if got, ok := ParseSession([]byte(token.Value())); !ok || got != token {
		t.Errorf("a session value does not read back: %v %v", got, ok)
	}
	if _, ok := ParseVisitor([]byte(token.Value())); ok {
		t.Error("a session value passes for a visitor's")
	}
	if _, ok := ParseSession([]byte(visitor)); ok {
		t.Error("a visitor value passes for a session's")
	}
	for _, text := range []string{"", "v1.", "550e8400-e29b-41d4-a716-446655440000", strings.ToUpper(token.Value()), token.Value() + "x",
		"j:" + token.Value(), token.Value()[:79], strings.Replace(token.Value(), ".", "-", 1), "v2." + visitor[3:]} {
		if _, ok := ParseSession([]byte(text)); ok {
			t.Errorf("%q passes for a session value", text)
		}
		if _, ok := ParseVisitor([]byte(text)); ok {
			t.Errorf("%q passes for a visitor value", text)
		}
	}
}

func TestEachCookie(t *testing.T) {
	many := strings.Repeat("a=b; ", 5000)
	for _, c := range []struct {
		name   string
		header []string
		want   string
	}{
		{"plain", []string{"session=1"}, "1"},
		{"among others", []string{"a=b; session=1;c=d"}, "1"},
		{"several, in order", []string{"session=1; session=2", "session=3"}, "1 2 3"},
		{"quoted", []string{`session="1"`}, "1"},
		{"another name's end", []string{"xsession=1; session_x=2; session"}, ""},
		{"case", []string{"Session=1"}, ""},
		{"after thousands", []string{many + "session=1"}, "1"},
		{"too many of them", []string{strings.Repeat("session=x; ", 100)}, "x x x x x x x x"},
	} {
		var got []string
		Each(http.Header{"Cookie": c.header}, "session", func(wire string) bool {
			got = append(got, wire)
			return false
		})
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	ring := NewKeyRing([]string{"a secret that is long enough for this", "another secret that is long enough too"})
	f.Add(ring.Sign("v1." + clock.NewID().String()))
	f.Add("s%3Atobi.P7EsAQHpzoSEf0BFOllXwa%2F2xMsd5uceg8nZIFDl%2Fdg")
	f.Add("s:.")
	f.Add("%")
	f.Fuzz(func(t *testing.T, wire string) {
		value, _, ok := ring.Verify(nil, wire)
		if !ok {
			return
		}
		if again, _, ok := ring.Verify(nil, ring.Sign(string(value))); !ok || !bytes.Equal(again, value) {
			t.Errorf("what verified as %q does not sign and verify again", value)
		}
	})
}

func FuzzSignVerify(f *testing.F) {
	ring := NewKeyRing([]string{"a secret that is long enough for this"})
	f.Add("v1.x")
	f.Add("with.dots and ünïcode%")
	f.Fuzz(func(t *testing.T, value string) {
		wire := ring.Sign(value)
		if strings.ContainsAny(wire, " ;,\"\\\r\n") {
			t.Fatalf("%q signs as %q, which is no cookie value", value, wire)
		}
		if len(wire) > MaxLength {
			return
		}
		got, old, ok := ring.Verify(nil, wire)
		if !ok || old || string(got) != value {
			t.Errorf("%q signs as %q and verifies as %q, %v", value, wire, got, ok)
		}
	})
}

// A line is what net/http writes for the same cookie.
func TestAttributes_TheLineIsThatOfNetHTTP(t *testing.T) {
	ring := NewKeyRing([]string{"8rN3sPq0vXy2LwKcTz5uHb7mJd1eGf4a"})
	token, visitor := Token{ID: clock.NewID(), Secret: NewSecret()}, clock.NewID()
	for _, a := range []Attributes{{Name: "session", Secure: true, HTTPOnly: true}, {Name: "v"}, {Name: strings.Repeat("long", 200), Secure: true}} {
		h := http.Header{}
		a.SetSession(h, ring, &token, 90*time.Minute+time.Millisecond)
		a.SetVisitor(h, ring, visitor, 365*24*time.Hour)
		a.Clear(h)
		for i, value := range []string{ring.Sign(token.Value()), ring.Sign(VisitorValue(visitor)), ""} {
			got, err := http.ParseSetCookie(h["Set-Cookie"][i])
			if err != nil {
				t.Fatal(err)
			}
			age := []int{90*60 + 1, 365 * 24 * 3600, -1}[i]
			want := http.Cookie{Name: a.Name, Value: value, Path: "/", MaxAge: age, Expires: got.Expires, Secure: a.Secure, HttpOnly: a.HTTPOnly, SameSite: http.SameSiteLaxMode}
			if h["Set-Cookie"][i] != want.String() || got.Expires.IsZero() {
				t.Errorf("the line is\n%s\nwant\n%s", h["Set-Cookie"][i], want.String())
			}
		}
	}
}
