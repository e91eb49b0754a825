package outbox

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/store"
)

// maxReplayed is of how many sessions the replay is remembered.
const maxReplayed = 10_000

// A gate is shut until the archive holds what the journal held at the start, and
// what that revoked is known: before, the archive may miss the end of a session.
type gate struct {
	left      atomic.Int64  // records of the last run that the archive does not hold yet
	open      chan struct{} // closed when it is open
	opening   sync.Once
	carried   chan struct{}  // a batch was carried
	forgotten *atomic.Uint64 // facts whose session is not remembered
	mu        sync.Mutex
	sessions  map[string]bool // of the last run's events
}

func (g *gate) init(replay uint64) {
	g.open, g.carried, g.sessions = make(chan struct{}), make(chan struct{}, 1), map[string]bool{}
	g.left.Store(int64(replay))
}

func (g *gate) passed() bool { return g.left.Load() <= 0 }

// note remembers which sessions facts of the last run are of.
func (g *gate) note(facts []store.Fact) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, fact := range facts {
		f, ok := fact.(*store.EventRecorded)
		switch {
		case !ok || g.sessions[f.SessionID]:
		case len(g.sessions) >= maxReplayed:
			g.forgotten.Add(1)
		default:
			g.sessions[f.SessionID] = true
		}
	}
}

func (g *gate) carry(records int) {
	g.left.Add(-int64(records))
	select {
	case g.carried <- struct{}{}:
	default:
	}
}

// Replayed reports whether the archive holds what the journal held at the start.
func (b *Outbox) Replayed() bool {
	select {
	case <-b.gate.open:
		return true
	default:
		return false
	}
}

// AwaitReplay waits until the archive holds what the journal held at the start. An
// error wraps [store.ErrUnavailable].
func (b *Outbox) AwaitReplay(ctx context.Context) error {
	select {
	case <-b.gate.open:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the journal is still being replayed", store.ErrUnavailable)
	}
}

// watchGate is the loop that opens the gate: when the last of the last run's
// records was carried, or nothing is left of them because some could not be read.
func (b *Outbox) watchGate(ctx context.Context) {
	for !b.Replayed() {
		select {
		case <-ctx.Done():
			return
		case <-b.gate.carried:
			if b.gate.passed() {
				b.openGate(ctx)
			}
		case <-time.After(time.Second):
			if b.gate.passed() || b.journal.Stats().Pending == 0 {
				b.openGate(ctx)
			}
		}
	}
}

// openGate lets requests rely on the archive, once what the replay revoked is
// known. If that fails, it is tried again later.
func (b *Outbox) openGate(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	if err := b.hooks.Follow(asking); err != nil {
		b.archive.CountError()
		if !b.archive.Shared() {
			return
		}
		// What is revoked in a shared archive was never in this journal, and
		// customers wait until it has been read.
	}
	b.gate.opening.Do(func() {
		close(b.gate.open)
		b.gate.mu.Lock()
		sessions := make([]string, 0, len(b.gate.sessions))
		for id := range b.gate.sessions {
			sessions = append(sessions, id)
		}
		b.gate.sessions = nil
		b.gate.mu.Unlock()
		b.hooks.Replayed(sessions)
	})
}
