package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/store"
)

const (
	tagInt   = 0
	tagBytes = 1
)

// ErrMalformed is wrapped by the error of what is no list of fields.
var ErrMalformed = errors.New("malformed record")

// A Wire writes the fields of something, or reads them: both by one walk over the list
// of its fields. Reading, a walk takes the fields in the order of the list, in which
// they were written; a field that the list does not know ends it, is skipped by
// [Wire.More], and the next walk takes the rest.
type Wire struct {
	reading bool
	out     []byte // what was written

	rest    string // what is to be read, a string so that the texts in it need no copies
	present bool   // there is a field:
	field   byte
	num     int64
	text    string
	started bool // the first field was read
	taken   bool // this walk took a field
	err     error
}

// Write returns a Wire that writes behind b.
func Write(b []byte) Wire { return Wire{out: b} }

// Read returns a Wire that reads. The texts that it reads are parts of text.
func Read(text string) Wire { return Wire{reading: true, rest: text} }

// Written is what was written.
func (w *Wire) Written() []byte { return w.out }

// Err says why what was to be read is malformed; it wraps [ErrMalformed].
func (w *Wire) Err() error { return w.err }

// More reports whether there are fields left to walk for. A field that the walk
// before has not taken is skipped: the list does not know it.
func (w *Wire) More() bool {
	if !w.started || w.present && !w.taken {
		w.next()
	}
	w.started, w.taken = true, false
	return w.present && w.err == nil
}

// next reads a field.
func (w *Wire) next() {
	w.present = false
	if w.err != nil || len(w.rest) == 0 {
		return
	}
	tag := w.rest[0]
	w.rest = w.rest[1:]
	w.field, w.num, w.text = tag>>1, 0, ""
	n, ok := w.uvarint()
	if !ok {
		w.err = fmt.Errorf("%w: field %d: bad number", ErrMalformed, w.field)
		return
	}
	w.present = true
	if tag&1 == tagInt {
		w.num = int64(n>>1) ^ -int64(n&1) // zigzag
		return
	}
	if n > uint64(len(w.rest)) {
		w.err, w.present = fmt.Errorf("%w: field %d: bad length", ErrMalformed, w.field), false
		return
	}
	w.text, w.rest = w.rest[:n], w.rest[n:]
}

func (w *Wire) uvarint() (n uint64, ok bool) {
	for i := 0; i < len(w.rest) && i < binary.MaxVarintLen64; i++ {
		c := w.rest[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			w.rest = w.rest[i+1:]
			return n, true
		}
	}
	return 0, false
}

// at reports whether the field to be read is that one, and then it is taken.
func (w *Wire) at(field byte) bool {
	if !w.present || w.field != field {
		return false
	}
	w.taken = true
	return true
}

// Text writes or reads a text; the empty text is left out.
func (w *Wire) Text(field byte, s *string) {
	if !w.reading {
		w.out = appendBytes(w.out, field, *s)
	} else if w.at(field) {
		*s = w.text
		w.next()
	}
}

// Raw writes or reads JSON.
func (w *Wire) Raw(field byte, m *json.RawMessage) {
	if !w.reading {
		w.out = appendBytes(w.out, field, *m)
	} else if w.at(field) {
		*m = json.RawMessage(w.text)
		w.next()
	}
}

func (w *Wire) Int(field byte, n *int64) {
	if !w.reading {
		w.out = appendInt(w.out, field, *n)
	} else if w.at(field) {
		*n = w.num
		w.next()
	}
}

// Time writes or reads a time in Unix milliseconds; the zero time is left out.
func (w *Wire) Time(field byte, t *time.Time) {
	if !w.reading {
		w.out = appendInt(w.out, field, clock.Millis(*t))
	} else if w.at(field) {
		*t = clock.FromMillis(w.num)
		w.next()
	}
}

func (w *Wire) Flag(field byte, v *bool) {
	if !w.reading {
		if *v {
			w.out = appendInt(w.out, field, 1)
		}
	} else if w.at(field) {
		*v = w.num != 0
		w.next()
	}
}

// Hash writes or reads the hash of a secret; no hash is left out.
func (w *Wire) Hash(field byte, h *store.SecretHash) {
	if !w.reading {
		if *h != (store.SecretHash{}) {
			w.out = appendBytes(w.out, field, h[:])
		}
	} else if w.at(field) {
		if len(w.text) != len(h) {
			w.err = fmt.Errorf("%w: field %d: a hash of %d bytes", ErrMalformed, field, len(w.text))
			return
		}
		copy(h[:], w.text)
		w.next()
	}
}

func appendInt(b []byte, field byte, n int64) []byte {
	if n == 0 {
		return b
	}
	b = append(b, field<<1|tagInt)
	return binary.AppendVarint(b, n)
}

func appendBytes[T ~string | ~[]byte](b []byte, field byte, s T) []byte {
	if len(s) == 0 {
		return b
	}
	b = appendUvarint(append(b, field<<1|tagBytes), len(s))
	return append(b, s...)
}

func appendUvarint(b []byte, n int) []byte { return binary.AppendUvarint(b, uint64(n)) }
