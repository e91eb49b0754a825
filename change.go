package footfall

import (
	"context"
	"errors"
	"fmt"
)

// change replaces a session's credentials or values: it applies edit to the
// latest record and stores the result if nobody was faster, otherwise it looks
// again. edit is called for each try and may refuse.
func (t *Tracker) change(ctx context.Context, e *entry, edit func(*Record) error) (Record, error) {
	for range maxCredentialTries {
		d := e.document()
		next := &d.Record
		previous := next.Cred.Version
		if err := edit(next); err != nil {
			return *next, err
		}
		next.Cred.Version = max(previous+1, next.Cred.Version+1, now().UnixMilli())
		next.setCredentials(next.Cred)
		stored, err := t.hot.Put(ctx, next.SessionID, d.encode(), previous, next.Cred.Version, t.ttl(next))
		if err != nil {
			return *next, fmt.Errorf("%w: hot store: %w", ErrUnavailable, err)
		}
		if stored {
			e.merge(*next, d.unknown, now())
			return *next, nil
		}
		t.counts.conflicts.Add(1)
		loaded, err := t.load(ctx, e.id)
		if err != nil {
			return *next, err
		}
		if loaded == nil {
			return *next, errEnded
		}
		e = loaded
	}
	return Record{}, fmt.Errorf("%w: a session's credentials are changing too fast", ErrUnavailable)
}

// errEnded says that a session ended while it was being changed.
var errEnded = errors.New("footfall: the session has ended")

// endSession ends a session for good: first durably, then in the hot store.
func (t *Tracker) endSession(ctx context.Context, e *entry, reason EndReason) error {
	rec := e.snapshot()
	if !rec.EndedAt.IsZero() {
		return errEnded
	}
	at := now()
	cred := rec.Cred
	cred.EndedAt, cred.EndReason = at, reason
	// Above any version that a change under way at this moment, by anybody, may
	// take: an end is never overtaken.
	cred.Version = max(cred.Version, at.UnixMilli()) + endLead.Milliseconds()
	position, err := t.commitFact(&CredentialsChanged{SessionID: rec.SessionID, Cred: cred})
	if err != nil {
		return err
	}
	t.revoked.note(CredentialChange{SessionID: rec.SessionID, Version: cred.Version}, at)
	e.mu.Lock()
	e.position = max(e.position, position)
	e.mu.Unlock()
	e.end(cred)
	t.counts.ended.Add(1)
	t.buryHot(ctx, e, cred)
	return nil
}

// end makes an entry's credentials those of its end, whatever they are.
func (e *entry) end(cred Credentials) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cred.Version = max(cred.Version, e.rec.Cred.Version+1)
	e.rec.setCredentials(cred)
}

// buryHot puts the end into the hot store. It need not succeed: no copy below
// the end's version counts any more.
func (t *Tracker) buryHot(ctx context.Context, e *entry, cred Credentials) {
	for range maxCredentialTries {
		d := e.document()
		_, version, _, _, err := t.hot.Read(ctx, d.SessionID)
		if err != nil {
			t.counts.hotErrors.Add(1)
			return
		}
		if version >= cred.Version {
			return
		}
		stored, err := t.hot.Put(ctx, d.SessionID, d.encode(), version, cred.Version, t.ttl(&d.Record))
		if err != nil {
			t.counts.hotErrors.Add(1)
			return
		}
		if stored {
			return
		}
	}
}
