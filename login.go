package footfall

import (
	"context"
	"errors"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/request"
)

const maxCustomerID = 128

// Login attaches a customer to the request's session: call it after the
// password check and before writing the answer. checkedSince is when that check
// began: if the customer's sessions were revoked after that, Login returns
// [ErrRevoked]. The session keeps its id and gets a new
// secret, so a cookie known to somebody else is worth nothing from then on. A
// session of another customer ends, and a new one begins. ctx is the request's.
//
// An error that wraps [ErrUnavailable] means that nobody was logged in: answer
// 503. [ErrRevoked] and [ErrHeaderSent] mean the same. Login cannot be refused by a
// full or slow journal.
func (t *Tracker) Login(ctx context.Context, customerID string, checkedSince time.Time) error {
	r := request.From(ctx)
	if r == nil {
		return ErrNoRequest
	}
	if customerID == "" || enrich.Text(customerID, maxCustomerID) != customerID {
		return errors.New("footfall: a customer id is 1 to 128 bytes of text")
	}
	return r.Login(ctx, customerID, t.clock.FromLocal(checkedSince.UTC().Truncate(time.Millisecond)))
}

// Logout ends the request's session and clears its cookie: call it before
// writing the answer. The end is durable when it returns. Without a session
// there is nothing to do. An error that wraps [ErrUnavailable] means that
// nothing was changed: answer 503. ctx is the request's.
func (t *Tracker) Logout(ctx context.Context) error {
	r := request.From(ctx)
	if r == nil {
		return ErrNoRequest
	}
	return r.Logout(ctx)
}

// CustomerSessions lists the live sessions of a customer, newest first, at most
// 1,000. It is for display; the latest second may be missing. An error wraps
// [ErrUnavailable].
func (t *Tracker) CustomerSessions(ctx context.Context, customerID string) ([]Session, error) {
	return t.sessions.OfCustomer(ctx, customerID)
}

// KnowsCustomer reports whether the archive has any session or order of a customer. An
// error wraps [ErrUnavailable].
func (t *Tracker) KnowsCustomer(ctx context.Context, customerID string) (bool, error) {
	return t.sessions.KnowsCustomer(ctx, customerID)
}

// EndSession ends one session, whoever's it is. It reports whether it was
// alive. The end is durable when it returns; an error wraps [ErrUnavailable] and
// means that nothing was changed.
func (t *Tracker) EndSession(ctx context.Context, sessionID string) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	return t.sessions.EndByID(ctx, sessionID)
}

// EndCustomerSessions ends all sessions of a customer, and refuses logins whose
// password check has already begun. It is durable when it returns; an error
// wraps [ErrUnavailable] and means that nothing was changed.
func (t *Tracker) EndCustomerSessions(ctx context.Context, customerID string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	return t.sessions.EndCustomer(ctx, customerID, t.sessions.RevocationTime())
}

// EndOtherSessions ends all sessions of the request's customer but the
// request's own, after a change of password say. The request's own session gets a new
// secret. Call
// it before writing the answer. [ErrNotLoggedIn] means that there is no customer.
// ctx is the request's.
func (t *Tracker) EndOtherSessions(ctx context.Context) error {
	r := request.From(ctx)
	if r == nil {
		return ErrNoRequest
	}
	return r.EndOthers(ctx)
}
