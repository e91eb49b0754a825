package live

import (
	"crypto/subtle"
	"encoding/json"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/journal"
	"github.com/footfall-go/footfall/store"
)

// An Entry is one session that this process is serving, in front of the hot store.
// Its methods are safe for concurrent use and take its lock once.
type Entry struct {
	id     uuid.UUID
	person bool // its user agent is not one of software

	announcing sync.Mutex                 // held while a new session is made known; taken before mu
	visitorOK  atomic.Pointer[verified]   // the visitor cookie that was verified last
	ahead      atomic.Pointer[prefetched] // nil: its browser fetched no page ahead
	mu         lock                       // guards what follows; never held over I/O

	rec        store.Record               // its ids, user agent and begin never change: they are read without the lock
	unknown    map[string]json.RawMessage // members of its document that this version does not know
	readAt     time.Time                  // when the hot store last confirmed rec
	countsAt   time.Time                  // when what other instances counted was last read there
	secretUsed time.Time                  // first use of the current secret, while there is a superseded one
	cookieSeen bool                       // a request came with its cookie

	// Each count = base + the sum of all writers' counts. Rewriting a lost document
	// resets base and starts a new series, so that older counts are not added again.
	// The count of page views is in rec.
	base       counts
	series     string
	names      *Names
	writer     string    // this entry, as one that counts; "" until something is to be merged
	own        counts    // what this entry has counted in the series
	events     int64     // of the session, page views apart, as far as this entry knows
	orders     int64     // likewise
	restoredAt time.Time // when the document was last rewritten because the hot store had lost it
	unsent     bool      // the queue of merges holds this entry: not all of views was given to a merge
	sending    int       // merges under way
	sent       uint64    // merges that have ended

	charged        *atomic.Int64    // the bytes of the table that the entry is in, nil: it is in none
	size           atomic.Int64     // about the memory that it takes; changed under mu
	values         heldValues       // that no fact says yet
	siblings       SiblingKey       // zero: no other session can be its browser's
	announced      bool             // others than the request that began it know it
	begun          bool             // its beginning is known to be in a journal, or in the archive
	needsBeginning bool             // this process's journal does not hold its SessionBegun: append that before any other fact of it
	seenWritten    int64            // the latest activity that the journal holds, in Unix milliseconds
	position       journal.Position // of its latest fact
}

// counts are what a session did.
type counts struct{ views, events, orders int64 }

// Names makes the names under which this process counts.
type Names struct {
	instance string
	n        atomic.Uint64
}

// NewNames returns names that no other process makes.
func NewNames() *Names { return &Names{instance: uuid.NewString()[:8]} }

// Series names the counts on top of a document that is written anew.
func (n *Names) Series() string { return n.instance + "-" + strconv.FormatUint(n.n.Add(1), 36) }

// Writer names one writer's counts. A writer is one entry: one that is dropped and
// loaded again is another.
func (n *Names) Writer() string { return n.instance + "." + strconv.FormatUint(n.n.Add(1), 36) }

// A Document is what the hot store keeps of a session, but for the activity that
// writers merge into it.
type Document struct {
	store.Record
	Events     int64                      // page views apart; like PageViews without what is merged on top
	Orders     int64                      // likewise
	RestoredAt time.Time                  // when it was rewritten, having been lost; zero: never
	Series     string                     // of the activity that is counted on top of its page views
	Unbegun    bool                       // no journal is known to hold its beginning
	Unknown    map[string]json.RawMessage // members of another version, which survive
}

// New returns the entry of a session that begins now. Nobody else knows of it
// before [Entry.Announced].
func New(id uuid.UUID, rec store.Record, names *Names) *Entry {
	e := entry(id, rec, names)
	e.series, e.readAt, e.countsAt = names.Series(), rec.StartedAt, rec.StartedAt
	return e
}

// Loaded returns the entry of a session that was read from a store at a time.
// Merged was counted on top of the document's own counts, which include it; archived
// says that the archive has its beginning.
func Loaded(id uuid.UUID, d Document, readAt time.Time, merged store.Activity, archived bool, names *Names) *Entry {
	if now := clock.Now(); d.StartedAt.After(now) {
		d.StartedAt = now // by a clock that is ahead: its absolute limit counts from here
	}
	e := entry(id, d.Record, names)
	e.unknown, e.readAt, e.countsAt, e.secretUsed = d.Unknown, readAt, readAt, UsedSince(&d.Record)
	e.base, e.series, e.restoredAt = d.without(merged), d.Series, d.RestoredAt
	e.events, e.orders = d.Events, d.Orders
	e.announced, e.begun, e.needsBeginning = true, !d.Unbegun, !archived
	e.resize()
	return e
}

// without is the document's own counts, if it includes what was merged.
func (d *Document) without(merged store.Activity) counts {
	return counts{d.PageViews - merged.Views, d.Events - merged.Events, d.Orders - merged.Orders}
}

func entry(id uuid.UUID, rec store.Record, names *Names) *Entry {
	e := &Entry{
		id: id, person: rec.Device != "bot", rec: rec, names: names,
	}
	e.resize()
	return e
}

// ID is the session's id; SessionID and VisitorID are ids as text. Like StartedAt
// they never change, and take no lock.
func (e *Entry) ID() uuid.UUID        { return e.id }
func (e *Entry) SessionID() string    { return e.rec.SessionID }
func (e *Entry) VisitorID() string    { return e.rec.VisitorID }
func (e *Entry) StartedAt() time.Time { return e.rec.StartedAt }

// IsPerson reports whether a user agent is the one that the session began with,
// and was not found to be software then. It takes no lock.
func (e *Entry) IsPerson(userAgent string) bool { return e.person && userAgent == e.rec.UserAgent }

// Snapshot is a copy of the record that stays as it is.
func (e *Entry) Snapshot() store.Record {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec
}

// Session is a copy of the session that stays as it is.
func (e *Entry) Session() store.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.Session
}

// Document is the session as the hot store keeps it.
func (e *Entry) Document() Document {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.document()
}

func (e *Entry) document() Document {
	d := Document{Record: e.rec, Series: e.series, RestoredAt: e.restoredAt, Unbegun: !e.begun, Unknown: e.unknown}
	d.PageViews, d.Events, d.Orders = e.base.views, e.base.events, e.base.orders
	return d
}

// HasEnded reports whether the session was ended.
func (e *Entry) HasEnded() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.rec.EndedAt.IsZero()
}

// HasCustomer reports whether somebody is logged in.
func (e *Entry) HasCustomer() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.CustomerID != ""
}

// Version is the version of the credentials.
func (e *Entry) Version() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.Version
}

// RestoredAt is when the hot store was found to have lost the session, zero if it
// was not.
func (e *Entry) RestoredAt() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.restoredAt
}

// A Match says what a presented secret is to a session.
type Match int

// What a presented secret can be.
const (
	NoMatch    Match = iota
	Superseded       // the secret before the current one
	Current
)

// A Sight is what a request has to know of a session. It is small, because each request
// takes one, on a stack that nothing has touched since the connection's request before.
type Sight struct {
	Match       Match
	Over        bool      // what Look was given to ask said so
	HasCustomer bool      // somebody is logged in
	SecretUsed  time.Time // when the current secret was first used, as far as this process knows; zero: never
	MayBeUsed   time.Time // as [UsedSince] says of the record, if the superseded secret was presented
	ReadAt      time.Time // when the hot store last confirmed the record; zero: it must be read again
}

// Look compares a presented secret with the session's, and asks of the record as it is
// at that moment whether the session is over; over must not wait for anything but a lock.
// A secret that matches shows that the browser keeps the cookie, and with the current
// secret the grace time of the superseded one begins.
func (e *Entry) Look(presented *store.SecretHash, at time.Time, over func(*store.Record, time.Time) bool) Sight {
	e.mu.Lock()
	defer e.mu.Unlock()
	var usedSince time.Time
	match, hasSuperseded := NoMatch, e.rec.Superseded != (store.SecretHash{})
	switch {
	case subtle.ConstantTimeCompare(e.rec.SecretHash[:], presented[:]) == 1:
		match = Current
		if hasSuperseded && e.secretUsed.IsZero() {
			e.secretUsed = at
		}
	case hasSuperseded && subtle.ConstantTimeCompare(e.rec.Superseded[:], presented[:]) == 1:
		match, usedSince = Superseded, UsedSince(&e.rec)
	}
	if match != NoMatch {
		e.cookieSeen = true
	}
	return Sight{Match: match, Over: over(&e.rec, at), HasCustomer: e.rec.CustomerID != "", SecretUsed: e.secretUsed, MayBeUsed: usedSince, ReadAt: e.readAt}
}

// CookieSeen reports whether a request came with the session's cookie: the browser
// kept it.
func (e *Entry) CookieSeen() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cookieSeen
}

// SeeCookie records that a request came with the session's cookie.
func (e *Entry) SeeCookie() {
	e.mu.Lock()
	e.cookieSeen = true
	e.mu.Unlock()
}

// UsedSince is when the current secret of a record from a store was first used, as
// far as the record tells. Activity after the rotation counts as first use of the
// new secret. If unclear, assume it was used: the old secret then expires.
func UsedSince(rec *store.Record) time.Time {
	changed := rec.RotatedAt // not AuthenticatedAt: a password check may have begun long before
	if changed.IsZero() {
		changed = clock.FromMillis(rec.Version)
	}
	if rec.Superseded != (store.SecretHash{}) && rec.LastSeenAt.Sub(changed) > SupersededGrace {
		return changed
	}
	return time.Time{}
}

// SupersededGrace is how long a superseded secret still finds its session, for
// counting only, after the first use of its successor.
const SupersededGrace = 10 * time.Second
