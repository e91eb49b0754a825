package memstore

import (
	"crypto/sha256"
	"time"

	"github.com/footfall-go/footfall/internal/uuidtext"
	"github.com/footfall-go/footfall/store"
)

// A record is what the store holds of a session beside its document. It has no pointers:
// records of a shard stand in one slice, and name each other by their number.
type record struct {
	key        key
	document   place
	version    int64
	expires    time.Duration // counted from Store.started
	stored     time.Duration // likewise: when the session began
	lastSeen   int64
	first      writer // most records have only one
	prev, next uint32 // neighbours in the queue; next is also that of free records
	returned   bool
}

// A key is a session's id: the 16 bytes of a UUID, otherwise of a hash.
type key [16]byte

func keyOf(id string) key {
	if k, ok := uuidtext.Parse(id); ok {
		return k
	}
	sum := sha256.Sum256([]byte(id))
	return key(sum[:16])
}

// counts are what one writer has counted.
type counts struct{ views, events, orders int64 }

func (c *counts) note(a store.Activity) {
	c.views, c.events, c.orders = max(c.views, a.Views), max(c.events, a.Events), max(c.orders, a.Orders)
}

func (c *counts) addTo(a *store.Activity) {
	a.Views += c.views
	a.Events += c.events
	a.Orders += c.orders
}

// A writer is the first of a record.
type writer struct {
	length byte            // of its name; 0: there is none
	name   [nameBytes]byte // without a pointer
	counts
}

// nameBytes is how long a writer's name usually is at most: eight letters, a dot and a
// number. One that is longer is never the first.
const nameBytes = 23

func (w *writer) is(name string) bool { return w.length != 0 && string(w.name[:w.length]) == name }

// become gives a writer without a name one, if that is no longer than usual.
func (w *writer) become(name string) bool {
	if w.length != 0 || name == "" || len(name) > nameBytes {
		return false
	}
	w.length = byte(copy(w.name[:], name))
	return true
}

// An other is a writer after the first.
type other struct {
	name string
	counts
}

// otherBytes is about what one takes, with its name.
const otherBytes = 40 + 24
