package sessions

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/live"
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
// over, or, for whom lately is enough, that it is alive: then e is what this process knows of it.
func (s *Sessions) readUnlessOver(ctx context.Context, id uuid.UUID, readAt time.Time, lately bool) (rec store.Record, e *live.Entry, over bool, err error) {
	key := goneKey(id)
	known := func() bool {
		if lately {
			e = s.knownLately(id, readAt)
		}
		over = e == nil && s.gone.knows(key, readAt)
		return e != nil || over
	}
	if known() {
		return rec, e, over, nil
	}
	answered, err := s.gone.ask(ctx, key)
	if err != nil {
		return rec, nil, false, archiveError(err)
	}
	defer func() { answered(err) }()
	if known() { // another request has asked
		return rec, e, over, nil
	}
	rec, found, err := s.readSettledArchive(ctx, id)
	if err != nil {
		return rec, nil, false, err
	}
	if !found && s.archive.Shared() && s.out.MayArrive(clock.IDTime(id), readAt) {
		return rec, nil, false, ErrNotYet
	}
	if found && s.lives.Remaining(&rec.Session, readAt) > 0 {
		if rec.CustomerID == "" {
			s.keepArchived(id, rec, readAt)
			s.lost.note(key, readAt, goneShort)
		}
		return rec, nil, false, nil
	}
	long := goneShort
	if found && (!rec.EndedAt.IsZero() || !s.out.MayArrive(rec.LastSeenAt.Add(s.lives.Idle), readAt)) {
		long = goneLong
	}
	s.gone.note(key, readAt, long)
	return rec, nil, true, nil
}

// knownLately is a session without a customer that the hot store does not have, and of which
// the archive said a moment ago that it is alive, nil if it did not: a hot store that is full
// takes no session, and each request of one would read the archive.
func (s *Sessions) knownLately(id uuid.UUID, at time.Time) *live.Entry {
	if !s.lost.knows(goneKey(id), at) {
		return nil
	}
	if e := s.table.Get(id); e != nil && !e.HasCustomer() {
		return e
	}
	return nil
}
