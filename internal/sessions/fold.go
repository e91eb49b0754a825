package sessions

import (
	"context"
	"errors"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/store"
)

// Fold folds sessions that one browser began in parallel, and whose cookies it did
// not keep, into the one whose cookie it did. A cookie that comes back after all
// gets its session back: see [store.SessionsFolded].
func (s *Sessions) Fold(ctx context.Context, at time.Time) {
	into, folded := s.siblings.Due(at, s.lives.Idle, func(e *live.Entry) bool { return e.Settled(s.out.Confirmed()) })
	for i, target := range into {
		for _, e := range folded[i] {
			asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
			if !s.foldOne(asking, target, e) {
				s.siblings.Again(target, e, at)
			}
			cancel()
		}
	}
}

// foldOne folds a session, unless it was used after all, by this or another instance:
// with its cookie, by a login or by an order. It returns false when that cannot be
// found out or recorded now.
func (s *Sessions) foldOne(ctx context.Context, target, e *live.Entry) bool {
	rec := e.Snapshot()
	if rec.CustomerID != "" || rec.Converted || e.CookieSeen() {
		return true
	}
	there, err := s.hot.Read(ctx, rec.SessionID)
	if err != nil {
		return s.lives.Remaining(&rec.Session, clock.Now()) == 0
	}
	if there.Doc != nil {
		d, err := there.Decode() // its first page view stands in the document, the others are merged
		if err != nil || d.Version != rec.Version || d.PageViews > rec.PageViews || d.LastSeenAt.After(rec.LastSeenAt) {
			return true
		}
	}
	position, err := s.out.Append(target, &store.SessionsFolded{Into: target.SessionID(), Folded: rec.SessionID, Visitor: target.VisitorID()})
	if err != nil && !errors.Is(err, outbox.ErrLate) {
		return false
	}
	s.folded.Add(1)
	s.table.Remove(e.ID())
	d := e.Document()
	d.Version = rec.Version // a login at this moment has raised it, and keeps the document
	s.hot.Remove(ctx, &d)
	if target.Absorb(rec.PageViews, position) {
		s.hot.Queue(target)
	}
	return true
}
