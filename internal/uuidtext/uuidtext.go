// Package uuidtext reads and writes UUIDs in their canonical form, 36 characters in lower
// case, without allocating. Anything else is no UUID for it: an id that would be read in
// two forms would be two ids for whoever compares texts.
package uuidtext

import "strings"

// Length is how many characters a UUID has.
const Length = 36

// at is where the two digits of each byte stand.
var at = [16]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

const digits = "0123456789abcdef"

// values has the value of each digit, and 255 for what is none.
var values = func() (values [256]byte) {
	for c := range values {
		values[c] = byte(strings.IndexByte(digits, byte(c)))
	}
	return values
}()

// Parse reads a UUID, and reports whether the text is one.
func Parse[T ~string | ~[]byte](text T) (id [16]byte, ok bool) {
	if len(text) != Length || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	for i, n := range at {
		high, low := values[text[n]], values[text[n+1]]
		if high|low > 15 {
			return [16]byte{}, false
		}
		id[i] = high<<4 | low
	}
	return id, true
}

// Append appends a UUID.
func Append(b []byte, id [16]byte) []byte {
	text := String(id)
	return append(b, text[:]...)
}

// String is the characters of a UUID.
func String(id [16]byte) (text [Length]byte) {
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	for i, n := range at {
		text[n], text[n+1] = digits[id[i]>>4], digits[id[i]&15]
	}
	return text
}
