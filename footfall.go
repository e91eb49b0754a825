package footfall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/journal"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/internal/revoked"
)

// A Tracker recognises visitors and records what they do. Its methods are safe
// for concurrent use. Make one with [New] and [Tracker.Close] it.
type Tracker struct {
	config Config
	log    *slog.Logger
	lives  Lifetimes
	names  *live.Names

	keys     cookie.KeyRing
	agents   *enrich.Agents
	live     *live.Table
	hot      *hot.Hot
	guarded  *guard.Hot
	archive  *guard.Archive
	clock    *clock.Shared
	out      *outbox.Outbox
	revoked  *revoked.Revoked
	begins   *beginLimit
	siblings *live.Siblings
	orders   pendingOrders

	set     *count.Set
	counts  counters
	metrics metricValues

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
	set := new(count.Set)
	guarded, archive, shared, names := guard.NewHot(config.Hot, set), guard.NewArchive(config.Archive, set), clock.NewShared(config.Archive), live.NewNames()
	lives := Lifetimes{Idle: config.IdleTimeout, Absolute: config.MaxAge}
	out, err := outbox.Open(outbox.Options{
		Dir: config.JournalDir, MaxBytes: config.JournalMaxBytes, Sync: journalSync(config.JournalSync), Stall: config.StoreTimeout,
		Archive: archive, Clock: shared, Lifetimes: lives, Counts: set, Logger: config.Logger,
		BeforeWrite: config.beforeJournalWrite,
	})
	if err != nil {
		return nil, err
	}
	t := &Tracker{
		config:   config,
		log:      config.Logger,
		lives:    lives,
		names:    names,
		keys:     cookie.NewKeyRing(config.Secrets),
		agents:   enrich.NewAgents(0),
		live:     live.NewTable(config.LiveSessions, set),
		hot:      hot.New(guarded, archive, out, lives, names, config.LiveSessions, set),
		guarded:  guarded,
		archive:  archive,
		clock:    shared,
		out:      out,
		revoked:  revoked.New(config.Archive, config.Hot),
		begins:   newBeginLimit(config.NewSessionsPerMinute),
		siblings: live.NewSiblings(set),
		set:      set,
		counts:   newCounters(set),
	}
	t.showCounts()

	// What was revoked must be known before anybody is let in. A shared archive
	// may be away for a while: then only customers wait for it.
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := t.revoked.Follow(ctx); err != nil && config.Archive.Shared() {
		t.log.Error("footfall: the archive does not answer: nobody is known as a customer until it does", "error", err)
	} else if err != nil {
		return nil, errors.Join(fmt.Errorf("footfall: read the archive: %w", err), out.Close())
	}
	background, stop := context.WithCancel(context.Background())
	t.stop = stop
	t.out.Start(background, outbox.Hooks{
		Follow:    t.revoked.Follow,
		Confirmed: t.orders.confirmed,
		Replayed: func(sessionIDs []string) {
			if len(sessionIDs) == 0 {
				t.hot.Replayed(background, nil)
				return
			}
			t.start(background, func(ctx context.Context) { t.hot.Replayed(ctx, sessionIDs) })
		},
	}, func(loop func(context.Context)) { t.start(background, loop) })
	t.start(background, t.hot.Run)
	t.start(background, t.hot.RunRecounts)
	t.start(background, t.housekeep)
	t.start(background, t.follow)
	t.start(background, func(ctx context.Context) { guard.Probe(ctx, t.guarded, t.archive, config.StoreTimeout, t.log) })
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
		t.hot.Flush(ctx) // it may note a last activity, which is to be drained too
		for _, m := range t.begins.take(clock.Now(), true) {
			t.noteUncounted(m)
		}
		drained := t.out.Drain(ctx)
		t.stop()
		t.running.Wait()
		t.closeErr = errors.Join(drained, t.out.Close())
	})
	return t.closeErr
}

// TrustedProxies are the networks whose X-Forwarded-For the tracker believes;
// what else looks at addresses should believe the same.
func (t *Tracker) TrustedProxies() []netip.Prefix { return t.config.TrustedProxies }
