package sqlitearchive

import (
	"encoding/binary"
	"encoding/hex"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"
)

// A key is an id as the tables have it: a UUID in its canonical form as a blob of 16
// bytes, any other id as text. The zero key is no id, and NULL in the tables.
type key struct {
	uuid [16]byte
	text string // of an id that is no such UUID
}

func keyOf(id string) (k key) {
	if len(id) == 36 && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-' && decodeHex(k.uuid[:4], id) && decodeHex(k.uuid[4:6], id[9:]) &&
		decodeHex(k.uuid[6:8], id[14:]) && decodeHex(k.uuid[8:10], id[19:]) && decodeHex(k.uuid[10:], id[24:]) && k.uuid != [16]byte{} {
		return k
	}
	return key{text: id}
}

// keyAt is the first key of those that begin with a time, as UUIDv7 do, and not before.
func keyAt(ms int64) (k key) {
	binary.BigEndian.PutUint64(k.uuid[:], uint64(max(ms, 0))<<16)
	return k
}

// decodeHex fills b with the digits that a text begins with, if all are lower-case.
func decodeHex(b []byte, text string) bool {
	for i := range b {
		high, low := hexDigits[text[2*i]], hexDigits[text[2*i+1]]
		if high|low > 15 {
			return false
		}
		b[i] = high<<4 | low
	}
	return true
}

// hexDigits has the value of each lower-case digit, and 255 for what is none.
var hexDigits = func() (values [256]byte) {
	for i := range values {
		values[i] = byte(strings.IndexByte("0123456789abcdef", byte(i)))
	}
	return values
}()

// String returns the id.
func (k key) String() string {
	if k.uuid == [16]byte{} {
		return k.text
	}
	var b [36]byte
	for _, part := range [...]struct{ at, from, to int }{{0, 0, 4}, {9, 4, 6}, {14, 6, 8}, {19, 8, 10}, {24, 10, 16}} {
		hex.Encode(b[part.at:], k.uuid[part.from:part.to])
	}
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// arg returns the key as an argument of a statement.
func (k key) arg() any {
	switch {
	case k.uuid != [16]byte{}:
		return k.uuid[:]
	case k.text != "":
		return k.text
	}
	return nil
}

// key binds a key.
func (s *stmt) key(k key) {
	switch {
	case k.uuid != [16]byte{}:
		s.blobOrNull(k.uuid[:])
	default:
		s.textOrNull(k.text)
	}
}

// columnKey returns a key in a column of the row.
func (s *stmt) columnKey(column int32) (k key) {
	if sqlite3.Xsqlite3_column_type(s.c.tls, s.p, column) != sqlite3.SQLITE_BLOB {
		return key{text: s.columnText(column)}
	}
	copy(k.uuid[:], s.columnView(column))
	return k
}

// idText is the SQL expression for the id that a key stands for.
func idText(key string) string {
	r := strings.NewReplacer("KEY", key)
	return r.Replace(`CASE typeof(KEY) WHEN 'blob' THEN lower(hex(substr(KEY, 1, 4)) || '-' || hex(substr(KEY, 5, 2)) || '-' || hex(substr(KEY, 7, 2)) || '-' || hex(substr(KEY, 9, 2)) || '-' || hex(substr(KEY, 11))) ELSE KEY END`)
}
