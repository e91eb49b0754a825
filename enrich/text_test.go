package enrich

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ rule, in, want string }{
		{"plain text stays", "hello", "hello"},
		{"other scripts stay", "Grüße 東京 🎉", "Grüße 東京 🎉"},
		{"control characters go", "a\x00b\r\nc\td\x7f", "abcd"},
		{"C1 controls go", "a\u0085b\u009bc", "abc"},
		{"line separators go", "a\u2028b\u2029c", "abc"},
		{"bidirectional overrides go", "abc\u202egnp.exe\u2066", "abcgnp.exe"},
		{"bytes that are not UTF-8 become one mark", "a\xff\xfe\xfdb\xc3", "a\ufffdb\ufffd"},
		{"overlong encodings are not UTF-8", "a\xc0\xafb", "a\ufffdb"},
		{"surrogates are not UTF-8", "\xed\xa0\x80", "\ufffd"},
		{"a real U+FFFD stays", "a\ufffdb", "a\ufffdb"},
		{"nothing stays nothing", "", ""},
	} {
		if got := Text(tt.in, 100); got != tt.want {
			t.Errorf("%s: Text(%q) = %q, want %q", tt.rule, tt.in, got, tt.want)
		}
	}
}

func TestText_cap(t *testing.T) {
	for _, tt := range []struct {
		rule, in string
		max      int
		want     string
	}{
		{"bytes count", "abcdef", 3, "abc"},
		{"a rune is not split", "aé€🎉", 2, "a"},
		{"a rune that just fits stays", "aé€🎉", 3, "aé"},
		{"nor split after dropping", "\x00aé€", 2, "a"},
		{"dropped bytes do not count", "\x00\x00\x00abc", 3, "abc"},
		{"the mark for bad bytes counts", "a\xffb", 3, "a"},
		{"no room", "abc", 0, ""},
		{"negative room", "abc", -1, ""},
	} {
		if got := Text(tt.in, tt.max); got != tt.want {
			t.Errorf("%s: Text(%q, %d) = %q, want %q", tt.rule, tt.in, tt.max, got, tt.want)
		}
	}
}

func TestText_doesNotAllocate(t *testing.T) {
	s := strings.Repeat("Grüße ", 10)
	if n := testing.AllocsPerRun(100, func() { Text(s, 1000) }); n != 0 {
		t.Errorf("Text of clean text allocates %v times, want 0", n)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "abc", "a\x00\xff", "é€🎉", "\u202e", "\xed\xa0\x80"} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, s string, max int) {
		got := Text(s, max)
		if len(got) > max && got != "" {
			t.Errorf("Text(%q, %d) has %d bytes", s, max, len(got))
		}
		mustBeText(t, got)
		if again := Text(got, max); again != got {
			t.Errorf("Text(%q) = %q, and again %q", s, got, again)
		}
	})
}

// mustBeText fails for text that must not be stored, logged or shown.
func mustBeText(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%q is not UTF-8", s)
	}
	if i := strings.IndexFunc(s, isControl); i >= 0 {
		t.Errorf("%q has a control character", s)
	}
}

func BenchmarkText(b *testing.B) {
	s := "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"
	b.ReportAllocs()
	for b.Loop() {
		Text(s, MaxUserAgent)
	}
}
