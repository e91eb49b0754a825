package sessions

import (
	"context"
	"fmt"

	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// confirm is called before a record with a customer is trusted: it waits for the
// replay, reads revocations if they were never read or after a reconnect, and asks the
// archive for what is no longer remembered. Afterwards what is revoked is known; an
// error says that it cannot be known.
func (s *Sessions) confirm(ctx context.Context, rec *store.Record) error {
	if rec.CustomerID == "" {
		return nil
	}
	if err := s.out.AwaitReplay(ctx); err != nil {
		return err
	}
	if err := s.revoked.FollowIfReconnected(ctx); err != nil {
		return archiveError(err)
	}
	return s.askArchive(ctx, rec)
}

// confirmHeld is confirm for an entry.
func (s *Sessions) confirmHeld(ctx context.Context, e *live.Entry) error {
	if !e.HasCustomer() {
		return nil
	}
	rec := e.Snapshot()
	return s.confirm(ctx, &rec)
}

// askArchive asks the archive for a customer's record, if something that may concern it
// had no room in memory any more: whether its session has ended or has newer
// credentials, and whether its customer was revoked.
func (s *Sessions) askArchive(ctx context.Context, rec *store.Record) error {
	doubt, some := s.revoked.Doubts(rec)
	if !some {
		return nil
	}
	if !s.archive.Shared() && uint64(s.out.Confirmed()) < doubt.Position {
		return fmt.Errorf("%w: what was revoked is still on its way to the archive", store.ErrUnavailable)
	}
	archived, ok, err := s.readArchive(ctx, rec.SessionID)
	if err != nil {
		return err
	}
	if !ok && s.archive.Shared() {
		return ErrNotYet
	}
	before, err := s.archive.RevokedBefore(ctx, rec.CustomerID)
	if err != nil {
		return archiveError(err)
	}
	switch {
	case ok && !archived.EndedAt.IsZero():
		s.revoked.Session(rec.SessionID, max(archived.Version, rec.Version+1), 0)
	case ok && archived.Version > rec.Version:
		s.revoked.Session(rec.SessionID, archived.Version, 0)
	}
	s.revoked.Customer(rec.CustomerID, before, 0)
	s.revoked.Clear(rec, doubt)
	return nil
}
