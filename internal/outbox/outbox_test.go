package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// archive keeps facts as they come.
type archive struct {
	store.Archive
	shared bool
	ahead  time.Duration // this machine's clock, of the archive's

	mu       sync.Mutex
	refuse   func(facts []store.Fact) error
	facts    []store.Fact
	calls    int
	sessions map[string]store.Record
	down     error         // of reading a session
	slow     time.Duration // likewise
}

func (a *archive) Shared() bool { return a.shared }

func (a *archive) Now(context.Context) (time.Time, error) { return time.Now().Add(-a.ahead), nil }

func (a *archive) Append(_ context.Context, facts []store.Fact) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if a.refuse != nil {
		if err := a.refuse(facts); err != nil {
			return err
		}
	}
	a.facts = append(a.facts, facts...)
	return nil
}

func (a *archive) Session(_ context.Context, id string) (store.Record, bool, error) {
	time.Sleep(a.slow)
	a.mu.Lock()
	defer a.mu.Unlock()
	rec, ok := a.sessions[id]
	return rec, ok, a.down
}

// set changes the archive while an outbox uses it.
func (a *archive) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// took is what the archive took, as text.
func (a *archive) took() (all []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, fact := range a.facts {
		switch f := fact.(type) {
		case *store.SessionBegun:
			all = append(all, "begun")
		case *store.EventRecorded:
			all = append(all, "event "+f.EventID)
		case *store.SessionSeen:
			all = append(all, "seen "+f.SessionID)
		default:
			all = append(all, fmt.Sprintf("%T", f))
		}
	}
	return all
}

// world is an outbox, and what is around it.
type world struct {
	*Outbox
	archive *archive
	counts  *count.Set
	stop    func()
}

func open(t *testing.T, dir string, a *archive, change func(*Options)) *world {
	t.Helper()
	w := &world{archive: a, counts: new(count.Set)}
	o := Options{
		Dir: dir, MaxBytes: 1 << 20, Sync: -2, Stall: 50 * time.Millisecond,
		Archive: guard.NewArchive(a, w.counts), Clock: clock.NewShared(a), Lifetimes: store.Lifetimes{Idle: time.Hour, Absolute: 24 * time.Hour},
		Counts: w.counts, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if w.Outbox, err = Open(o); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Clock.Measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stop = func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	return w
}

// start has an outbox carry facts until w.stop.
func (w *world) start(t *testing.T, hooks Hooks) {
	if hooks.Follow == nil {
		hooks.Follow = func(context.Context) error { return nil }
	}
	if hooks.Confirmed == nil {
		hooks.Confirmed = func(Position) {}
	}
	if hooks.Replayed == nil {
		hooks.Replayed = func([]string) {}
	}
	if hooks.Held == nil {
		hooks.Held = func(store.Fact) {}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var loops sync.WaitGroup
	w.Start(ctx, hooks, func(loop func(context.Context)) { loops.Go(func() { loop(ctx) }) })
	closing := w.stop
	w.stop = func() {
		cancel()
		loops.Wait()
		closing()
	}
}

func (w *world) count(name string) uint64 { return w.counts.All()[name] }

func event(id, session string) *store.EventRecorded {
	return &store.EventRecorded{Event: store.Event{EventID: id, SessionID: session, EventType: "click", CreatedAt: clock.Now()}}
}

func entry() *live.Entry {
	id, at := clock.NewID(), clock.Now()
	return live.New(id, record(id, at), live.NewNames())
}

func record(id uuid.UUID, at time.Time) store.Record {
	return store.Record{
		Session: store.Session{SessionID: id.String(), VisitorID: "v", StartedAt: at, LastSeenAt: at}, Version: at.UnixMilli(), SecretHash: store.SecretHash{1},
	}
}
