package footfall

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/jobs"
	"github.com/footfall-go/footfall/internal/legacy"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/notices"
	"github.com/footfall-go/footfall/internal/orders"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/internal/request"
	"github.com/footfall-go/footfall/internal/revoked"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

const (
	startTimeout   = 10 * time.Second // until an archive that is not shared has to have answered
	startReading   = 2 * time.Second  // for what is read of the archive before requests are served
	readAtOnce     = 10 * time.Second // of the feed, before the archive's clock is measured again
	housekeepEvery = time.Second
	sweepEvery     = 10 // of housekeepEvery
	measureEvery   = 10 // of revoked.FollowEvery: the archive's clock
)

// A Tracker recognises visitors and records what they do. Its methods are safe
// for concurrent use. Make one with [New] and [Tracker.Close] it.
type Tracker struct {
	config Config
	counts *count.Set

	hotStore *guard.Hot
	archive  *guard.Archive
	clock    *clock.Shared
	revoked  *revoked.Revoked
	out      *outbox.Outbox
	hot      *hot.Hot
	sessions *sessions.Sessions
	requests *request.Requests
	orders   *orders.Orders
	jobs     *jobs.Jobs
	notices  *notices.Notices
	agents   *enrich.Agents

	stop     context.CancelFunc
	running  sync.WaitGroup
	closed   sync.Once
	closeErr error
}

// New starts a tracker. It reports every mistake in the configuration at once,
// by field name.
func New(config Config) (*Tracker, error) { return start(config, nil) }

// start is New plus a function that tests have run before each write to the journal.
func start(config Config, beforeWrite func() error) (*Tracker, error) {
	c, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	c.logDoubts()
	t := &Tracker{config: c, counts: new(count.Set), clock: clock.NewShared(c.Archive), notices: notices.New()}
	lifetimes := t.Lifetimes()
	t.revoked = revoked.New(c.Archive, c.Hot, revoked.Options{MaxAge: lifetimes.WithDefaults().Absolute, Counts: t.counts})
	t.hotStore, t.archive = guard.NewHot(c.Hot, t.counts), guard.NewArchive(c.Archive, t.counts)
	t.out, err = outbox.Open(outbox.Options{
		Dir: c.JournalDir, MaxBytes: c.JournalMaxBytes, Sync: c.JournalSync, Stall: c.StoreTimeout,
		Archive: t.archive, Clock: t.clock, Lifetimes: lifetimes, Counts: t.counts, Logger: c.Logger,
		BeforeWrite: beforeWrite,
	})
	if err != nil {
		return nil, err // its text says already where it comes from and what to do
	}
	names := live.NewNames()
	t.hot = hot.New(t.hotStore, t.archive, t.out, lifetimes, c.LiveSessions, c.LiveBytes, t.counts)
	t.sessions = sessions.New(sessions.Options{
		Hot: t.hot, Archive: t.archive, Out: t.out, Revoked: t.revoked, Clock: t.clock, Lifetimes: lifetimes,
		Names: names, Live: c.LiveSessions, LiveBytes: c.LiveBytes, Budget: c.StoreTimeout, Counts: t.counts, Logger: c.Logger,
	})
	agents := c.Rules.WithOwn(c.OwnAgents...).Agents(0)
	t.agents = agents
	t.counts.BoundFunc("agents_over_budget", "User agents that were recognised less precisely because too many unusual ones came at once.", agents.OverBudget)
	describe := &sessions.Describer{
		Agents: agents, Sites: c.Rules.Sites(), OwnHosts: c.OwnHosts, FullAddresses: c.FullAddresses, Reason: c.BotReason,
		Proxies: t.Proxies(), Locate: c.Locate,
	}
	t.requests = request.New(request.Options{
		Session: cookie.Attributes{Name: c.SessionCookie, Secure: !c.Insecure, HTTPOnly: true},
		Visitor: cookie.Attributes{Name: c.VisitorCookie, Secure: !c.Insecure},
		Keys:    cookie.NewKeyRing(c.Secrets), MaxAge: c.MaxAge, VisitorTTL: c.VisitorTTL, Budget: c.StoreTimeout,
		PerMinute: c.NewSessionsPerMinute, AskHints: c.AcceptCH, IsPageView: c.IsPageView,
		Sessions: t.sessions, Out: t.out, Describe: describe, Notices: t.notices, Counts: t.counts,
		Legacy: legacy.New(legacy.Options{
			Until: c.LegacyUntil, Secret: c.Secrets[0], Hot: t.hotStore, Archive: t.archive, Sessions: t.sessions,
			Describe: describe, Lifetimes: lifetimes, Counts: t.counts,
		}),
	})
	t.orders = orders.New(t.out, t.archive, t.sessions, t.counts, c.Logger)
	t.jobs = jobs.New(jobs.Options{
		Archive: c.Archive, Hot: c.Hot, Clock: t.clock, Location: c.Location,
		Sessions: c.RetentionSessions, Visitors: c.RetentionVisitors, Counts: t.counts, Logger: c.Logger,
	})
	if err := t.readRevocations(); err != nil {
		return nil, errors.Join(err, t.out.Close())
	}
	t.run(agents)
	return t, nil
}

// Lifetimes are the limits of a session that the tracker keeps to: IdleTimeout and
// MaxAge of its Config, with their defaults.
func (t *Tracker) Lifetimes() store.Lifetimes {
	return store.Lifetimes{Idle: t.config.IdleTimeout, Absolute: t.config.MaxAge}
}

// Location is the time zone of the shop's day: Location of its Config, or UTC.
func (t *Tracker) Location() *time.Location { return t.config.Location }

// Proxies say whose address a request's is, by TrustedProxies and TrustUnixSocket of the
// tracker's Config.
func (t *Tracker) Proxies() enrich.Proxies {
	return enrich.Proxies{Networks: t.config.TrustedProxies, UnixSocket: t.config.TrustUnixSocket}
}

// readRevocations reads what was revoked, which must be known before anybody is let in,
// for as long as a start may take. Who is a customer waits for the rest, which is read
// beside requests; everybody else does not. That goes for a shared archive that is
// away, too.
func (t *Tracker) readRevocations() error {
	for began := time.Now(); ; {
		ctx, cancel := context.WithTimeout(context.Background(), startReading)
		err := t.revoked.Follow(ctx)
		cancel()
		read, left, _ := t.revoked.Progress()
		switch {
		case err == nil:
			return nil
		case read > 0:
			t.config.Logger.Warn(stillReading, "read", read, "of", read+left)
			return nil
		case t.archive.Shared():
			t.config.Logger.Error("footfall: the archive does not answer: nobody is known as a customer until it does", "error", err)
			return nil
		case !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > startTimeout:
			return fmt.Errorf("footfall: read the archive: %w", err)
		}
	}
}

const stillReading = "footfall: the changes of credentials in the archive are still being read: nobody is known as a customer until then"

// followReplay reads what the replay of the journal has revoked. If the feed was never
// read to its end, requests need not wait for that: customers do, by themselves.
func (t *Tracker) followReplay(ctx context.Context) error {
	if read, _, whole := t.revoked.Progress(); read > 0 && !whole {
		t.revoked.Expire()
		return nil
	}
	return t.revoked.Follow(ctx)
}

// run starts what runs beside requests.
func (t *Tracker) run(agents *enrich.Agents) {
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	loop := func(f func(context.Context)) { t.running.Go(func() { f(ctx) }) }
	t.out.Start(ctx, outbox.Hooks{
		Follow:    t.followReplay,
		Confirmed: t.orders.Confirmed,
		Replayed: func(sessionIDs []string) {
			if len(sessionIDs) == 0 {
				t.hot.Replayed(ctx, nil)
				return
			}
			loop(func(ctx context.Context) { t.hot.Replayed(ctx, sessionIDs) })
		},
		Held: t.endsThoughNotStored,
	}, loop)
	loop(t.hot.Run)
	loop(t.hot.RunRecounts)
	loop(t.housekeep)
	loop(t.follow)
	loop(func(ctx context.Context) {
		guard.Probe(ctx, t.hotStore, t.archive, t.config.StoreTimeout, t.config.Logger)
	})
	loop(func(context.Context) { agents.Warm() })
	if !t.config.DisableJobs {
		loop(t.jobs.Run)
	}
}

// endsThoughNotStored makes sure that nobody is let in whom a fact shuts out which the
// archive does not have. If it falls out of memory, nothing that the archive says can
// make up for it, so its position is beyond all that the archive will ever hold.
func (t *Tracker) endsThoughNotStored(fact store.Fact) {
	switch f := fact.(type) {
	case *store.CredentialsChanged:
		t.revoked.Session(f.SessionID, f.Cred.Version, math.MaxUint64)
	case *store.CustomerRevoked:
		t.revoked.Customer(f.CustomerID, f.Before, math.MaxUint64)
	}
}

// housekeep is the loop of what each process has to do for itself.
func (t *Tracker) housekeep(ctx context.Context) {
	for tick := 1; clock.Sleep(ctx, housekeepEvery); tick++ {
		at := clock.Now()
		t.sessions.Fold(ctx, at)
		t.requests.FlushUncounted(at, false)
		if tick%sweepEvery == 0 {
			t.sessions.Sweep(at)
		}
	}
}

// follow is the loop that reads what other instances have revoked and, less often,
// measures the archive's clock.
func (t *Tracker) follow(ctx context.Context) {
	for tick := 0; clock.Sleep(ctx, revoked.FollowEvery); tick++ {
		_, _, before := t.revoked.Progress()
		reading, cancel := context.WithTimeout(ctx, readAtOnce)
		err := t.revoked.Follow(reading) // each page has a time limit of its own
		cancel()
		if err != nil && ctx.Err() == nil {
			t.archive.CountError()
		}
		if read, left, whole := t.revoked.Progress(); err == nil && !before && whole {
			t.config.Logger.Info("footfall: the changes of credentials in the archive were read: customers are known", "read", read)
		} else if !whole && left > 0 && tick%measureEvery == 0 {
			t.config.Logger.Warn(stillReading, "read", read, "of", read+left, "error", err)
		}
		if tick%measureEvery == 0 {
			asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
			_, _ = t.clock.Measure(asking) // if it fails the next one will do; whether the archive answers shows elsewhere
			cancel()
		}
	}
}

// Close carries what the journal holds to the archive, as far as that is
// possible before ctx is done, and stops. What is left stays in the journal for
// the next start. Requests that are still running then record nothing. Only the
// first call acts; all wait for it and return its error.
func (t *Tracker) Close(ctx context.Context) error {
	t.closed.Do(func() {
		t.requests.EndAnswered()
		t.hot.Flush(ctx) // it may append a last activity, which is to be drained too
		t.requests.FlushUncounted(clock.Now(), true)
		drained := t.out.Drain(ctx)
		t.stop()
		t.running.Wait()
		t.closeErr = errors.Join(drained, t.out.Close())
	})
	return t.closeErr
}
