package sqlitearchive

import (
	"encoding/binary"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/footfall-go/footfall/internal/uuidtext"
)

// A key is an id as the tables have it: a UUID in its canonical form as a blob of 16
// bytes, any other id as text. The zero key is no id, and NULL in the tables.
type key struct {
	uuid [16]byte
	text string // of an id that is no such UUID
}

func keyOf(id string) key {
	if b, ok := uuidtext.Parse(id); ok && b != [16]byte{} {
		return key{uuid: b}
	}
	return key{text: id}
}

// keyAt is the first key of those that begin with a time, as UUIDv7 do, and not before.
func keyAt(ms int64) (k key) {
	binary.BigEndian.PutUint64(k.uuid[:], uint64(max(ms, 0))<<16)
	return k
}

// String returns the id.
func (k key) String() string {
	if k.uuid == [16]byte{} {
		return k.text
	}
	text := uuidtext.String(k.uuid)
	return string(text[:])
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
