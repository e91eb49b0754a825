package jsontext

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

const hex = "0123456789abcdef"

// AppendQuoted appends a string as JSON, with nothing escaped but what JSON demands:
// quotes, backslashes and control characters. A byte that is not UTF-8 becomes U+FFFD.
func AppendQuoted(b []byte, value string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(value); {
		c := value[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(value[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, value[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, value[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
		i++
		from = i
	}
	b = append(b, value[from:]...)
	return append(b, '"')
}

// Size is how many bytes a string takes as JSON, without its quotes.
func Size(value string) int {
	size := len(value)
	for i := 0; i < len(value); {
		switch c := value[i]; {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(value[i:])
			if r == utf8.RuneError && n == 1 {
				size += len("\ufffd") - 1
			}
			i += n
			continue
		case c == '"', c == '\\', c == '\b', c == '\f', c == '\n', c == '\r', c == '\t':
			size++
		case c < ' ':
			size += len(`\u0000`) - 1
		}
		i++
	}
	return size
}

// Cut shortens a text to at most so many bytes as JSON, without its quotes, between
// characters. What it shortens is copied, so that the rest is not kept in memory.
func Cut(value string, most int) string {
	if Size(value) <= most {
		return value
	}
	end, size := 0, 0
	for end < len(value) {
		_, n := utf8.DecodeRuneInString(value[end:])
		if size += Size(value[end : end+n]); size > most {
			break
		}
		end += n
	}
	return strings.Clone(value[:end])
}

// Marshal is [json.Marshal] for what is stored: nothing is escaped but what JSON
// demands. encoding/json writes <, >, & and the line separators of Unicode in six bytes
// each, for the sake of HTML, which nothing that is stored is part of. What
// bytes of a raw value are not UTF-8 stay as they are.
func Marshal(value any) ([]byte, error) {
	b, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return unescape(b), nil
}

// needless are escapes that JSON does not demand, by what follows their \u.
var needless = map[string]string{"003c": "<", "003e": ">", "0026": "&", "2028": "\u2028", "2029": "\u2029", "fffd": "\ufffd"}

// unescape replaces needless escapes in place.
func unescape(b []byte) []byte {
	next := bytes.IndexByte(b, '\\')
	if next < 0 {
		return b
	}
	out := b[:next]
	for i := next; i < len(b); {
		if b[i] != '\\' || i+1 >= len(b) {
			out = append(out, b[i])
			i++
			continue
		}
		if b[i+1] == 'u' && i+6 <= len(b) {
			if text, ok := needless[strings.ToLower(string(b[i+2:i+6]))]; ok {
				out = append(out, text...)
				i += 6
				continue
			}
		}
		out = append(out, b[i], b[i+1])
		i += 2
	}
	return out
}
