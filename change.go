package footfall

import (
	"context"
	"time"

	"errors"
	"fmt"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
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
		stored, err := t.hot.Put(ctx, next.SessionID, d.Series, encodeDocument(&d), previous, next.Version, t.ttl(next))
		if err != nil {
			return e, *next, hotError(err)
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
			return e, *next, hotError(errNotHeld)
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
	if !errors.Is(err, errHot) {
		return changed, rec, err
	}
	rec = changed.Snapshot()
	if err := t.applyEdit(&rec, edit); err != nil {
		return changed, rec, err
	}
	position, err := t.commitFact(ctx, changed, &CredentialsChanged{SessionID: rec.SessionID, Cred: rec.Credentials()})
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
	position, err := t.commitFact(ctx, e, &CredentialsChanged{SessionID: rec.SessionID, Cred: cred})
	if err != nil {
		return err
	}
	t.revoked.Session(rec.SessionID, cred.Version)
	e.End(cred, position)
	t.counts.ended.Add(1)
	committed := time.Now()
	burying, cancel := context.WithTimeout(ctx, guard.HotShare)
	defer cancel()
	if !t.buryHot(burying, e, cred) {
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

// buryHot puts the end into the hot store and says whether it is there. It need
// not succeed: no copy below the end's version counts any more, for this instance
// at once, for others as soon as they have read it from the archive.
func (t *Tracker) buryHot(ctx context.Context, e *live.Entry, cred Credentials) bool {
	for range maxCredentialTries {
		d := e.Document()
		_, version, _, _, err := t.hot.Read(ctx, d.SessionID)
		if err != nil {
			t.hot.CountError()
			return false
		}
		if version >= cred.Version {
			return true
		}
		stored, err := t.hot.Put(ctx, d.SessionID, d.Series, encodeDocument(&d), version, cred.Version, t.ttl(&d.Record))
		if err != nil {
			t.hot.CountError()
			return false
		}
		if stored {
			return true
		}
	}
	return false
}
