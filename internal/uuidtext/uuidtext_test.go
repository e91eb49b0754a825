package uuidtext

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "0192f0a1-7b3c-7def-8abc-0123456789ab", "0192F0A1-7b3c-7def-8abc-0123456789ab", "0192f0a17b3c7def8abc0123456789abcdef", "{0192f0a1-7b3c-7def-8abc-0123456789a", "0192f0a1-7b3c-7def-8abc-0123456789aé"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := Parse(text)
		other, err := uuid.Parse(text)
		canonical := err == nil && other.String() == text
		if ok != canonical || ok && id != [16]byte(other) {
			t.Errorf("%q: %x, %v; package uuid says %v, %v", text, id, ok, other, err)
		}
		if again := string(Append(nil, id)); ok && again != text {
			t.Errorf("%q is written as %q", text, again)
		}
	})
}

func TestAppend(t *testing.T) {
	id := uuid.New()
	if got := string(Append([]byte("v."), id)); got != "v."+id.String() {
		t.Errorf("%s, want %s", got, strings.ToLower(id.String()))
	}
}
