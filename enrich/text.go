package enrich

import (
	"strings"
	"unicode/utf8"
)

// The caps, in bytes. Everything that a stranger sends passes through one of
// them before it is kept, so no request can make a stored record large.
const (
	// MaxURL caps a page's path and query, and a referrer.
	MaxURL = 2048
	// MaxUserAgent caps how much of a User-Agent header is looked at and kept.
	MaxUserAgent = 512
	// MaxUTM caps each of the five UTM values.
	MaxUTM = 256
	// MaxClickID caps a click id's value; those of today's networks are 30 to
	// 250 bytes long.
	MaxClickID = 512
	// MaxHint caps how much of each Client Hints header is looked at.
	MaxHint = 256
	// MaxQuery caps how much of a page's query is searched for UTM values and
	// click ids. It is larger than MaxURL because campaign parameters may stand
	// behind long ones. The search has no limit on the number of parameters,
	// unlike [net/url.ParseQuery], which gives up at 10,000.
	MaxQuery = 64 << 10
)

// Text returns s as text that can be stored, logged and shown: valid UTF-8,
// without control characters, at most max bytes, cut between runes.
//
// Control characters are dropped: C0, DEL, C1, the line and paragraph
// separators (they end a line in some readers) and the bidirectional overrides
// and isolates (they make a log show another text than it holds). A run of
// bytes that are not UTF-8 becomes one U+FFFD. When nothing is to do Text
// returns s itself and does not allocate. A shortened text is a copy, so that
// keeping it does not keep the megabyte it was cut from.
func Text(s string, max int) string {
	if max <= 0 {
		return ""
	}
	if i := firstDirty(s, max); i >= 0 {
		return clean(s, i, max)
	}
	if len(s) <= max {
		return s
	}
	return strings.Clone(cut(s, max))
}

// firstDirty returns the index of the first byte of s that Text must not keep,
// looking no further than the bytes that can end up in the result, or -1.
func firstDirty(s string, max int) int {
	for i := 0; i < len(s) && i < max; {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < 0x20 || c == 0x7f {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || isControl(r) {
			return i
		}
		i += n
	}
	return -1
}

// clean is Text's slow path: s[:from] is known to be clean.
func clean(s string, from, max int) string {
	var b strings.Builder
	b.Grow(min(len(s), max))
	b.WriteString(s[:from])
	bad := false // the last thing seen was a byte that is not UTF-8
	for i := from; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		invalid := r == utf8.RuneError && n == 1
		switch {
		case invalid && bad, !invalid && isControl(r):
		case b.Len()+utf8.RuneLen(r) > max:
			return b.String()
		default:
			b.WriteRune(r)
		}
		bad = invalid
		i += n
	}
	return b.String()
}

// cut shortens UTF-8 to at most max bytes without splitting a rune.
func cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return s[:max]
}

func isControl(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	case r == 0x2028, r == 0x2029:
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}
