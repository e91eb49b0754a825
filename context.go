package footfall

import (
	"context"

	"github.com/footfall-go/footfall/internal/request"
)

// FromContext returns the session of the request that ctx belongs to, as this
// process knows it. It begins one if the request has none and may. It returns false
// when there is no session: outside of the middleware, for bots, past a cap, under Optional without a
// session, and while a store cannot say. It reads no store for a session that was
// served a moment ago.
func FromContext(ctx context.Context) (Session, bool) {
	r := request.From(ctx)
	if r == nil {
		return Session{}, false
	}
	return r.Session()
}

// Visitor returns the visitor of the request that ctx belongs to: the one that
// its signed cookie names, which no store is asked about, otherwise that of its
// session. It returns false when there is none.
func Visitor(ctx context.Context) (id string, ok bool) {
	r := request.From(ctx)
	if r == nil {
		return "", false
	}
	return r.Visitor()
}

// Session is [FromContext], but reads the stores again, since another instance may have
// changed the session a moment ago. If they cannot tell whether there is a session, it
// returns an error that wraps [ErrUnavailable], and no session.
func (t *Tracker) Session(ctx context.Context) (Session, bool, error) {
	r := request.From(ctx)
	if r == nil {
		return Session{}, false, ErrNoRequest
	}
	return r.Read(ctx)
}

// Customer returns the customer who is logged in, "" for nobody. It reads the
// session anew. An error wraps [ErrUnavailable]: it cannot be known.
func (t *Tracker) Customer(ctx context.Context) (string, error) {
	r := request.From(ctx)
	if r == nil {
		return "", ErrNoRequest
	}
	return r.Customer(ctx)
}
