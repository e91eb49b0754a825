package sessions

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// ByID finds a session, over or not, for what the shop tells of it without its cookie.
// It returns false if there is none. The entry is nil if only the archive has it. An
// error wraps [store.ErrUnavailable]: it cannot be known whether there is one.
func (s *Sessions) ByID(ctx context.Context, id uuid.UUID) (e *live.Entry, rec store.Record, found bool, err error) {
	if e = s.table.Get(id); e != nil {
		return e, e.Snapshot(), true, nil
	}
	reading, cancel := context.WithTimeout(ctx, guard.HotShare)
	e, err = s.read(reading, id)
	cancel()
	if e != nil {
		return e, e.Snapshot(), true, nil
	}
	rec, found, archiveErr := s.readSettledArchive(ctx, id)
	switch {
	case archiveErr != nil:
		return nil, rec, false, archiveErr
	case found:
		return nil, rec, true, nil
	case err == nil && s.archive.Shared() && s.out.MayArrive(clock.IDTime(id), clock.Now()):
		err = ErrNotYet
	}
	return nil, rec, false, err
}

// LiveByID finds a session that is not over, for what the shop tells of it without its
// cookie. It returns nil if there is none. While the hot store fails, what this process
// or the archive knows is enough. An error wraps [store.ErrUnavailable].
func (s *Sessions) LiveByID(ctx context.Context, id uuid.UUID) (*live.Entry, error) {
	held := s.table.Get(id)
	reading, cancel := context.WithTimeout(ctx, guard.HotShare)
	e, err := s.read(reading, id)
	cancel()
	if err != nil && held != nil {
		e, err = held, nil
	}
	if errors.Is(err, hot.ErrFailed) {
		rec, ok, archiveErr := s.readSettledArchive(ctx, id)
		if archiveErr == nil && ok {
			e, err = s.keepArchived(id, rec, time.Time{}), nil
		}
	}
	if err != nil || e == nil {
		return nil, err
	}
	rec := e.Snapshot()
	if s.revoked.Covers(&rec) || s.lives.Remaining(&rec.Session, clock.Now()) == 0 {
		return nil, nil
	}
	return e, nil
}
