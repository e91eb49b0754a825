package footfall

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
)

// load reads a session from the hot store, and from the archive if it is
// missing there. Nil means that there is none.
func (t *Tracker) load(ctx context.Context, id uuid.UUID) (*live.Entry, error) {
	there, err := t.hot.Read(ctx, id.String())
	if err != nil {
		return nil, err
	}
	if there.Doc == nil || there.Version < t.revoked.Lowest(id.String()) {
		return t.loadArchived(ctx, id, there.ReadAt, there.Version)
	}
	if e := t.live.Get(id); e != nil && e.Refresh(there.Doc, there.Version, there.Views, there.LastSeen, there.ReadAt) { // nothing changed but activity: no need to decode
		if err := t.lookFirst(ctx, e); err != nil {
			return nil, err
		}
		return e, nil
	}
	d, err := there.Decode()
	switch {
	case errors.Is(err, hot.ErrNewerFormat):
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case err != nil: // ends that session quietly, unless the archive knows better
		t.counts.corruptRecords.Add(1)
		t.log.Warn("footfall: a corrupt record in the hot store was dropped", "sessionId", id, "error", err)
		if err := t.hot.Delete(ctx, id.String()); err != nil {
			return nil, err
		}
		return t.loadArchived(ctx, id, there.ReadAt, 0)
	}
	e := t.adopt(id, d, there.ReadAt, false, there.Views)
	if err := t.lookFirst(ctx, e); err != nil { // what is held here may name a customer that the document does not
		return nil, err
	}
	if e.Version() > there.Version && !t.isRevoked(e) { // the hot store was put back to an earlier state
		t.hot.Restore(ctx, e, there.Version)
	}
	return e, nil
}

// lookFirst makes sure that a customer's end is known if there was one: the
// journal may hold it, or another instance may have said it.
func (t *Tracker) lookFirst(ctx context.Context, e *live.Entry) error {
	if !e.HasCustomer() {
		return nil
	}
	if err := t.out.AwaitReplay(ctx); err != nil {
		return err
	}
	if err := t.revoked.FollowIfReconnected(ctx); err != nil {
		return archiveError(err)
	}
	return nil
}

// isRevoked says that an entry is below what was revoked.
func (t *Tracker) isRevoked(e *live.Entry) bool {
	rec := e.Snapshot()
	return t.revoked.Covers(&rec)
}

// loadArchived warms the hot store from the archive. stale is the version of a
// document in the hot store that does not count any more, 0 if there is none.
func (t *Tracker) loadArchived(ctx context.Context, id uuid.UUID, readAt time.Time, stale int64) (*live.Entry, error) {
	if e, err := t.loadHeld(ctx, id); err != nil {
		return nil, err
	} else if e != nil {
		t.hot.Restore(ctx, e, stale)
		return e, nil
	}
	if err := t.out.AwaitReplay(ctx); err != nil {
		return nil, err
	}
	t.counts.archiveReads.Add(1)
	rec, ok, err := t.archive.Session(ctx, id.String())
	if err != nil {
		return nil, archiveError(err)
	}
	if !ok && t.archive.Shared() && t.out.MayArrive(clock.IDTime(id), readAt) {
		return nil, errNotYet
	}
	if !ok || t.lives.Remaining(&rec.Session, readAt) == 0 {
		return nil, nil
	}
	e := t.adopt(id, live.Document{Record: rec, Series: t.names.Series()}, readAt, true, 0)
	t.hot.Restore(ctx, e, stale)
	return e, nil
}

// loadHeld is the session as this process holds it, if the archive does not have
// all of it yet and nobody has said anything newer; otherwise nil. That the hot
// store has lost it is a reason to ask what was revoked.
func (t *Tracker) loadHeld(ctx context.Context, id uuid.UUID) (*live.Entry, error) {
	e := t.live.Get(id)
	if e == nil || t.out.Holds(e) {
		return nil, nil
	}
	if t.archive.Shared() && e.HasCustomer() {
		if err := t.revoked.Follow(ctx); err != nil {
			return nil, archiveError(err)
		}
	}
	if t.isRevoked(e) {
		return nil, nil
	}
	return e, nil
}

// adopt makes an entry of what a store holds, or brings the one that is there
// up to date. archived says that it is from the archive; views of its page views
// were counted on top of the document's own.
func (t *Tracker) adopt(id uuid.UUID, d live.Document, readAt time.Time, archived bool, views int64) *live.Entry {
	e := live.Loaded(id, d, readAt, views, archived, t.names)
	t.siblings.CameBack(id)
	there := t.live.Add(e, t.out.Confirmed())
	if there == nil || there == e { // nil: the table is full of sessions that cannot go, so this one is not kept
		return e
	}
	if there.Keep(d, readAt, views, t.names) {
		t.hot.Recount(there)
	}
	return there
}
