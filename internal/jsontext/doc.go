// Package jsontext appends members of JSON objects to a buffer.
//
// It owns how JSON is stored: member names in order, an unknown text or time as
// null, times in RFC 3339 with milliseconds, and nothing escaped that JSON does not
// demand, so that a text takes the bytes that it has.
// It promises that a string is written in one pass without an allocation, and that
// [Size] says how many bytes it takes.
// It never reads JSON, and what it appends is always JSON.
package jsontext
