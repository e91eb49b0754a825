package footfall

import (
	"encoding/json"
	"time"
)

// jsonTime is how times are written in JSON: RFC 3339 with milliseconds.
const jsonTime = "2006-01-02T15:04:05.000Z07:00"

func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendMember(b []byte, name, value string) []byte {
	b = appendName(b, name)
	if value == "" {
		return append(b, "null"...)
	}
	return appendQuoted(b, value)
}

// appendQuoted appends a string as encoding/json writes it. Nearly all need no
// escapes: that is seen at one look, without the allocation.
func appendQuoted(b []byte, value string) []byte {
	if isPlainJSON(value) {
		b = append(b, '"')
		b = append(b, value...)
		return append(b, '"')
	}
	quoted, err := json.Marshal(value)
	if err != nil { // cannot happen: a string always has a JSON form
		return append(b, "null"...)
	}
	return append(b, quoted...)
}

// isPlainJSON says that a string stands for itself between quotes.
func isPlainJSON(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// appendRaw appends what is JSON already; nothing is null.
func appendRaw(b []byte, name string, value json.RawMessage) []byte {
	b = appendName(b, name)
	if len(value) == 0 {
		return append(b, "null"...)
	}
	return append(b, value...)
}

func appendTime(b []byte, name string, t time.Time) []byte {
	b = appendName(b, name)
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, jsonTime)
	return append(b, '"')
}
