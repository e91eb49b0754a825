package revoked

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/store"
)

// maxBytes is what revocations may take of memory: a million of them. What the archive
// says of records that are in doubt takes a quarter of that on top.
const maxBytes = 64 << 20

// Options of [New].
type Options struct {
	MaxAge   time.Duration // of a session: how long a revocation can be needed
	MaxBytes int64         // of memory. Default: 64 MiB
	Counts   *count.Set
}

// Revoked is safe for concurrent use.
type Revoked struct {
	reader

	mu  sync.RWMutex
	mem *memory

	some  atomic.Bool // something was dropped before its time
	asked *atomic.Uint64
}

// New returns what was revoked according to an archive: nothing, until it is
// followed.
func New(feed store.Ledger, hot store.HotStore, o Options) *Revoked {
	if o.MaxBytes == 0 {
		o.MaxBytes = maxBytes
	}
	r := &Revoked{mem: newMemory(o.MaxAge+time.Minute, o.MaxBytes)}
	r.asked = o.Counts.New("revocations_asked", "How often the archive was asked whether a customer's session counts, because memory had been too small for everything that was revoked.")
	o.Counts.BoundFunc("revocations_fallen", "Revocations and replaced secrets that were dropped from memory because there were too many. The archive is asked for every customer's session that they may concern.", func() uint64 {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return r.mem.dropped
	})
	r.reader.init(feed, hot, r.take)
	o.Counts.Func("changes_read", "Changes of credentials that were read from the archive's feed.", func() uint64 { return uint64(r.read.Load()) })
	return r
}

// Covers reports whether a record is below what has been revoked: an older version
// of its session, or authenticated before its customer was revoked.
func (r *Revoked) Covers(rec *store.Record) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return rec.Version < r.mem.version(keyOf(rec.SessionID)) || rec.CustomerID != "" && isAfter(r.mem.cutoff(keyOf(rec.CustomerID)), rec.AuthenticatedAt)
}

// CoversCustomer reports whether a record's customer was revoked since it was
// authenticated.
func (r *Revoked) CoversCustomer(rec *store.Record) bool {
	return rec.CustomerID != "" && r.Before(rec.CustomerID).After(rec.AuthenticatedAt)
}

func isAfter(cutoff int64, at time.Time) bool { return clock.FromMillis(cutoff).After(at) }

// Lowest is the lowest version of a session that counts.
func (r *Revoked) Lowest(sessionID string) int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem.version(keyOf(sessionID))
}

// Before is the time before which nothing that a customer authenticated counts.
func (r *Revoked) Before(customerID string) time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return clock.FromMillis(r.mem.cutoff(keyOf(customerID)))
}

// Session records that no version of a session below one counts any more. position is
// where this stands in this process's journal, 0 if it is in the archive.
func (r *Revoked) Session(id string, version int64, position uint64) {
	r.add(position, store.CredentialChange{SessionID: id, Version: version})
}

// Customer records that nothing which a customer authenticated before a time
// counts any more. position is as for [Revoked.Session].
func (r *Revoked) Customer(id string, before time.Time, position uint64) {
	r.add(position, store.CredentialChange{CustomerID: id, RevokedBefore: before})
}

// lockedAtOnce is how many changes are taken under one lock.
const lockedAtOnce = 256

// take records a page of the feed.
func (r *Revoked) take(changes []store.CredentialChange) {
	for len(changes) > 0 {
		n := min(len(changes), lockedAtOnce)
		r.add(0, changes[:n]...)
		changes = changes[n:]
	}
}

func (r *Revoked) add(position uint64, changes ...store.CredentialChange) {
	at := time.Now() // with the monotonic clock: setting the clock forgets nothing
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range changes {
		r.mem.add(&changes[i], position, at)
	}
	r.some.Store(r.mem.falls > 0)
}

// Sweep drops what was revoked so long ago that no session from before is alive.
func (r *Revoked) Sweep() {
	at := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mem.sweep(at)
}

// A Doubt is a question to the archive: see [Revoked.Doubts].
type Doubt struct {
	// Position is where the latest revocation that was dropped stands in this process's
	// journal. An archive that is not shared cannot answer before it holds that.
	Position uint64

	falls uint64
}

// Doubts reports whether what was dropped from memory may concern a record of a
// customer. Then the record must not be believed before the archive was asked for its
// session and its customer. What it knows is given to [Revoked.Session] and
// [Revoked.Customer], and then [Revoked.Clear] is called.
func (r *Revoked) Doubts(rec *store.Record) (Doubt, bool) {
	if !r.some.Load() {
		return Doubt{}, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.mem.doubts(rec) {
		return Doubt{}, false
	}
	r.asked.Add(1)
	return Doubt{Position: r.mem.fallen.position, falls: r.mem.falls}, true
}

// Clear records that the archive was asked, unless more was dropped meanwhile: the
// doubt is then asked again.
func (r *Revoked) Clear(rec *store.Record, d Doubt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.falls == r.mem.falls {
		r.mem.clear(rec)
	}
}
