package footfall

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/journal"
)

// A Tracker recognises visitors and records what they do. Its methods are safe
// for concurrent use. Make one with [New] and [Tracker.Close] it.
type Tracker struct {
	config   Config
	log      *slog.Logger
	lives    Lifetimes
	instance string // names this process as a writer
	writers  atomic.Uint64

	keys     keyRing
	agents   *enrich.Agents
	live     *liveTable
	hot      *guardedHot
	archive  *guardedArchive
	journal  *journal.Journal
	revoked  *revocations
	begins   *beginLimit
	folder   *folder
	orders   pendingOrders
	hotSync  hotQueue
	settles  settlements
	skew     atomic.Int64  // how far this clock is ahead of the archive's, in nanoseconds
	followed atomic.Bool   // what was revoked has been read
	lookedAt atomic.Uint64 // connections of the hot store when revocations were last read because of them

	replayLeft      atomic.Int64  // records of the last run that the archive does not hold yet
	replayDone      chan struct{} // closed when there are none
	replayOnce      sync.Once
	replaySeen      replaySessions
	background      context.Context
	confirmed       atomic.Uint64 // journal position up to which the archive holds everything
	failingSince    atomic.Int64  // unix ms since when the archive has been refusing, 0 if it is not
	archiveFailedAt atomic.Int64  // unix ms of the last time it refused
	onlyPending     atomic.Bool   // the last batch held nothing but events that nobody can attribute yet
	hurry           atomic.Bool   // the tracker is closing: do not let facts gather
	counts          counters
	metrics         metricValues

	stop     context.CancelFunc
	running  sync.WaitGroup
	closed   sync.Once
	closeErr error
}

// New starts a tracker. It reports every mistake in the configuration at once,
// by field name.
func New(config Config) (*Tracker, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	t := new(Tracker)
	j, err := journal.Open(config.JournalDir, journal.Options{
		MaxBytes: config.JournalMaxBytes,
		Sync:     journalSync(config.JournalSync),
		Stall:    config.StoreTimeout,
		Logger:   config.Logger,

		Lost:        t.lostLate,
		BeforeWrite: config.beforeJournalWrite,
	})
	if err != nil {
		return nil, err // it names itself and the remedy
	}
	*t = Tracker{
		config:   config,
		log:      config.Logger,
		lives:    Lifetimes{Idle: config.IdleTimeout, Absolute: config.MaxAge},
		instance: uuid.NewString()[:8],
		keys:     newKeyRing(config.Secrets),
		agents:   enrich.NewAgents(0),
		live:     newLiveTable(config.LiveSessions),
		hot:      &guardedHot{HotStore: config.Hot},
		archive:  &guardedArchive{Archive: config.Archive},
		settles:  settlements{on: config.Archive.Shared()},
		journal:  j,
		revoked:  newRevocations(),
		begins:   newBeginLimit(config.NewSessionsPerMinute),
		folder:   newFolder(),

		replayDone: make(chan struct{}),
	}
	t.replayLeft.Store(int64(j.Stats().Replay))

	// What was revoked must be known before anybody is let in. A shared archive
	// may be away for a while: then only customers wait for it.
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := t.followRevocations(ctx); err != nil && config.Archive.Shared() {
		t.log.Error("footfall: the archive does not answer: nobody is known as a customer until it does", "error", err)
	} else if err != nil {
		return nil, errors.Join(fmt.Errorf("footfall: read the archive: %w", err), j.Close())
	}
	background, stop := context.WithCancel(context.Background())
	t.background, t.stop = background, stop
	if t.replayLeft.Load() == 0 {
		t.endReplay(ctx)
	}
	t.start(background, t.project)
	t.start(background, t.syncHot)
	t.start(background, t.housekeep)
	t.start(background, t.follow)
	if t.settles.on {
		t.start(background, t.settleCounts)
	}
	t.start(background, t.probeStores)
	t.start(background, func(context.Context) { t.agents.Warm() })
	if !config.DisableJobs {
		t.start(background, t.runJobs)
	}
	return t, nil
}

func journalSync(d time.Duration) time.Duration {
	switch d {
	case SyncAlways:
		return journal.SyncAlways
	case SyncNever:
		return journal.SyncNever
	}
	return d
}

func (t *Tracker) start(ctx context.Context, loop func(context.Context)) {
	t.running.Go(func() { loop(ctx) })
}

// Close carries what the journal holds to the archive, as far as that is
// possible before ctx is done, and stops. What is left stays in the journal for
// the next start. Requests that are still running then record nothing. Only the
// first call acts; all wait for it and return its error.
func (t *Tracker) Close(ctx context.Context) error {
	t.closed.Do(func() {
		t.flushHot(ctx) // it may note a last activity, which is to be drained too
		drained := t.drain(ctx)
		t.stop()
		t.running.Wait()
		t.closeErr = errors.Join(drained, t.journal.Close())
	})
	return t.closeErr
}

// now is the time as it is stored: UTC, in milliseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// newID is a new time-ordered id, a UUIDv7: milliseconds, their fraction in 12
// bits, and 62 random ones. Ids are no secrets. uuid.NewV7 takes three times as
// long, behind one lock for all requests.
func newID() (id uuid.UUID) {
	at := time.Now()
	fraction := uint64(at.Nanosecond()%int(time.Millisecond)) << 12 / uint64(time.Millisecond)
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16|7<<12|fraction)
	binary.BigEndian.PutUint64(id[8:], 2<<62|rand.Uint64()>>2)
	return id
}

// idTime is when an id made by newID was made.
func idTime(id uuid.UUID) time.Time {
	ms := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
	return time.UnixMilli(ms).UTC()
}

// TrustedProxies are the networks whose X-Forwarded-For the tracker believes;
// what else looks at addresses should believe the same.
func (t *Tracker) TrustedProxies() []netip.Prefix { return t.config.TrustedProxies }
