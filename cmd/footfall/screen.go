package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A screen is where a command prints. What stores, journals, servers and strangers'
// requests hold reaches a terminal only as text: a control character could move its
// cursor, a bidirectional one show another text than there is. Both are written as
// escapes, which are valid in JSON too. Line feeds and tabs end up as they are; a
// table's cells have theirs escaped.
type screen struct{ out io.Writer }

// Write writes p with [shown]. Each call has to end between two runes, as those of
// fmt and slog do.
func (s screen) Write(p []byte) (int, error) {
	if _, err := io.WriteString(s.out, shown(string(p), "\n\t")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// file is the file behind a screen, nil if there is none.
func file(w io.Writer) *os.File {
	if s, ok := w.(screen); ok {
		w = s.out
	}
	f, _ := w.(*os.File)
	return f
}

// shown returns a text with control characters, line and paragraph separators,
// bidirectional controls and bytes that are not UTF-8 as escapes, all but those in
// allowed.
func shown(text, allowed string) string {
	var b strings.Builder
	from := 0 // what comes before it is in b
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		invalid := r == utf8.RuneError && size == 1
		if invalid || isUnsafe(r) && !strings.ContainsRune(allowed, r) {
			b.WriteString(text[from:i])
			from = i + size
			if invalid {
				b.WriteString(`\x` + hex(uint64(text[i]), 2))
			} else {
				b.WriteString(`\u` + hex(uint64(r), 4))
			}
		}
		i += size
	}
	if from == 0 {
		return text
	}
	return b.String() + text[from:]
}

func hex(n uint64, digits int) string {
	text := strconv.FormatUint(n, 16)
	return strings.Repeat("0", max(digits-len(text), 0)) + text
}

// isUnsafe reports whether a rune tells a terminal or a reader something else than to
// show a character. All such runes have four hexadecimal digits.
func isUnsafe(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r < ' ' || r == 0x7f
	case r <= 0x9f, r == '\u2028', r == '\u2029', r == '\ufeff':
		return true
	}
	return unicode.Is(unicode.Bidi_Control, r)
}
