package live

import (
	"time"

	"github.com/footfall-go/footfall/store"
)

// Values that a session sets in a loop become one fact a key, the last, each time that
// its activity is merged into the hot store. The first ones of a window are written at
// once, so that what a shop sets now and then is in the journal before its answer.
const (
	valuesWindow = 10 * time.Second
	valuesAtOnce = 32
	maxHeld      = 64 // keys
)

// heldValues are values that the hot store has and that no fact says yet.
type heldValues struct {
	since   time.Time // of the window
	written int       // at once, in the window
	last    map[string]*store.ValueSet
}

// HoldValue asks whether a value that the hot store has is to be written by the caller,
// or was kept to be written later: see [Entry.TakeValues]. replaced says that it took the
// place of an earlier one that will never be written, queue that the caller has to queue
// the entry for the hot store.
func (e *Entry) HoldValue(v *store.ValueSet) (held, replaced, queue bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := &e.values
	before := h.last[v.Key]
	if before == nil {
		if v.At.Sub(h.since) >= valuesWindow {
			h.since, h.written = v.At, 0
		}
		if h.written < valuesAtOnce || len(h.last) >= maxHeld {
			h.written++
			return false, false, false
		}
	}
	if before == nil || v.At.After(before.At) { // the version orders what was set in parallel
		if h.last == nil {
			h.last = map[string]*store.ValueSet{}
		}
		h.last[v.Key] = v
	}
	return true, before != nil, e.markUnsent()
}

// TakeValues returns the values that were held. The caller writes them.
func (e *Entry) TakeValues() []*store.ValueSet {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.values.last) == 0 {
		return nil
	}
	all := make([]*store.ValueSet, 0, len(e.values.last))
	for _, v := range e.values.last {
		all = append(all, v)
	}
	e.values.last = nil
	return all
}
