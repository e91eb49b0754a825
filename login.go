package footfall

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
)

// Errors of [Tracker.Login] and [Tracker.Logout].
var (
	// ErrHeaderSent: the answer has begun, so no cookie can be set any more.
	ErrHeaderSent = errors.New("footfall: the answer has begun: log in and out before writing to it")
	// ErrRevoked: the customer's sessions were revoked after the password check
	// began. It must be made again.
	ErrRevoked = errors.New("footfall: the customer was logged out everywhere in the meantime: check the password again")
)

const maxCustomerID = 128

// Login attaches a customer to the request's session: call it after the
// password check and before writing the answer. checkedSince is when that check
// began; a revocation since then wins. The session keeps its id and gets a new
// secret, so a cookie known to somebody else is worth nothing from then on. A
// session of another customer ends, and a new one begins. ctx is the request's.
//
// An error that wraps [ErrUnavailable] means that nobody was logged in: answer
// 503. Login cannot be refused by a full or slow journal.
func (t *Tracker) Login(ctx context.Context, customerID string, checkedSince time.Time) error {
	v := visitFrom(ctx)
	if v == nil {
		return errNoVisit
	}
	if customerID == "" || len(customerID) > maxCustomerID || enrich.Text(customerID, maxCustomerID) != customerID {
		return errors.New("footfall: a customer id is 1 to 128 bytes of text")
	}
	checkedSince = t.clock.Tell(checkedSince.UTC().Truncate(time.Millisecond))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	if t.revoked.Before(customerID).After(checkedSince) {
		return ErrRevoked
	}
	e, s, err := v.rereadToSet(ctx)
	switch {
	case errors.Is(err, hot.ErrFailed), errors.Is(err, errNotYet): // whatever session the browser has, this one is its customer's
		return v.loginAnew(ctx, customerID, checkedSince, nil)
	case err != nil:
		return err
	}
	if e == nil || s != current {
		return v.loginAnew(ctx, customerID, checkedSince, nil)
	}
	before := e.Snapshot()
	if before.CustomerID != "" && before.CustomerID != customerID {
		if err := t.endSession(ctx, e, EndAccountSwitch); err != nil && !errors.Is(err, errEnded) {
			return err
		}
		return v.loginAnew(ctx, customerID, checkedSince, kept(before.Values))
	}
	if !e.Begun() {
		t.begin(v.r, e, nil)
	}
	if err = v.rotate(ctx, e, customerID, checkedSince); err == nil {
		t.noteLogin(v.r, e)
	}
	if errors.Is(err, errEnded) { // logged out elsewhere a moment ago
		return v.loginAnew(ctx, customerID, checkedSince, nil)
	}
	return err
}

// kept are the values that survive an account switch.
func kept(values map[string]Value) map[string]Value {
	values = maps.Clone(values)
	maps.DeleteFunc(values, func(_ string, v Value) bool { return !v.Keep })
	return values
}

func (v *visit) isCommitted() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.committed
}

// rotate gives a session a customer and a new secret.
func (v *visit) rotate(ctx context.Context, e *live.Entry, customerID string, checkedSince time.Time) error {
	t := v.t
	v.mu.Lock()
	token := v.token
	v.mu.Unlock()
	old := token.Secret.Hash()
	token.Secret = cookie.NewSecret()
	var before Credentials
	e, rec, err := t.changeCredentials(ctx, e, func(rec *Record) error {
		switch {
		case !rec.EndedAt.IsZero() || t.lives.Remaining(&rec.Session, clock.Now()) == 0:
			return errEnded
		case rec.SecretHash != old: // somebody else logged in on it meanwhile
			return errEnded
		case t.revoked.Before(customerID).After(checkedSince):
			return ErrRevoked
		}
		before = rec.Credentials()
		rec.Superseded, rec.SecretHash = rec.SecretHash, token.Secret.Hash()
		rec.CustomerID, rec.AuthenticatedAt, rec.RotatedAt = customerID, checkedSince, clock.Now()
		rec.Version = checkedSince.UnixMilli() // at least: above a revocation that this login survives
		return nil
	})
	if err != nil {
		return err
	}
	if v.loggedIn(e, token, rec) {
		return nil
	}
	// The browser will never learn the new secret: the old one is put back.
	_, _, err = t.changeCredentials(ctx, e, func(rec *Record) error {
		if rec.SecretHash != token.Secret.Hash() {
			return errEnded
		}
		before.Version = rec.Version
		rec.SetCredentials(before)
		return nil
	})
	if errors.Is(err, errEnded) {
		err = nil
	}
	return errors.Join(ErrHeaderSent, err)
}

// loginAnew begins a session that belongs to the customer from its start.
func (v *visit) loginAnew(ctx context.Context, customerID string, checkedSince time.Time, values map[string]Value) error {
	v.mu.Lock()
	v.entry, v.err, v.over, v.dropSession, v.mode = nil, nil, false, false, min(v.mode, uncounted)
	e := v.sessionLocked(true)
	token := v.token
	v.setSession = "" // loggedIn sets it
	v.mu.Unlock()
	if e == nil {
		return ErrHeaderSent
	}
	e.GiveTo(customerID, checkedSince, values)
	if !v.t.begin(v.r, e, nil).stored {
		if _, err := v.t.out.Commit(ctx, nil, &SessionBegun{Record: live.Beginning(e.Snapshot())}); err != nil {
			v.withdraw()
			return err
		}
	}
	if v.t.revoked.Before(customerID).After(checkedSince) {
		v.withdraw()
		return errors.Join(ErrRevoked, v.t.endSession(ctx, e, EndRevoked))
	}
	if !v.loggedIn(e, token, e.Snapshot()) {
		return errors.Join(ErrHeaderSent, v.t.endSession(ctx, e, EndRevoked)) // nobody will ever know its secret
	}
	v.t.noteLogin(v.r, e)
	return nil
}

func (t *Tracker) noteLogin(r *http.Request, e *live.Entry) {
	t.counts.logins.Add(1)
	t.record(r, e, &EventRecorded{Event: t.newEvent(r, e.Snapshot().Session, EventCustomerLogin)})
}

// loggedIn sets the cookie of a login that the hot store holds, and records it;
// false says that it is too late for a cookie. The journal's reserve takes the
// record if its room for tracking is full; losing it after all would only log
// somebody out.
func (v *visit) loggedIn(e *live.Entry, token cookie.Token, rec Record) bool {
	t := v.t
	v.mu.Lock()
	if v.committed {
		v.mu.Unlock()
		return false
	}
	v.entry, v.standing, v.token, v.hasToken = e, current, token, true
	v.stale, v.refused, v.oldKey = false, false, false
	v.setSession = t.keys.Sign(token.Value())
	v.mu.Unlock()
	change := &CredentialsChanged{SessionID: rec.SessionID, Cred: rec.Credentials()}
	position, err := t.out.Append(e, change)
	if err != nil && !errors.Is(err, outbox.ErrLate) {
		if position, err = t.out.CommitLocal(e, change); err != nil {
			t.log.Error("footfall: a login is in the hot store only", "sessionId", rec.SessionID, "error", err)
		}
	}
	e.Moved(position)
	return true
}

// Logout ends the request's session and clears its cookie: call it before
// writing the answer. The end is durable when it returns. Without a session
// there is nothing to do. An error that wraps [ErrUnavailable] means that
// nothing was changed: answer 503. ctx is the request's.
func (t *Tracker) Logout(ctx context.Context) error {
	v := visitFrom(ctx)
	if v == nil {
		return errNoVisit
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.ControlTimeout)
	defer cancel()
	e, s, err := v.rereadToSet(ctx)
	if err != nil {
		return err
	}
	switch {
	case s == superseded && clock.Now().UnixMilli()-e.Snapshot().Version < live.SupersededGrace.Milliseconds():
		// Its successor's cookie is on its way to the same browser: only that one
		// may end the session. If it has not come by now it never will, and this
		// browser has nothing left but its cookie.
		return fmt.Errorf("%w: the session's secret was replaced a moment ago", ErrUnavailable)
	case s == current && e.IsAnnounced():
		rec := e.Snapshot()
		if err := t.endSession(ctx, e, EndLogout); err != nil && !errors.Is(err, errEnded) {
			return err
		}
		if rec.CustomerID != "" {
			t.record(v.r, e, &EventRecorded{Event: t.newEvent(v.r, rec.Session, EventCustomerLogout)})
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if e != nil && v.began && !e.IsAnnounced() {
		v.setVisitor = uuid.Nil
	}
	v.entry, v.standing, v.began, v.hasToken = nil, worthless, false, false
	v.setSession, v.dropSession, v.over = "", v.sentCookie, true
	return nil
}
