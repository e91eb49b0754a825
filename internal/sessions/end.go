package sessions

import (
	"context"
	"errors"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/internal/revoked"
	"github.com/footfall-go/footfall/store"
)

const maxListed = 1000

// End ends a session for good: first durably, then in the hot store. The error is
// [ErrEnded] if it has ended already; otherwise it wraps [store.ErrUnavailable], and
// nothing was changed.
func (s *Sessions) End(ctx context.Context, e *live.Entry, reason store.EndReason) error {
	rec := e.Snapshot()
	if !rec.EndedAt.IsZero() {
		return ErrEnded
	}
	at := clock.Now()
	cred := rec.Credentials()
	cred.EndedAt, cred.EndReason = at, reason
	// Above any version that the session can reach in its life by any instance's
	// clock: an end is never overtaken.
	cred.Version = max(cred.Version, at.UnixMilli()) + s.lives.Absolute.Milliseconds() + clock.MaxOffset.Milliseconds()
	position, err := s.commitEnd(ctx, e, &rec, cred)
	if err != nil {
		return err
	}
	committed := time.Now()
	if rec.CustomerID != "" {
		s.revoked.Session(rec.SessionID, cred.Version, uint64(position))
	}
	e.End(cred, position)
	s.ended.Add(1)
	burying, cancel := context.WithTimeout(ctx, guard.HotShare)
	defer cancel()
	switch {
	case s.hot.Bury(burying, e, cred.Version):
	case rec.CustomerID != "":
		s.awaitOthers(ctx, committed)
	default: // it is not in the feed, and only this process knows
		s.revoked.Session(rec.SessionID, cred.Version, uint64(position))
	}
	return nil
}

// commitEnd commits an end. The logout of a session that never had a customer needs only
// this process's journal, also with a shared archive: losing it would let nobody in, and
// strangers can begin and end sessions as fast as they like, while what is committed to
// the archive itself delays the facts of everybody. Nor does it use the journal's
// reserve, which is for orders and for the logouts of customers.
func (s *Sessions) commitEnd(ctx context.Context, e *live.Entry, rec *store.Record, cred store.Credentials) (outbox.Position, error) {
	end := &store.CredentialsChanged{SessionID: rec.SessionID, Cred: cred}
	if cred.EndReason == store.EndLogout && rec.CustomerID == "" && rec.AuthenticatedAt.IsZero() {
		if position, err := s.out.CommitUnreserved(e, end); err == nil || !s.archive.Shared() {
			return position, err
		}
	}
	return s.out.Commit(ctx, e, end)
}

// awaitOthers waits until every instance has read what this one committed to a
// shared archive at a time, but not past the end of ctx: a control fact is answered
// within [guard.ControlTimeout].
func (s *Sessions) awaitOthers(ctx context.Context, committed time.Time) {
	if s.archive.Shared() {
		clock.Sleep(ctx, revoked.FollowedAfter-time.Since(committed))
	}
}

// EndByID ends a session of any visitor, and reports whether it was alive. An
// error wraps [store.ErrUnavailable]: nothing was changed.
func (s *Sessions) EndByID(ctx context.Context, sessionID string) (bool, error) {
	id, err := parseID(sessionID)
	if err != nil {
		return false, nil
	}
	reading, cancel := context.WithTimeout(ctx, guard.HotShare)
	e, err := s.read(reading, id)
	cancel()
	if errors.Is(err, hot.ErrFailed) { // what the archive knows is enough to end a session
		rec, ok, archiveErr := s.readSettledArchive(ctx, id)
		switch {
		case archiveErr != nil || !ok:
			return false, err
		case !rec.EndedAt.IsZero():
			return false, nil
		case s.lives.Remaining(&rec.Session, clock.Now()) == 0: // the hot store may know of later activity
			return false, err
		}
		e, err = s.keepArchived(id, rec, time.Time{}), nil
	}
	if err != nil || e == nil {
		return false, err
	}
	rec := e.Snapshot()
	if s.lives.Remaining(&rec.Session, clock.Now()) == 0 {
		return false, nil
	}
	err = s.End(ctx, e, store.EndRevoked)
	if errors.Is(err, ErrEnded) {
		return false, nil
	}
	return err == nil, err
}

// RevocationTime is a time after everything that has been authenticated.
func (s *Sessions) RevocationTime() time.Time {
	return s.clock.FromLocal(clock.Now()).Add(time.Millisecond)
}

// EndCustomer makes everything void that a customer authenticated before a time. It
// returns when every instance knows, or ctx ends. An error wraps
// [store.ErrUnavailable]: nothing was changed.
func (s *Sessions) EndCustomer(ctx context.Context, customerID string, before time.Time) error {
	position, err := s.out.Commit(ctx, nil, &store.CustomerRevoked{CustomerID: customerID, Before: before})
	if err != nil {
		return err
	}
	s.revoked.Customer(customerID, before, uint64(position))
	s.awaitOthers(ctx, time.Now())
	return nil
}

// KnowsCustomer reports whether the archive has any session or order of a customer. An
// error wraps [store.ErrUnavailable].
func (s *Sessions) KnowsCustomer(ctx context.Context, customerID string) (bool, error) {
	known, err := s.archive.Unguarded().KnowsCustomer(ctx, customerID)
	if err != nil {
		return false, archiveError(err)
	}
	return known, nil
}

// OfCustomer lists the live sessions of a customer, newest first, at most 1,000. It
// is for display; the latest second may be missing.
func (s *Sessions) OfCustomer(ctx context.Context, customerID string) ([]store.Session, error) {
	archived, err := s.archive.Unguarded().CustomerSessions(ctx, customerID, maxListed)
	if err != nil {
		return nil, archiveError(err)
	}
	at := clock.Now()
	sessions := archived[:0]
	for _, session := range archived {
		if id, err := parseID(session.SessionID); err == nil {
			if e := s.table.Get(id); e != nil { // newer than the archive
				rec := e.Snapshot()
				if session = rec.Session; s.revoked.Covers(&rec) {
					continue
				}
			}
		}
		if session.CustomerID == customerID && s.lives.Remaining(&session, at) > 0 {
			sessions = append(sessions, session)
		}
	}
	return sessions, nil
}
