package footfall

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
)

const maxListedSessions = 1000

var errNobody = errors.New("footfall: nobody is logged in")

// CustomerSessions lists the live sessions of a customer, newest first, at most
// 1,000. It is for display; the latest second may be missing.
func (t *Tracker) CustomerSessions(ctx context.Context, customerID string) ([]Session, error) {
	archived, err := t.archive.Unguarded().CustomerSessions(ctx, customerID, maxListedSessions)
	if err != nil {
		return nil, fmt.Errorf("%w: archive: %w", ErrUnavailable, err)
	}
	at := clock.Now()
	sessions := archived[:0]
	for _, s := range archived {
		if id, err := uuid.Parse(s.SessionID); err == nil {
			if e := t.live.Get(id); e != nil { // newer than the archive
				rec := e.Snapshot()
				if s = rec.Session; t.revoked.Covers(&rec) {
					continue
				}
			}
		}
		if s.CustomerID == customerID && t.lives.Remaining(&s, at) > 0 {
			sessions = append(sessions, s)
		}
	}
	return sessions, nil
}

// EndSession ends one session, whoever's it is. It reports whether it was
// alive. The end is durable when it returns; an error wraps [ErrUnavailable] and
// means that nothing was changed.
func (t *Tracker) EndSession(ctx context.Context, sessionID string) (bool, error) {
	id, err := uuid.Parse(sessionID)
	if err != nil || id.Version() != 7 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	asking, cancelAsking := context.WithTimeout(ctx, guard.HotShare)
	e, err := t.load(asking, id)
	cancelAsking()
	if errors.Is(err, hot.ErrFailed) { // what the archive knows is enough to end a session
		var ended bool
		if e, ended = t.loadDespiteHot(ctx, id); e != nil || ended {
			err = nil
		}
	}
	if err != nil {
		return false, err
	}
	if e == nil {
		return false, nil
	}
	rec := e.Snapshot()
	if t.lives.Remaining(&rec.Session, clock.Now()) == 0 {
		return false, nil
	}
	err = t.endSession(ctx, e, EndRevoked)
	if errors.Is(err, errEnded) {
		return false, nil
	}
	return err == nil, err
}

// EndCustomerSessions ends all sessions of a customer, and refuses logins whose
// password check has already begun. It is durable when it returns; an error
// wraps [ErrUnavailable] and means that nothing was changed.
func (t *Tracker) EndCustomerSessions(ctx context.Context, customerID string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	return t.revokeCustomer(ctx, customerID, t.revocationTime())
}

// EndOtherSessions ends all sessions of the request's customer but the
// request's own: after a change of password, say. ctx is the request's.
func (t *Tracker) EndOtherSessions(ctx context.Context) error {
	v := visitFrom(ctx)
	if v == nil {
		return errNoVisit
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	e, s, err := v.reread(ctx)
	if err == nil && v.isCommitted() {
		err = ErrHeaderSent
	}
	if err != nil {
		return err
	}
	rec := Record{}
	if e != nil {
		rec = e.Snapshot()
	}
	if s != current || rec.CustomerID == "" {
		return errNobody
	}
	// This one first: a request of the same browser beside this one must not find
	// its session revoked.
	before := t.revocationTime()
	if err := v.rotate(ctx, e, rec.CustomerID, before); errors.Is(err, errEnded) {
		return errNobody
	} else if err != nil {
		return err
	}
	return t.revokeCustomer(ctx, rec.CustomerID, before)
}

// revocationTime is a time after everything that has been authenticated.
func (t *Tracker) revocationTime() time.Time { return t.clock.Tell(clock.Now()).Add(time.Millisecond) }

// revokeCustomer makes everything void that a customer authenticated before a
// time. It returns when every instance knows.
func (t *Tracker) revokeCustomer(ctx context.Context, customerID string, before time.Time) error {
	if _, err := t.out.Commit(ctx, nil, &CustomerRevoked{CustomerID: customerID, Before: before}); err != nil {
		return err
	}
	t.revoked.Customer(customerID, before)
	t.awaitOthers(ctx, time.Now())
	return nil
}
