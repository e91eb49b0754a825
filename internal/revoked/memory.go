package revoked

import (
	"hash/maphash"
	"time"

	"github.com/footfall-go/footfall/store"
)

const (
	// generations is how many there are at most. A lookup asks each of them.
	generations = 4
	// entryBytes is what an entry takes of memory: 16 bytes of key and 8 of value, in a
	// map that is half empty after it has grown.
	entryBytes = 64
)

// A key is a session's id or a customer's, hashed twice with seeds that nobody knows,
// so that each entry has the same size. Two ids with one key would share what is
// revoked: that could log somebody out, and let nobody in.
type key [2]uint64

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func keyOf(id string) key {
	return key{maphash.String(seeds[0], id), maphash.String(seeds[1], id)}
}

// A memory holds what was revoked, by age: in generations that are dropped whole, so
// that forgetting costs the same however much there is. It has no lock.
type memory struct {
	keep       time.Duration // how long an entry can be needed
	generation int           // entries of one generation at most
	entries    []generation  // newest first; never empty
	fallen     limits        // of what was dropped before its time
	falls      uint64        // how often that happened
	dropped    uint64        // how many entries that were
	visited    uint64        // generations that housekeeping has looked at
	cleared    map[key]int64 // session → version of which the archive said, since the last fall, that it counts
}

type generation struct {
	opened   time.Time // when its first entry came
	closed   time.Time // when the next generation was opened
	versions map[key]int64
	cutoffs  map[key]int64 // customer → Unix ms before which nothing authenticated counts
	limits
}

// limits bound what a generation's entries can concern, without a clock: a session
// with a greater id is none of its sessions, and what was authenticated at the cutoff
// or later is revoked by none of its cutoffs.
type limits struct {
	session  string // the greatest id
	cutoff   int64  // the latest, Unix ms
	position uint64 // in this process's journal: of the latest entry that was made here
}

func (l *limits) widen(by limits) {
	l.session, l.cutoff, l.position = max(l.session, by.session), max(l.cutoff, by.cutoff), max(l.position, by.position)
}

func newMemory(keep time.Duration, maxBytes int64) *memory {
	m := &memory{keep: keep, generation: max(int(maxBytes/entryBytes/generations), 1)}
	m.entries = []generation{newGeneration()}
	return m
}

func newGeneration() generation {
	return generation{versions: map[key]int64{}, cutoffs: map[key]int64{}}
}

func (g *generation) len() int { return len(g.versions) + len(g.cutoffs) }

func (m *memory) len() (n int) {
	for i := range m.entries {
		n += m.entries[i].len()
	}
	return n
}

// version and cutoff return the newest entry: an entry is only made if it is greater
// than all before it.
func (m *memory) version(k key) int64 {
	for i := range m.entries {
		if v, ok := m.entries[i].versions[k]; ok {
			return v
		}
	}
	return 0
}

func (m *memory) cutoff(k key) int64 {
	for i := range m.entries {
		if at, ok := m.entries[i].cutoffs[k]; ok {
			return at
		}
	}
	return 0
}

// add records a change at a time of this process's clock.
func (m *memory) add(c *store.CredentialChange, position uint64, at time.Time) {
	if c.SessionID != "" {
		if k := keyOf(c.SessionID); c.Version > m.version(k) {
			g := m.current(at)
			g.versions[k] = c.Version
			g.widen(limits{session: c.SessionID, position: position})
		}
	}
	if c.CustomerID != "" && !c.RevokedBefore.IsZero() {
		if k, before := keyOf(c.CustomerID), c.RevokedBefore.UnixMilli(); before > m.cutoff(k) {
			g := m.current(at)
			g.cutoffs[k] = before
			g.widen(limits{cutoff: before, position: position})
		}
	}
}

// current is the generation that has room for one more entry. If none has, the oldest
// is dropped before its time.
func (m *memory) current(at time.Time) *generation {
	if m.entries[0].len() >= m.generation {
		if len(m.entries) == generations {
			oldest := &m.entries[generations-1]
			m.fallen.widen(oldest.limits)
			m.dropped += uint64(oldest.len())
			m.falls++
			m.cleared = nil // a later entry may concern what was cleared
			m.dropOldest()
		}
		m.open(at)
	}
	g := &m.entries[0]
	if g.len() == 0 {
		g.opened = at
	}
	return g
}

func (m *memory) open(at time.Time) {
	m.entries[0].closed = at
	m.entries = append([]generation{newGeneration()}, m.entries...)
}

func (m *memory) dropOldest() {
	last := len(m.entries) - 1
	m.entries[last] = generation{} // frees its maps
	m.entries = m.entries[:last]
}

// sweep drops the generations that no session is old enough for. It looks at
// generations only, not at entries.
func (m *memory) sweep(at time.Time) {
	for n := len(m.entries); n > 1 && at.Sub(m.entries[n-1].closed) > m.keep; n-- {
		m.dropOldest()
		m.visited++
	}
	m.visited++
	if g := &m.entries[0]; len(m.entries) < generations && g.len() > 0 && at.Sub(g.opened) >= m.keep/(generations-1) {
		m.open(at)
	}
}

// doubts reports whether what was dropped before its time may concern a record's
// customer, and nothing has been heard from the archive since.
func (m *memory) doubts(rec *store.Record) bool {
	if m.falls == 0 || rec.CustomerID == "" {
		return false
	}
	if rec.SessionID > m.fallen.session && rec.AuthenticatedAt.UnixMilli() >= m.fallen.cutoff {
		return false
	}
	version, cleared := m.cleared[keyOf(rec.SessionID)]
	return !cleared || version != rec.Version
}

// clear records that the archive says that a record counts.
func (m *memory) clear(rec *store.Record) {
	if m.cleared == nil || len(m.cleared) >= m.generation {
		m.cleared = map[key]int64{}
	}
	m.cleared[keyOf(rec.SessionID)] = rec.Version
}
