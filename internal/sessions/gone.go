package sessions

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/store"
)

const (
	// goneLong is how long a session whose end is certain is remembered, and goneShort one
	// of which something may still arrive, or a secret that is no session's.
	goneLong  = 30 * time.Second
	goneShort = time.Second

	maxGone = 65_536
)

// A goneKey is a session's id, or a part of a secret's hash.
type goneKey [16]byte

// A gone remembers for a moment what the archive has said to be worthless: the cookie of a
// session that is over is not in the hot store any more, so each request with it would read
// the archive, and all instances and all control facts share that. It is bounded in entries;
// when it is full the older half is forgotten.
type gone struct {
	mu         sync.Mutex
	young, old map[goneKey]int64 // until when, Unix ms
	asked      map[goneKey]*asking
}

// An asking is a request that asks the archive of a session.
type asking struct {
	done   chan struct{}
	failed bool // after done
}

func (g *gone) knows(key goneKey, at time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ok := g.young[key]
	if !ok {
		until = g.old[key]
	}
	return at.UnixMilli() < until && until-at.UnixMilli() <= goneLong.Milliseconds() // otherwise the clock went back
}

func (g *gone) note(key goneKey, at time.Time, long time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.young == nil || len(g.young) >= maxGone/2 {
		g.young, g.old = map[goneKey]int64{}, g.young
	}
	g.young[key] = at.Add(long).UnixMilli()
}

// ask has one request at a time ask the archive of a session; it returns a function to
// call with what comes of that. Of the others that wait one is the next if that fails, since a
// store that is slow should not be asked by all of them. If it was answered that the session is
// over they know; otherwise they ask at once, because what was read before they came may be old.
func (g *gone) ask(ctx context.Context, key goneKey) (answered func(error), err error) {
	for {
		g.mu.Lock()
		other := g.asked[key]
		if other == nil {
			a := &asking{done: make(chan struct{})}
			if g.asked == nil {
				g.asked = map[goneKey]*asking{}
			}
			g.asked[key] = a
			g.mu.Unlock()
			return func(err error) {
				a.failed = err != nil
				g.mu.Lock()
				delete(g.asked, key)
				g.mu.Unlock()
				close(a.done)
			}, nil
		}
		g.mu.Unlock()
		select {
		case <-other.done:
			if !other.failed {
				return func(error) {}, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// readUnlessOver reads a session from the archive, unless that said a moment ago that it is
// over.
func (s *Sessions) readUnlessOver(ctx context.Context, id uuid.UUID, readAt time.Time) (rec store.Record, over bool, err error) {
	key := goneKey(id)
	if s.gone.knows(key, readAt) {
		return rec, true, nil
	}
	answered, err := s.gone.ask(ctx, key)
	if err != nil {
		return rec, false, archiveError(err)
	}
	defer func() { answered(err) }()
	if s.gone.knows(key, readAt) { // another request has asked
		return rec, true, nil
	}
	rec, found, err := s.readSettledArchive(ctx, id)
	if err != nil {
		return rec, false, err
	}
	if !found && s.archive.Shared() && s.out.MayArrive(clock.IDTime(id), readAt) {
		return rec, false, ErrNotYet
	}
	if found && s.lives.Remaining(&rec.Session, readAt) > 0 {
		return rec, false, nil
	}
	long := goneShort
	if found && (!rec.EndedAt.IsZero() || !s.out.MayArrive(rec.LastSeenAt.Add(s.lives.Idle), readAt)) {
		long = goneLong
	}
	s.gone.note(key, readAt, long)
	return rec, true, nil
}
