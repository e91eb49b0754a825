package footfall

import (
	"context"
	"errors"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
)

// fold folds what is due.
func (t *Tracker) fold(ctx context.Context, at time.Time) {
	into, folded := t.siblings.Due(at, t.lives.Idle, t.out.Holds)
	for i, target := range into {
		for _, e := range folded[i] {
			asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
			if !t.foldOne(asking, target, e) {
				t.siblings.Again(target, e, at)
			}
			cancel()
		}
	}
}

// foldOne folds a session, unless somebody has used it after all, here or
// elsewhere: a login or an order is no accident of loading a page either.
// It returns false when that cannot be told or recorded now.
func (t *Tracker) foldOne(ctx context.Context, target, e *live.Entry) bool {
	rec := e.Snapshot()
	if rec.CustomerID != "" || rec.Converted || e.CookieSeen() {
		return true
	}
	if latest, err := t.isLatest(ctx, e); err != nil || !latest {
		return err == nil || t.lives.Remaining(&rec.Session, clock.Now()) == 0
	}
	position, err := t.out.Append(target, &SessionsFolded{Into: target.SessionID(), Folded: rec.SessionID, Visitor: target.VisitorID()})
	if err != nil && !errors.Is(err, outbox.ErrLate) {
		return false
	}
	t.counts.folded.Add(1)
	t.live.Remove(e.ID())
	// Unless somebody has logged in on it in this moment.
	d := e.Document()
	d.Version = rec.Version
	t.hot.Remove(ctx, &d)
	if target.Absorb(rec.PageViews, position) {
		t.hot.Queue(target)
	}
	return true
}

// isLatest says that the hot store knows no more of a session than its entry.
func (t *Tracker) isLatest(ctx context.Context, e *live.Entry) (bool, error) {
	rec := e.Snapshot()
	there, err := t.hot.Read(ctx, rec.SessionID)
	return there.Doc == nil || there.Version == rec.Version && there.Views <= rec.PageViews && !there.LastSeen.After(rec.LastSeenAt), err
}
