package sessions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// An Edit changes a copy of a record. It is called again for each try, with the
// record as it is then, so it must have no effect but on the record, and on
// variables that it sets anew each time. It may refuse.
type Edit func(rec *store.Record) error

// Replace replaces a session's values, or credentials, in the hot store: it stores
// what edit makes of the latest record if nobody was faster, otherwise it looks
// again. It returns the entry that holds the result, and the result.
func (s *Sessions) Replace(ctx context.Context, e *live.Entry, edit Edit) (*live.Entry, store.Record, error) {
	unchanged := 0
	for range maxTries {
		d := e.Document()
		previous := d.Version
		if err := s.apply(edit, &d.Record); err != nil {
			return e, d.Record, err
		}
		stored, err := s.hot.Replace(ctx, &d, previous)
		if err != nil {
			return e, d.Record, err
		}
		if stored {
			e.Merge(d.Record, d.Unknown, clock.Now())
			return e, d.Record, nil
		}
		s.conflicts.Add(1)
		latest, err := s.read(ctx, e.ID())
		if err != nil {
			return e, d.Record, err
		}
		if latest == nil {
			return e, d.Record, ErrEnded
		}
		e = latest
		if e.Version() != previous {
			continue
		}
		if unchanged++; unchanged > 1 { // nobody was faster: it takes no writes, and does not have the session
			return e, d.Record, fmt.Errorf("%w: %w: %w", store.ErrUnavailable, hot.ErrFailed, errNotHeld)
		}
	}
	return e, store.Record{}, fmt.Errorf("%w: a session's credentials are changing too fast", store.ErrUnavailable)
}

// apply edits a record and gives it its next version.
func (s *Sessions) apply(edit Edit, rec *store.Record) error {
	previous := rec.Version
	if err := edit(rec); err != nil {
		return err
	}
	rec.Version = max(previous+1, rec.Version+1, s.clock.FromLocal(clock.Now()).UnixMilli())
	return nil
}

// ReplaceCredentials is Replace for a login. It falls back to the archive when the
// hot store fails, and then records the new version so that older copies in the hot
// store are ignored.
func (s *Sessions) ReplaceCredentials(ctx context.Context, e *live.Entry, edit Edit) (*live.Entry, store.Record, error) {
	asking, cancel := context.WithTimeout(ctx, guard.HotShare)
	changed, rec, err := s.Replace(asking, e, edit)
	cancel()
	if !errors.Is(err, hot.ErrFailed) {
		return changed, rec, err
	}
	rec = changed.Snapshot()
	if err := s.apply(edit, &rec); err != nil {
		return changed, rec, err
	}
	position, err := s.out.Commit(ctx, changed, &store.CredentialsChanged{SessionID: rec.SessionID, Cred: rec.Credentials()})
	if err != nil {
		return changed, rec, err
	}
	s.revoked.Session(rec.SessionID, rec.Version, uint64(position))
	changed.Merge(rec, nil, time.Time{})
	changed.Moved(position)
	return changed, rec, nil
}

// A Rotation gives a session a customer and a new secret.
type Rotation struct {
	From, To        store.SecretHash // the secret that is replaced, and the new one
	CustomerID      string
	AuthenticatedAt time.Time

	before store.Credentials
}

// ReplacedLogin reports whether the secret that was replaced was a customer's.
func (r *Rotation) ReplacedLogin() bool { return r.before.CustomerID != "" }

// Rotate applies a rotation. The error is [ErrEnded] if the session ended, or has
// another secret than From; [ErrRevoked]; or wraps [store.ErrUnavailable].
func (s *Sessions) Rotate(ctx context.Context, e *live.Entry, r *Rotation) (*live.Entry, store.Record, error) {
	return s.ReplaceCredentials(ctx, e, func(rec *store.Record) error {
		switch {
		case !rec.EndedAt.IsZero() || s.lives.Remaining(&rec.Session, clock.Now()) == 0:
			return ErrEnded
		case rec.SecretHash != r.From: // somebody else logged in on it meanwhile
			return ErrEnded
		case s.IsRevoked(r.CustomerID, r.AuthenticatedAt):
			return ErrRevoked
		}
		r.before = rec.Credentials()
		rec.Superseded, rec.SecretHash = rec.SecretHash, r.To
		rec.CustomerID, rec.AuthenticatedAt, rec.RotatedAt = r.CustomerID, r.AuthenticatedAt, clock.Now()
		rec.Version = r.AuthenticatedAt.UnixMilli() // at least: above a revocation that this login survives
		return nil
	})
}

// RotateBack undoes a rotation whose new secret the browser will never learn.
func (s *Sessions) RotateBack(ctx context.Context, e *live.Entry, r *Rotation) error {
	_, _, err := s.ReplaceCredentials(ctx, e, func(rec *store.Record) error {
		if rec.SecretHash != r.To {
			return ErrEnded
		}
		r.before.Version = rec.Version
		rec.SetCredentials(r.before)
		return nil
	})
	if errors.Is(err, ErrEnded) {
		return nil
	}
	return err
}

// IsRevoked reports whether a customer was revoked after something was
// authenticated.
func (s *Sessions) IsRevoked(customerID string, authenticatedAt time.Time) bool {
	return s.revoked.Before(customerID).After(authenticatedAt)
}

// showOrder has other instances see that a session has an order. It need not
// succeed: the archive knows.
func (s *Sessions) showOrder(ctx context.Context, e *live.Entry, orderID string) {
	ctx, cancel := context.WithTimeout(ctx, s.budget)
	defer cancel()
	_, _, err := s.Replace(ctx, e, func(rec *store.Record) error {
		if !rec.EndedAt.IsZero() || s.lives.Remaining(&rec.Session, clock.Now()) == 0 {
			return ErrEnded
		}
		rec.Converted, rec.OrderID = true, orderID
		return nil
	})
	if err != nil && !errors.Is(err, ErrEnded) {
		s.hot.CountError()
	}
}
