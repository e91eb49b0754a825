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

// A Table holds the entries of this process. It is bounded: entries that are idle,
// and whose facts stand elsewhere, are dropped first. It is safe for concurrent
// use.
type Table struct {
	shards [shards]struct {
		sync.RWMutex
		entries map[uuid.UUID]*Entry
	}
	size             atomic.Int64
	capacity         int64
	evicted, refused *atomic.Uint64
}

// NewTable returns an empty table for so many entries.
func NewTable(capacity int, counts *count.Set) *Table {
	t := &Table{
		capacity: int64(capacity),
		evicted:  counts.New("live_evicted", "Sessions that left this process's memory early because it was full; they are read from a store again."),
		refused:  counts.New("live_refused", "Sessions that found no place in this process's memory, because all that it held were needed."),
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
	if t.size.Load() >= t.capacity {
		victim := pickVictim(s.entries, confirmed)
		if victim == nil {
			t.refused.Add(1)
			return nil
		}
		delete(s.entries, victim.id)
		t.size.Add(-1)
		t.evicted.Add(1)
	}
	s.entries[e.id] = e
	t.size.Add(1)
	return e
}

// pickVictim looks at a few entries (a map is walked from a random place) and
// prefers one whose cookie was never seen, then the one that was active longest ago.
func pickVictim(entries map[uuid.UUID]*Entry, confirmed journal.Position) *Entry {
	const sample = 24
	var victim *Entry
	var victimCookieSeen bool
	var victimSeen time.Time
	looked := 0
	for _, e := range entries {
		if looked++; looked > sample && victim != nil {
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
	if _, there := s.entries[id]; there {
		delete(s.entries, id)
		t.size.Add(-1)
	}
	s.Unlock()
}

// Sweep drops entries that were active before a time and stand elsewhere, and
// those that were active before another, at which they are dead.
func (t *Table) Sweep(before, dead time.Time, confirmed journal.Position) {
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		for id, e := range s.entries {
			e.mu.Lock()
			drop := e.rec.LastSeenAt.Before(before) && e.standsElsewhere(confirmed) || e.rec.LastSeenAt.Before(dead)
			e.mu.Unlock()
			if drop {
				delete(s.entries, id)
				t.size.Add(-1)
			}
		}
		s.Unlock()
	}
}
