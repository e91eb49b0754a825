package sessions

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/internal/revoked"
	"github.com/footfall-go/footfall/store"
)

const (
	customerTrust  = time.Second     // how long a record with a customer is believed after it was read
	anonymousTrust = 5 * time.Second // how long one without is
	maxTries       = 5               // of a change, while other requests are faster
	liveIdle       = 2 * time.Minute // entries that were active longer ago leave this process
)

var (
	// ErrEnded means that a session ended while it was being changed.
	ErrEnded = errors.New("footfall: the session has ended")
	// ErrRevoked means that the customer was revoked after this login's password check
	// began.
	ErrRevoked = errors.New("footfall: the customer was logged out everywhere in the meantime: check the password again")
	// ErrNotYet means that a session began so lately that its beginning may be in
	// another instance's journal alone.
	ErrNotYet = fmt.Errorf("%w: the session's beginning has not arrived yet", store.ErrUnavailable)

	errNotHeld = errors.New("it neither takes the write nor has the session")
)

func archiveError(err error) error {
	return fmt.Errorf("%w: archive: %w", store.ErrUnavailable, err)
}

// Options of [New]; all are required.
type Options struct {
	Hot       *hot.Hot
	Archive   *guard.Archive
	Out       *outbox.Outbox
	Revoked   *revoked.Revoked
	Clock     *clock.Shared
	Lifetimes store.Lifetimes
	Names     *live.Names
	Live      int           // how many sessions this process holds
	LiveBytes int64         // in how many bytes; those that are compared with siblings may take a quarter of that
	Budget    time.Duration // what stores may cost a request
	Counts    *count.Set
	Logger    *slog.Logger
}

// Sessions is safe for concurrent use.
type Sessions struct {
	hot      *hot.Hot
	archive  *guard.Archive
	out      *outbox.Outbox
	revoked  *revoked.Revoked
	clock    *clock.Shared
	lives    store.Lifetimes
	names    *live.Names
	table    *live.Table
	siblings *live.Siblings
	gone     gone
	silent   gone // the archive does not say enough of them while the hot store fails
	lost     gone // alive as the archive said a moment ago, and not in the hot store
	budget   time.Duration
	log      *slog.Logger
	over     func(*store.Record, time.Time) bool // isOver, made once

	begun, ended, folded, views, capped, cut, coalesced *atomic.Uint64
	unresolved, archiveReads, corruptions, conflicts    *atomic.Uint64
}

// New returns the sessions of one process.
func New(o Options) *Sessions {
	s := &Sessions{
		hot: o.Hot, archive: o.Archive, out: o.Out, revoked: o.Revoked, clock: o.Clock, lives: o.Lifetimes, names: o.Names,
		table: live.NewTable(o.Live, o.LiveBytes, o.Counts), siblings: live.NewSiblings(o.LiveBytes/4, o.Counts), budget: o.Budget, log: o.Logger,
		begun:        o.Counts.New("sessions_begun", "Sessions that began in this process."),
		ended:        o.Counts.New("sessions_ended", "Sessions that this process ended: logouts and revocations, not those that expired."),
		folded:       o.Counts.New("sessions_folded", "Sessions that were joined to another because one browser's parallel first requests had begun both."),
		views:        o.Counts.New("page_views", "Page views of people that were counted. Those of a session that no store could look up are in events_pending."),
		capped:       o.Counts.Bound("events_capped", "Events, page views included, that exceeded the limit of their session and were not stored."),
		cut:          o.Counts.Bound("strings_cut", "Sessions whose texts (agent, referrer, landing page, UTM values and others) were longer than 4 KiB together and were cut."),
		coalesced:    o.Counts.Bound("values_coalesced", "Values that a later one of their key replaced before they were written to the archive, because a session set many at once. The hot store had each."),
		unresolved:   o.Counts.New("unresolved", "Requests whose session could not be looked up because a store did not answer."),
		archiveReads: o.Counts.New("archive_reads", "Sessions that were looked up in the archive, because the hot store did not have them or did not answer."),
		corruptions:  o.Counts.New("corrupt_records", "Records in the hot store that could not be read; they were deleted, and the archive was asked."),
		conflicts:    o.Counts.New("credential_conflicts", "Changes of a session that were repeated because another request changed it at the same moment."),
	}
	s.over = s.isOver
	return s
}

// Live is how many sessions this process holds.
func (s *Sessions) Live() int64 { return s.table.Len() }

// LiveBytes is about how much memory they take.
func (s *Sessions) LiveBytes() int64 { return s.table.Bytes() }

// Sweep drops the sessions that nobody has used for a while and that stand
// elsewhere, and forgets revocations that no session is old enough for.
func (s *Sessions) Sweep(at time.Time) {
	s.table.Sweep(at.Add(-liveIdle), at.Add(-s.lives.Idle-time.Minute), s.out.Confirmed())
	s.revoked.Sweep()
}

// Begin returns a new session that nobody else knows yet: see [Sessions.Announce].
// The record's credentials get their first version, and its texts are cut to what a
// session may hold.
func (s *Sessions) Begin(id uuid.UUID, rec store.Record, key live.SiblingKey) *live.Entry {
	if rec.Fit() {
		s.cut.Add(1)
	}
	rec.Version = s.clock.FromLocal(rec.StartedAt).UnixMilli()
	e := live.New(id, rec, s.names)
	e.FoundBy(key)
	return e
}
