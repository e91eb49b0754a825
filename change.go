package footfall

import (
	"context"
	"time"

	"errors"
	"fmt"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/revoked"
)

// change replaces a session's credentials or values: it applies edit to the
// latest record and stores the result if nobody was faster, otherwise it looks
// again. edit is called for each try and may refuse. It returns the entry that
// holds the result.
func (t *Tracker) change(ctx context.Context, e *live.Entry, edit func(*Record) error) (*live.Entry, Record, error) {
	unchanged := 0
	for range maxCredentialTries {
		d := e.Document()
		next := &d.Record
		previous := next.Version
		if err := t.applyEdit(next, edit); err != nil {
			return e, *next, err
		}
		stored, err := t.hot.Replace(ctx, &d, previous)
		if err != nil {
			return e, *next, err
		}
		if stored {
			e.Merge(*next, d.Unknown, clock.Now())
			return e, *next, nil
		}
		t.counts.conflicts.Add(1)
		loaded, err := t.load(ctx, e.ID())
		if err != nil {
			return e, *next, err
		}
		if loaded == nil {
			return e, *next, errEnded
		}
		e = loaded
		if e.Version() != previous {
			continue
		}
		if unchanged++; unchanged > 1 { // nobody was faster: it takes no writes, and does not have the session
			return e, *next, fmt.Errorf("%w: %w: %w", ErrUnavailable, hot.ErrFailed, errNotHeld)
		}
	}
	return e, Record{}, fmt.Errorf("%w: a session's credentials are changing too fast", ErrUnavailable)
}

// applyEdit edits a record and gives it its next version.
func (t *Tracker) applyEdit(rec *Record, edit func(*Record) error) error {
	previous := rec.Version
	if err := edit(rec); err != nil {
		return err
	}
	rec.Version = max(previous+1, rec.Version+1, t.clock.Tell(clock.Now()).UnixMilli())
	return nil
}

// changeCredentials is change for a login: if the hot store does not take it,
// the archive does. No copy in the hot store from before counts then.
func (t *Tracker) changeCredentials(ctx context.Context, e *live.Entry, edit func(*Record) error) (*live.Entry, Record, error) {
	asking, cancel := context.WithTimeout(ctx, guard.HotShare)
	changed, rec, err := t.change(asking, e, edit)
	cancel()
	if !errors.Is(err, hot.ErrFailed) {
		return changed, rec, err
	}
	rec = changed.Snapshot()
	if err := t.applyEdit(&rec, edit); err != nil {
		return changed, rec, err
	}
	position, err := t.out.Commit(ctx, changed, &CredentialsChanged{SessionID: rec.SessionID, Cred: rec.Credentials()})
	if err != nil {
		return changed, rec, err
	}
	t.revoked.Session(rec.SessionID, rec.Version)
	changed.Merge(rec, nil, time.Time{})
	changed.Moved(position)
	return changed, rec, nil
}

var errNotHeld = errors.New("it does not keep the session")

// errEnded says that a session ended while it was being changed.
var errEnded = errors.New("footfall: the session has ended")

// endSession ends a session for good: first durably, then in the hot store.
func (t *Tracker) endSession(ctx context.Context, e *live.Entry, reason EndReason) error {
	rec := e.Snapshot()
	if !rec.EndedAt.IsZero() {
		return errEnded
	}
	at := clock.Now()
	cred := rec.Credentials()
	cred.EndedAt, cred.EndReason = at, reason
	// Above any version that the session can reach in its life, whoever's clock
	// makes it: an end is never overtaken.
	cred.Version = max(cred.Version, at.UnixMilli()) + t.lives.Absolute.Milliseconds() + clock.MaxOffset.Milliseconds()
	position, err := t.out.Commit(ctx, e, &CredentialsChanged{SessionID: rec.SessionID, Cred: cred})
	if err != nil {
		return err
	}
	t.revoked.Session(rec.SessionID, cred.Version)
	e.End(cred, position)
	t.counts.ended.Add(1)
	committed := time.Now()
	burying, cancel := context.WithTimeout(ctx, guard.HotShare)
	defer cancel()
	if !t.hot.Bury(burying, e, cred.Version) {
		t.awaitOthers(ctx, committed)
	}
	return nil
}

// awaitOthers waits until every instance has read what this one committed to a
// shared archive at a time, but not past the end of ctx: a control fact is
// answered within guard.ControlTimeout.
func (t *Tracker) awaitOthers(ctx context.Context, committed time.Time) {
	if t.archive.Shared() {
		clock.Sleep(ctx, revoked.FollowedAfter-time.Since(committed))
	}
}
