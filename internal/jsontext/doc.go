// Package jsontext appends members of JSON objects to a buffer.
//
// It owns how JSON is written: member names in order, an unknown text or time as
// null, times in RFC 3339 with milliseconds.
// It promises the same text for strings as encoding/json, in one pass without an
// allocation for those that need no escapes.
// It never reads JSON, and what it appends is always JSON.
package jsontext
