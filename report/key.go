package report

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/footfall-go/footfall/enrich"
)

// PageKey returns the key of a page: its path, escapes decoded where that gives text that
// can be printed, in Unicode's form NFC, without a slash at its end, and without query
// and fragment. Its case is kept. Unknown is unknown.
func PageKey(page string) string {
	if i := strings.IndexAny(page, "?#"); i >= 0 {
		page = page[:i]
	}
	if strings.IndexByte(page, '%') >= 0 {
		page = decodePath(page)
	}
	if len(page) > 1 && strings.HasSuffix(page, "/") {
		page = page[:len(page)-1]
	}
	return norm.NFC.String(page)
}

// pagePart is a part of a page's key.
func pagePart(text string) string { return norm.NFC.String(decodePath(text)) }

// decodePath decodes the escapes of a path that stand for text that can be printed. Others,
// and those of characters that would make another path, stay as they are.
func decodePath(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); {
		raw := escaped(path[i:])
		if len(raw) == 0 {
			b.WriteByte(path[i])
			i++
			continue
		}
		for len(raw) > 0 {
			r, size := utf8.DecodeRune(raw)
			if r == utf8.RuneError && size <= 1 || !unicode.IsPrint(r) || strings.ContainsRune("/?#%", r) {
				b.WriteString(path[i : i+3*size])
			} else {
				b.Write(raw[:size])
			}
			i, raw = i+3*size, raw[size:]
		}
	}
	return b.String()
}

// escaped decodes the escapes at the beginning of a text.
func escaped(s string) (raw []byte) {
	for len(s) >= 3 && s[0] == '%' {
		high, low := hexDigit(s[1]), hexDigit(s[2])
		if high < 0 || low < 0 {
			break
		}
		raw, s = append(raw, byte(high<<4|low)), s[3:]
	}
	return raw
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// TextKey returns the key of a text that people type into links, such as a campaign:
// [enrich.Key].
func TextKey(s string) string { return enrich.Key(s) }

// ReferrerKey returns the key of a referrer, a URL: its host and path, as [enrich.Origin] has
// them.
func ReferrerKey(url string) string { return enrich.OriginOf(enrich.Page{Referrer: url}).Referrer }
