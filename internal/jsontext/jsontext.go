package jsontext

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// TimeLayout is how times are written: RFC 3339 with milliseconds.
const TimeLayout = "2006-01-02T15:04:05.000Z07:00"

// AppendName appends a member's name and its colon, after a comma if it is not
// the object's first.
func AppendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

// AppendString appends a member with a text; the empty text is null.
func AppendString(b []byte, name, value string) []byte {
	b = AppendName(b, name)
	if value == "" {
		return append(b, "null"...)
	}
	return AppendQuoted(b, value)
}

// AppendInt appends a member with an integer.
func AppendInt(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(AppendName(b, name), n, 10)
}

// AppendRaw appends a member whose value is JSON already; no value is null. A value
// that is damaged, so that the object would be no JSON, is appended as a string.
func AppendRaw(b []byte, name string, value json.RawMessage) []byte {
	b = AppendName(b, name)
	if len(value) == 0 {
		return append(b, "null"...)
	}
	if !json.Valid(value) || !utf8.Valid(value) {
		return AppendQuoted(b, string(value))
	}
	return append(b, value...)
}

// AppendTime appends a member with a time in UTC; the zero time is null.
func AppendTime(b []byte, name string, t time.Time) []byte {
	b = AppendName(b, name)
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, TimeLayout)
	return append(b, '"')
}
