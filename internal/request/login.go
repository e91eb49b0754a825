package request

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// control is the time that a control fact has, also when the client is gone.
func control(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
}

// Login attaches a customer, whose password check began at a time of the shared
// clock, to the request's session: a new secret replaces its own. A session of
// another customer ends, and a new one begins.
func (r *Request) Login(ctx context.Context, customerID string, checkedSince time.Time) error {
	ctx, cancel := control(ctx)
	defer cancel()
	if r.q.Sessions.IsRevoked(customerID, checkedSince) {
		return sessions.ErrRevoked
	}
	e, standing, err := r.rereadToSet(ctx)
	switch {
	case errors.Is(err, hot.ErrFailed), errors.Is(err, sessions.ErrNotYet): // whatever session the browser has, a new one is this customer's
		return r.loginAnew(ctx, customerID, checkedSince, nil)
	case err != nil:
		return err
	case standing != sessions.Current:
		return r.loginAnew(ctx, customerID, checkedSince, nil)
	}
	before := e.Snapshot()
	if before.CustomerID != "" && before.CustomerID != customerID {
		if err := r.q.Sessions.End(ctx, e, store.EndAccountSwitch); err != nil && !errors.Is(err, sessions.ErrEnded) {
			return err
		}
		return r.loginAnew(ctx, customerID, checkedSince, keptValues(before.Values))
	}
	if !e.Begun() {
		r.q.Sessions.Announce(r, e)
	}
	switch err := r.rotate(ctx, e, customerID, checkedSince); {
	case errors.Is(err, sessions.ErrEnded): // logged out elsewhere a moment ago
		return r.loginAnew(ctx, customerID, checkedSince, nil)
	case err != nil:
		return err
	}
	r.recordLogin(e)
	return nil
}

// keptValues are the values that survive an account switch.
func keptValues(values map[string]store.Value) map[string]store.Value {
	values = maps.Clone(values)
	maps.DeleteFunc(values, func(_ string, v store.Value) bool { return !v.Keep })
	return values
}

// rotate gives a session a customer and a new secret.
func (r *Request) rotate(ctx context.Context, e *live.Entry, customerID string, checkedSince time.Time) error {
	r.mu.Lock()
	token := r.token
	r.mu.Unlock()
	rotation := sessions.Rotation{From: token.Secret.Hash(), CustomerID: customerID, AuthenticatedAt: checkedSince}
	token.Secret = cookie.NewSecret()
	rotation.To = token.Secret.Hash()
	e, rec, err := r.q.Sessions.Rotate(ctx, e, &rotation)
	if err != nil {
		return err
	}
	if r.setLogin(e, token) {
		r.q.Sessions.RecordCredentials(ctx, e, rec.Credentials(), rotation.ReplacedLogin())
		return nil
	}
	return errors.Join(ErrHeaderSent, r.q.Sessions.RotateBack(ctx, e, &rotation)) // the browser will never learn the new secret
}

// loginAnew begins a session that belongs to the customer from its start.
func (r *Request) loginAnew(ctx context.Context, customerID string, checkedSince time.Time, values map[string]store.Value) error {
	r.mu.Lock()
	r.entry, r.err, r.loggedOut, r.dropSession, r.mode = nil, nil, false, false, min(r.mode, Uncounted)
	e := r.session(true)
	token := r.token
	r.setSession = false // setLogin sets it
	r.mu.Unlock()
	if e == nil {
		return ErrHeaderSent
	}
	e.GiveTo(customerID, checkedSince, values)
	if err := r.q.Sessions.AnnounceDurably(ctx, e); err != nil {
		r.withdraw()
		return err
	}
	if r.q.Sessions.IsRevoked(customerID, checkedSince) {
		r.withdraw()
		return errors.Join(sessions.ErrRevoked, r.q.Sessions.End(ctx, e, store.EndRevoked))
	}
	if !r.setLogin(e, token) {
		return errors.Join(ErrHeaderSent, r.q.Sessions.End(ctx, e, store.EndRevoked)) // no browser will ever have its secret
	}
	r.q.Sessions.RecordCredentials(ctx, e, e.Snapshot().Credentials(), false)
	r.recordLogin(e)
	return nil
}

// setLogin has the answer set the cookie of a login that the stores hold. It
// returns false if it is too late for a cookie.
func (r *Request) setLogin(e *live.Entry, token cookie.Token) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return false
	}
	r.entry, r.standing, r.token, r.hasToken = e, sessions.Current, token, true
	r.oldSecret, r.lost, r.cappedBy, r.oldKey, r.setSession = false, false, "", false, true
	return true
}

func (r *Request) recordLogin(e *live.Entry) {
	r.q.logins.Add(1)
	r.q.Sessions.Record(r, e, &store.EventRecorded{Event: r.event(e, store.EventCustomerLogin)})
}

// Logout ends the request's session and clears its cookie. The end is durable when
// it returns.
func (r *Request) Logout(ctx context.Context) error {
	ctx, cancel := control(ctx)
	defer cancel()
	e, standing, err := r.rereadToSet(ctx)
	if err != nil {
		return err
	}
	switch {
	case standing == sessions.Superseded && clock.Now().UnixMilli()-e.Version() < live.SupersededGrace.Milliseconds():
		// Its successor's cookie is on its way to the same browser: only that one
		// may end the session. If it has not come by now it never will, and this
		// browser has nothing left but its cookie.
		return fmt.Errorf("%w: the session's secret was replaced a moment ago", store.ErrUnavailable)
	case standing == sessions.Current && e.IsAnnounced():
		customer := e.HasCustomer()
		event := r.event(e, store.EventCustomerLogout)
		if err := r.q.Sessions.End(ctx, e, store.EndLogout); err != nil && !errors.Is(err, sessions.ErrEnded) {
			return err
		}
		if customer {
			r.q.Sessions.Record(r, e, &store.EventRecorded{Event: event})
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e != nil && r.began && !e.IsAnnounced() {
		r.setVisitor = uuid.Nil
	}
	r.entry, r.standing, r.began, r.hasToken = nil, sessions.Worthless, false, false
	r.setSession, r.dropSession, r.loggedOut = false, r.sentCookie, true
	return nil
}

// EndOthers ends all sessions of the request's customer but the request's own.
func (r *Request) EndOthers(ctx context.Context) error {
	ctx, cancel := control(ctx)
	defer cancel()
	e, standing, err := r.reread(ctx)
	if err == nil && r.isFinished() {
		err = ErrHeaderSent
	}
	if err != nil {
		return err
	}
	if standing != sessions.Current || !e.HasCustomer() {
		return ErrNotLoggedIn
	}
	customerID := e.Snapshot().CustomerID
	// This one first: a request of the same browser beside this one must not find
	// its session revoked.
	before := r.q.Sessions.RevocationTime()
	if err := r.rotate(ctx, e, customerID, before); errors.Is(err, sessions.ErrEnded) {
		return ErrNotLoggedIn
	} else if err != nil {
		return err
	}
	return r.q.Sessions.EndCustomer(ctx, customerID, before)
}
