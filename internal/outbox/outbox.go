package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/journal"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// A Position is the place of a fact in this process's journal: higher for later
// facts. 0 is before all.
type Position = journal.Position

// ErrLate is wrapped by errors of [Outbox.Append] when the disk did not confirm the
// write in time. The facts will be written later unless the process dies, or the
// disk refuses them then, which is counted.
var ErrLate = journal.ErrStalled

// Options of [Open]. All fields but BeforeWrite are required.
type Options struct {
	Dir      string
	MaxBytes int64
	Sync     time.Duration // as [journal.Options.Sync]
	Stall    time.Duration // how long Append waits for the disk

	Archive   *guard.Archive
	Clock     *clock.Shared
	Lifetimes store.Lifetimes
	Counts    *count.Set
	Logger    *slog.Logger

	BeforeWrite func() error // for tests, as [journal.Options.BeforeWrite]
}

// Hooks are called when something has come about that others wait for.
type Hooks struct {
	// Follow reads what was revoked. It has to succeed before requests rely on an
	// archive that is not shared: the replay may have brought revocations.
	Follow func(ctx context.Context) error
	// Confirmed is called with the position up to which the archive holds everything.
	Confirmed func(Position)
	// Replayed is called once, as soon as the archive holds what the last run's journal
	// held. Its argument is the sessions whose events were in that journal: their latest
	// activity may not have reached the hot store.
	Replayed func(sessionIDs []string)
	// Held is called with each fact that the archive did not take, and that waits for
	// another try or was set aside: if it ends a session, or all of a customer's, that
	// has to count though the archive does not have it.
	Held func(fact store.Fact)
}

// An Outbox is safe for concurrent use.
type Outbox struct {
	journal *journal.Journal
	archive *guard.Archive
	clock   *clock.Shared
	lives   store.Lifetimes
	log     *slog.Logger
	hooks   Hooks
	gate    gate

	sold      []Found // see Found
	soldBytes int

	confirmed        atomic.Uint64 // position up to which the archive holds everything
	failingSince     atomic.Int64  // Unix ms since when the archive has been refusing, 0 if it is not
	archiveFailedAt  atomic.Int64  // Unix ms of the last time that it refused
	onlyUnattributed atomic.Bool   // the last batch held nothing but events that no session is known for yet
	closing          atomic.Bool   // do not let facts gather
	complained       atomic.Int64  // Unix second of the last complaint

	unacknowledged, eventsDropped, controlFailures *atomic.Uint64
	projected, setAside, timesClamped              *atomic.Uint64
	salesUnknown                                   *atomic.Uint64
	eventsPending, eventsUnattributed              *atomic.Uint64 // waiting for their session; given up
	pendingCapped, shortened                       *atomic.Uint64

	given     live.Tally // unattributed events, page views apart
	longPages longPageBudget
}

// Open opens the journal in a directory. Nothing is carried before [Outbox.Start].
func Open(o Options) (*Outbox, error) {
	b := &Outbox{
		archive: o.Archive, clock: o.Clock, lives: o.Lifetimes, log: o.Logger,
		unacknowledged:     o.Counts.New("unacknowledged", "Facts that the journal had not confirmed when their request was answered. They may have been written later."),
		eventsDropped:      o.Counts.New("events_dropped", "Events, page views included, that were lost: the journal refused them, or could not write them later either."),
		controlFailures:    o.Counts.New("control_failures", "Logouts, revocations and orders that could be written neither to the archive nor to the journal."),
		projected:          o.Counts.New("facts_projected", "Facts that were moved from the journal to the archive."),
		setAside:           o.Counts.Bound("facts_set_aside", "Facts that the archive answered with an error again and again while it took others; they are in the directory set-aside of the journal."),
		timesClamped:       o.Counts.New("times_clamped", "Times that were ahead of the archive's clock and were set back to it."),
		eventsPending:      o.Counts.New("events_pending", "Events whose session no store could look up when they happened; it is looked up when the archive answers."),
		eventsUnattributed: o.Counts.New("events_unattributed", "Events that were given up because the archive did not know their session two minutes later, or the journal had no room to keep them for so long."),
		pendingCapped:      o.Counts.Bound("events_pending_capped", "Events whose session no store could look up when they happened, that exceeded the limit of their session and were not stored."),
	}
	b.shortened = o.Counts.Bound("pages_shortened", "Events whose page was longer than 256 bytes and was cut, because their session had more than 1,000 before or long pages took too many bytes within the minute.")
	b.gate.forgotten = o.Counts.Bound("replays_forgotten", "Page views and events that the last run left in the journal and whose session was not remembered, because there were too many: its count in the hot store may stay too low.")
	b.salesUnknown = o.Counts.Bound("sales_unknown", "Orders and refunds that the last run left in the journal and that are not remembered, because there were too many: until the archive holds them, a second call with the id of one is taken for the first.")
	var err error
	b.journal, err = journal.Open(o.Dir, journal.Options{
		MaxBytes: o.MaxBytes, Sync: o.Sync, Stall: o.Stall, Logger: o.Logger,
		Lost: b.lostLate, BeforeWrite: o.BeforeWrite, ReserveBytes: journal.ReserveBytes, Found: b.found,
	})
	if err != nil {
		return nil, err // its text says already where it comes from and what to do
	}
	b.gate.init(b.journal.Stats().Replay)
	for _, c := range []struct {
		name, help string
		read       func(journal.Stats) uint64
	}{
		{"journal_refused", "Facts that the journal refused because it was full.", func(s journal.Stats) uint64 { return s.Refused }},
		{"journal_stalled", "Facts whose request was answered before the disk had taken them, because it was slow.", func(s journal.Stats) uint64 { return s.Stalled }},
		{"journal_late_lost", "Facts that were late for their answer and that the disk then refused.", func(s journal.Stats) uint64 { return s.LateLost }},
		{"journal_write_errors", "Writes to the journal that failed, each of one or more facts.", func(s journal.Stats) uint64 { return s.WriteErrors }},
		{"journal_sync_errors", "Attempts to flush the journal to the disk itself that failed.", func(s journal.Stats) uint64 { return s.SyncErrors }},
		{"journal_reserved", "Logouts, revocations, orders and refunds that the journal wrote to its reserve because the disk, or the journal, was full.", func(s journal.Stats) uint64 { return s.Reserved }},
		{"journal_gaps", "Places between the journal's files where records were missing at the start: a file was emptied, cut or taken away.", func(s journal.Stats) uint64 { return s.Gaps }},
		{"journal_missing", "Records that were missing there, at most.", func(s journal.Stats) uint64 { return s.Missing }},
		{"journal_damaged_bytes", "Bytes of the journal that could not be read at the start; they are in its directory set-aside.", func(s journal.Stats) uint64 { return uint64(s.DamagedBytes) }},
	} {
		add := o.Counts.Func
		if c.name == "journal_refused" {
			add = o.Counts.BoundFunc
		}
		add(c.name, c.help, func() uint64 { return c.read(b.journal.Stats()) })
	}
	return b, nil
}

// Start begins to move facts from the journal to the archive, until ctx ends. It calls
// start for each function that has to run beside requests.
func (b *Outbox) Start(ctx context.Context, hooks Hooks, start func(loop func(context.Context))) {
	b.hooks = hooks
	if err := b.journal.EachSetAside(func(record []byte) {
		if fact, _, err := decode(record); err == nil && fact != nil {
			hooks.Held(fact)
		}
	}); err != nil {
		b.log.Error("footfall: the ends of sessions that were set aside could not all be read", "error", err)
	}
	if b.gate.passed() {
		b.openGate(ctx)
	}
	most := b.mostRecords()
	start(func(ctx context.Context) { b.project(ctx, most) })
	start(b.watchGate)
}

// Append puts a tracking fact of a session into the journal. The session's
// beginning goes before it, in the same write, until this process's journal is
// known to hold that. e is nil for a fact of no session.
//
// An error that wraps [ErrLate] means that the facts will be written later. Whatever
// the error, they are counted as unacknowledged, and events that will never be
// written as dropped: a session's beginning and its latest activity are appended
// again later, so they are not lost.
func (b *Outbox) Append(e *live.Entry, fact store.Fact) (Position, error) {
	if e == nil {
		return b.AppendBehind(nil, fact)
	}
	first := e.First()
	position, err := b.AppendBehind(first, fact)
	if first != nil && err == nil {
		e.BeginningWritten(position)
	}
	return position, err
}

// AppendBehind is Append for a caller that knows already what has to go before the
// fact: a session's beginning, or nil. The fact may be nil.
func (b *Outbox) AppendBehind(first *store.SessionBegun, fact store.Fact) (Position, error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	*buf = (*buf)[:0]
	var few [2][]byte
	records := few[:0]
	if first != nil {
		*buf = appendFact(*buf, first)
		records = append(records, (*buf)[:len(*buf):len(*buf)])
	}
	if fact != nil {
		from := len(*buf)
		*buf = appendFact(*buf, fact)
		records = append(records, (*buf)[from:len(*buf):len(*buf)])
	}
	position, err := b.journal.Append(records...)
	if err == nil {
		return position, nil
	}
	b.refused(err, len(records))
	if _, ok := fact.(*store.EventRecorded); ok && !errors.Is(err, ErrLate) {
		b.eventsDropped.Add(1)
	}
	return position, err
}

// buffers are for encoding facts: the journal copies them.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func (b *Outbox) refused(err error, facts int) {
	b.unacknowledged.Add(uint64(facts))
	b.complain(err)
}

// lostLate counts an event that was late for its answer and could not be written
// later either.
func (b *Outbox) lostLate(record []byte) {
	if len(record) > 0 && (record[0] == kindEventRecorded || record[0] == kindUnattributed) {
		b.eventsDropped.Add(1)
	}
}

// Commit puts a control fact where losing this process, or its machine's power,
// does not lose it, and where other instances find it: in a shared archive,
// otherwise in the journal, flushed to the disk. The session's beginning goes before
// it if that may not be there; e is nil for a fact of no session. It returns the
// position in the journal, 0 for the archive. An error wraps [store.ErrUnavailable].
func (b *Outbox) Commit(ctx context.Context, e *live.Entry, fact store.Fact) (position Position, err error) {
	if b.archive.Shared() {
		err = b.CommitArchive(ctx, e, fact)
	} else {
		position, err = b.commitLocal(e, fact, b.journal.Commit)
	}
	if err != nil {
		b.controlFailures.Add(1)
	}
	return position, err
}

// CommitSale commits an order or a refund to the journal: it leaves the last quarter of the
// journal's reserve to logouts and revocations.
func (b *Outbox) CommitSale(e *live.Entry, fact store.Fact) (Position, error) {
	return b.commitLocal(e, fact, b.journal.CommitMost)
}

// CommitUnreserved commits to the journal what strangers can cause as often as they like:
// it leaves the journal's reserve to others.
func (b *Outbox) CommitUnreserved(e *live.Entry, fact store.Fact) (Position, error) {
	return b.commitLocal(e, fact, b.journal.CommitUnreserved)
}

func (b *Outbox) commitLocal(e *live.Entry, fact store.Fact, commit func(...[]byte) (Position, error)) (Position, error) {
	var records [][]byte
	told := false
	if e != nil {
		if first := e.First(); first != nil {
			records, told = append(records, appendFact(nil, first)), true
		}
	}
	position, err := commit(append(records, appendFact(nil, fact))...)
	if err != nil {
		return 0, fmt.Errorf("%w: journal: %w", store.ErrUnavailable, err)
	}
	if told {
		e.BeginningWritten(position)
	}
	return position, nil
}

// CommitArchive is Commit to the archive itself.
func (b *Outbox) CommitArchive(ctx context.Context, e *live.Entry, fact store.Fact) error {
	facts := []store.Fact{fact}
	if e != nil && (!b.Holds(e) || e.First() != nil) {
		facts = []store.Fact{&store.SessionBegun{Record: live.Beginning(e.Snapshot())}, fact}
	}
	b.clamp(facts)
	if err := b.archive.Commit(ctx, facts); err != nil {
		return fmt.Errorf("%w: archive: %w", store.ErrUnavailable, err)
	}
	return nil
}

// Holds reports whether the archive holds all facts of a session.
func (b *Outbox) Holds(e *live.Entry) bool { return e.Projected(b.Confirmed()) }

// Confirmed is the position up to which the archive holds everything.
func (b *Outbox) Confirmed() Position { return Position(b.confirmed.Load()) }

// Last is the position of the latest fact that the journal was given.
func (b *Outbox) Last() Position { return b.journal.Last() }

// MayArrive reports whether something of a time may still be on its way to the
// archive from another instance.
func (b *Outbox) MayArrive(from, at time.Time) bool {
	if failed := clock.FromMillis(b.archiveFailedAt.Load()); failed.After(from) {
		from = failed
	}
	return at.Sub(from) < arrivalTime
}

// Drain waits until the archive holds everything, or ctx is done.
func (b *Outbox) Drain(ctx context.Context) error {
	b.closing.Store(true)
	for b.journal.Stats().Pending > 0 && !b.onlyUnattributed.Load() {
		if !clock.Sleep(ctx, 10*time.Millisecond) {
			return errors.New("footfall: the archive did not take everything in time: the rest stays in the journal for the next start")
		}
	}
	return nil
}

// RetrySetAside offers the archive again what it would not take, and returns how many
// facts that is. They go through the journal.
func (b *Outbox) RetrySetAside() (int, error) { return b.journal.RetrySetAside() }

// Close closes the journal. The loops must have ended.
func (b *Outbox) Close() error { return b.journal.Close() }

// Stats is the journal's.
func (b *Outbox) Stats() journal.Stats { return b.journal.Stats() }

// Check says what is wrong with the journal, if anything.
func (b *Outbox) Check() error { return b.journal.Check() }

// ArchiveFailing is since when the archive has been refusing facts, zero if it is
// not.
func (b *Outbox) ArchiveFailing() time.Time { return clock.FromMillis(b.failingSince.Load()) }

// complain logs what is wrong with the journal, at most once a second.
func (b *Outbox) complain(err error) {
	second := time.Now().Unix()
	if last := b.complained.Load(); last != second && b.complained.CompareAndSwap(last, second) {
		if errors.Is(err, ErrLate) {
			b.log.Warn("footfall: facts are written after their answers", "error", err)
			return
		}
		b.log.Error("footfall: facts are not being recorded", "error", err)
	}
}
