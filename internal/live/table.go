package live

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/journal"
)

const shards = 64

// A Table holds the entries of this process. It is bounded, in entries and in bytes:
// entries whose cookie never returned, then those that were idle longest, are dropped
// first, if their facts stand elsewhere. It is safe for concurrent use.
type Table struct {
	shards [shards]struct {
		sync.RWMutex
		entries map[uuid.UUID]*Entry
	}
	size             atomic.Int64
	capacity         int64
	bytes            atomic.Int64 // of all entries
	most             int64        // of bytes
	evicted, refused *atomic.Uint64
}

// NewTable returns an empty table for so many entries and bytes.
func NewTable(capacity int, most int64, counts *count.Set) *Table {
	t := &Table{
		capacity: int64(capacity), most: most,
		evicted: counts.Bound("live_evicted", "Sessions that left this process's memory early because it was full; they are read from a store again."),
		refused: counts.Bound("live_refused", "Sessions that found no place in this process's memory, because all that it held were needed."),
	}
	for i := range t.shards {
		t.shards[i].entries = make(map[uuid.UUID]*Entry)
	}
	return t
}

// shard picks by the random end of the id: its start is the time.
func shard(id uuid.UUID) int { return int(id[15]) % shards }

// Len is how many entries there are.
func (t *Table) Len() int64 { return t.size.Load() }

// Bytes is about how much memory the entries take.
func (t *Table) Bytes() int64 { return t.bytes.Load() }

// Get returns an entry, nil if it is not there.
func (t *Table) Get(id uuid.UUID) *Entry {
	s := &t.shards[shard(id)]
	s.RLock()
	e := s.entries[id]
	s.RUnlock()
	return e
}

// Add puts an entry in, or returns the one that is there. With the table full of
// entries that cannot be dropped it returns nil. The archive holds everything up to
// confirmed.
func (t *Table) Add(e *Entry, confirmed journal.Position) *Entry {
	s := &t.shards[shard(e.id)]
	s.Lock()
	defer s.Unlock()
	if there := s.entries[e.id]; there != nil {
		return there
	}
	e.charge(&t.bytes)
	for range maxVictims {
		if t.size.Load() < t.capacity && t.bytes.Load() <= t.most {
			break
		}
		victim := pickVictim(s.entries, confirmed)
		if victim == nil {
			break
		}
		t.drop(s.entries, victim)
		t.evicted.Add(1)
	}
	if t.size.Load() >= t.capacity || t.bytes.Load() > t.most+slack {
		e.discharge()
		t.refused.Add(1)
		return nil
	}
	s.entries[e.id] = e
	t.size.Add(1)
	return e
}

const (
	maxVictims = 16       // for one entry: the largest takes about as much as so many small ones
	slack      = 64 << 10 // bytes past the bound: the shard of an entry may be the one that has none to drop
	sample     = 24       // entries that are compared
	maxLooks   = 4 * sample
)

// drop removes an entry. The shard is locked.
func (t *Table) drop(entries map[uuid.UUID]*Entry, e *Entry) {
	delete(entries, e.id)
	t.size.Add(-1)
	e.discharge()
}

// pickVictim looks at a few entries (a map is walked from a random place), at some more
// if none of them can go, and prefers one whose cookie was never seen, then the one that was active longest ago.
func pickVictim(entries map[uuid.UUID]*Entry, confirmed journal.Position) *Entry {
	var victim *Entry
	var victimCookieSeen bool
	var victimSeen time.Time
	looked := 0
	for _, e := range entries {
		if looked++; looked > sample && victim != nil || looked > maxLooks {
			break
		}
		e.mu.Lock()
		free, cookieSeen, seen := e.standsElsewhere(confirmed), e.cookieSeen, e.rec.LastSeenAt
		e.mu.Unlock()
		if !free {
			continue
		}
		if victim == nil || victimCookieSeen && !cookieSeen || victimCookieSeen == cookieSeen && seen.Before(victimSeen) {
			victim, victimCookieSeen, victimSeen = e, cookieSeen, seen
		}
	}
	return victim
}

// standsElsewhere reports whether everything in the entry is in the archive and, as far
// as it can be, in the hot store: confirmed is the position up to which the archive holds
// everything. e.mu is held.
func (e *Entry) standsElsewhere(confirmed journal.Position) bool {
	return e.begun && !e.unsent && e.sending == 0 && len(e.values.last) == 0 && e.position <= confirmed
}

// Remove drops an entry.
func (t *Table) Remove(id uuid.UUID) {
	s := &t.shards[shard(id)]
	s.Lock()
	if e := s.entries[id]; e != nil {
		t.drop(s.entries, e)
	}
	s.Unlock()
}

// Sweep drops entries that were active before a time and stand elsewhere, and
// those that were active before another, at which they are dead.
func (t *Table) Sweep(before, dead time.Time, confirmed journal.Position) {
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		for _, e := range s.entries {
			e.mu.Lock()
			drop := e.rec.LastSeenAt.Before(before) && e.standsElsewhere(confirmed) || e.rec.LastSeenAt.Before(dead)
			e.mu.Unlock()
			if drop {
				t.drop(s.entries, e)
			}
		}
		s.Unlock()
	}
}
