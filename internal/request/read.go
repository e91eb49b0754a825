package request

import (
	"context"
	"time"

	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// sameMoment is how long ago a request may have asked the stores itself so that
// it need not ask again.
const sameMoment = 100 * time.Millisecond

// Read is [Request.Session] as the stores have it. An error wraps
// [store.ErrUnavailable]: they cannot tell whether there is a session.
func (r *Request) Read(ctx context.Context) (store.Session, bool, error) {
	if _, _, err := r.reread(ctx); err != nil {
		return store.Session{}, false, err
	}
	session, ok := r.Session()
	r.mu.Lock()
	defer r.mu.Unlock()
	return session, ok, r.err
}

// Customer is the customer who is logged in as the stores have it, "" for nobody.
func (r *Request) Customer(ctx context.Context) (string, error) {
	e, standing, err := r.reread(ctx)
	if err != nil || standing != sessions.Current {
		return "", err
	}
	return e.Snapshot().CustomerID, nil
}

// reread asks the stores what the request's session is worth now, in what is left
// of the time that they may take, unless this request has just asked them.
func (r *Request) reread(ctx context.Context) (*live.Entry, sessions.Standing, error) {
	r.mu.Lock()
	left, e, token := r.left, r.entry, r.token
	asked := e != nil && r.err == nil && time.Since(r.readAt) < sameMoment
	r.mu.Unlock()
	if asked {
		if standing := r.q.Sessions.Judge(e, &token); standing != sessions.Worthless {
			return e, standing, nil
		}
	}
	e, standing, err := r.rereadFor(ctx, sessions.ToKnow, &left)
	r.mu.Lock()
	if r.left = min(r.left, left); err == nil {
		r.readAt = time.Now()
	}
	r.mu.Unlock()
	return e, standing, err
}

// rereadToSet is reread for a request that is about to change its cookies.
func (r *Request) rereadToSet(ctx context.Context) (*live.Entry, sessions.Standing, error) {
	left := guard.HotShare
	e, standing, err := r.rereadFor(ctx, sessions.ToChange, &left)
	if err == nil && r.isFinished() {
		err = ErrHeaderSent
	}
	return e, standing, err
}

func (r *Request) rereadFor(ctx context.Context, purpose sessions.Purpose, left *time.Duration) (*live.Entry, sessions.Standing, error) {
	r.mu.Lock()
	token, has, began, e, unknown := r.token, r.hasToken, r.began, r.entry, r.err
	r.mu.Unlock()
	switch {
	case !has:
		return nil, sessions.Worthless, unknown
	case began && e == nil: // what was begun here is over again
		return nil, sessions.Worthless, nil
	case began && !e.IsAnnounced():
		return e, sessions.Current, nil // nobody else can have touched it
	}
	e, standing, err := r.q.Sessions.Find(ctx, &token, purpose, left)
	if err != nil {
		return nil, sessions.Worthless, err
	}
	r.found(e, standing)
	return e, standing, nil
}

// found records what the request's session has turned out to be.
func (r *Request) found(e *live.Entry, standing sessions.Standing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = nil
	if r.finished || r.loggedOut {
		return
	}
	if r.standing == sessions.UnknownCustomer { // now it is known
		r.oldSecret = false
	}
	r.lost = r.lost || r.entry != nil && standing != sessions.Current
	r.entry, r.standing = e, standing
}

func (r *Request) isFinished() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.finished
}
