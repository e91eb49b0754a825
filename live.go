package footfall

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/journal"
)

// An entry is a session that this process is serving: the working set in front
// of the hot store.
type entry struct {
	id uuid.UUID

	beginning sync.Mutex // held while a new session is made known
	mu        lock       // guards what follows; never held over I/O
	rec       Record
	unknown   map[string]json.RawMessage // members of its document that this version does not know
	readAt    time.Time                  // when the hot store last said that rec is current
	usedAt    time.Time                  // first use of the current secret, while there is a superseded one
	returned  bool                       // its cookie came back

	// A visitor cookie that was verified, hashed as it is on the wire, and its end
	// in Unix milliseconds; 0: none was.
	visitorWire  uint64
	visitorUntil int64

	// rec.PageViews is what the hot store's document says, base, and what its
	// writers have counted since; this entry is the writer of views. A document
	// that is made anew has another base and begins another series.
	base       int64
	series     string
	writer     string
	restoredAt time.Time // when the document was last made anew because the hot store had lost it
	views      int64
	unsent     bool   // the queue of merges has this entry: not all of views was given to a merge
	sending    int    // merges under way
	sent       uint64 // merges that ended
	events     int64  // recorded through this entry

	foldBy    foldKey          // zero: it is nobody's sibling
	retell    bool             // it came from the hot store: another process began it, or one whose journal was lost; ours has yet to say so, before anything else of it
	announced bool             // others than the request that began it know it
	notedAt   int64            // latest activity that the journal has, in Unix milliseconds
	begun     bool             // its beginning is known to be in a journal, or in the archive
	position  journal.Position // of its latest fact
}

// snapshot is a copy of the record that stays as it is.
func (e *entry) snapshot() Record {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec
}

// document is the entry's record as the hot store keeps it, where the page views
// that writers count stand apart.
func (e *entry) document() document {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := document{Record: e.rec, series: e.series, restoredAt: e.restoredAt, unbegun: !e.begun, unknown: e.unknown}
	d.PageViews = e.base
	return d
}

// merge takes over what a store knows of the session: higher credentials win,
// times and counts only grow.
func (e *entry) merge(rec Record, unknown map[string]json.RawMessage, readAt time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if rec.Version > e.rec.Version {
		if rec.SecretHash != e.rec.SecretHash {
			e.usedAt = usedSince(&rec)
		}
		e.rec.SetCredentials(rec.Credentials())
		e.rec.Values = rec.Values
		e.unknown = unknown
		if rec.Converted {
			e.rec.Converted, e.rec.OrderID = true, rec.OrderID
		}
	}
	e.rec.PageViews = max(e.rec.PageViews, rec.PageViews)
	if rec.LastSeenAt.After(e.rec.LastSeenAt) {
		e.rec.LastSeenAt = rec.LastSeenAt
	}
	if rec.Converted && !e.rec.Converted {
		e.rec.Converted, e.rec.OrderID = true, rec.OrderID
	}
	if readAt.After(e.readAt) {
		e.readAt = readAt
	}
}

// mergeArchived is merge of what the archive has, which knows no members of other
// versions.
func (e *entry) mergeArchived(rec Record) {
	e.mu.Lock()
	unknown := e.unknown
	e.mu.Unlock()
	e.merge(rec, unknown, time.Time{})
}

// usedSince is when the current secret of a record from a store was first used,
// as far as that can be told: activity after it came about was with it. In doubt
// the superseded one is worth less.
func usedSince(rec *Record) time.Time {
	changed := or(rec.RotatedAt, clock.FromMillis(rec.Version)) // not AuthenticatedAt: a password check may have begun long before
	if rec.Superseded != (SecretHash{}) && rec.LastSeenAt.Sub(changed) > supersededGrace {
		return changed
	}
	return time.Time{}
}

const liveShards = 64

// liveTable holds the entries of this process. It is bounded: entries that are
// idle, and whose facts the archive holds, go first.
type liveTable struct {
	shards [liveShards]struct {
		sync.RWMutex
		entries map[uuid.UUID]*entry
	}
	size     atomic.Int64
	capacity int64
	evicted  atomic.Uint64
	refused  atomic.Uint64
}

func newLiveTable(capacity int) *liveTable {
	t := &liveTable{capacity: int64(capacity)}
	for i := range t.shards {
		t.shards[i].entries = make(map[uuid.UUID]*entry)
	}
	return t
}

// shard picks by the random end of the id: its start is the time.
func (t *liveTable) shard(id uuid.UUID) int { return int(id[15]) % liveShards }

func (t *liveTable) get(id uuid.UUID) *entry {
	s := &t.shards[t.shard(id)]
	s.RLock()
	e := s.entries[id]
	s.RUnlock()
	return e
}

// add puts an entry in, or returns the one that is there. With the table full of
// entries that cannot go it returns nil. confirmed is the journal position up
// to which the archive holds everything.
func (t *liveTable) add(e *entry, confirmed journal.Position) *entry {
	s := &t.shards[t.shard(e.id)]
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
// prefers one whose cookie never came back, then the one seen longest ago.
func pickVictim(entries map[uuid.UUID]*entry, confirmed journal.Position) *entry {
	const sample = 24
	var victim *entry
	var victimReturned bool
	var victimSeen time.Time
	looked := 0
	for _, e := range entries {
		if looked++; looked > sample && victim != nil {
			break
		}
		e.mu.Lock()
		free, returned, seen := e.evictable(confirmed), e.returned, e.rec.LastSeenAt
		e.mu.Unlock()
		if !free {
			continue
		}
		if victim == nil || victimReturned && !returned || victimReturned == returned && seen.Before(victimSeen) {
			victim, victimReturned, victimSeen = e, returned, seen
		}
	}
	return victim
}

// evictable says that all this entry knows stands elsewhere too.
func (e *entry) evictable(confirmed journal.Position) bool {
	return e.begun && !e.unsent && e.sending == 0 && e.position <= confirmed
}

func (t *liveTable) remove(id uuid.UUID) {
	s := &t.shards[t.shard(id)]
	s.Lock()
	if _, there := s.entries[id]; there {
		delete(s.entries, id)
		t.size.Add(-1)
	}
	s.Unlock()
}

// sweep drops entries that were last seen before a time and stand elsewhere,
// and those that are dead since another.
func (t *liveTable) sweep(before, dead time.Time, confirmed journal.Position) {
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		for id, e := range s.entries {
			e.mu.Lock()
			idle := e.rec.LastSeenAt.Before(before) && e.evictable(confirmed) || e.rec.LastSeenAt.Before(dead)
			e.mu.Unlock()
			if idle {
				delete(s.entries, id)
				t.size.Add(-1)
			}
		}
		s.Unlock()
	}
}
