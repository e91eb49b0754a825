package footfall

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
)

// Handler returns middleware around next that recognises the visitor, begins a
// session if there is none, and records the page view. Inside of another
// Handler, Optional or RequireCustomer of the same tracker it only adds what it
// adds to them: nothing is counted twice.
//
// Everything that the response writer can do, the one that next sees can do.
// Cookies go out with the first byte.
func (t *Tracker) Handler(next http.Handler) http.Handler { return t.middleware(next, tracked) }

// Uncounted is Handler for routes that are no page: they begin and extend the
// session but count nothing.
func (t *Tracker) Uncounted(next http.Handler) http.Handler { return t.middleware(next, uncounted) }

// Optional returns middleware around next that recognises the visitor and does
// nothing else: it begins no session, extends none and counts nothing.
func (t *Tracker) Optional(next http.Handler) http.Handler { return t.middleware(next, untouched) }

func (t *Tracker) middleware(next http.Handler, m mode) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := visitFrom(r.Context()); v != nil && v.t == t {
			v.restrict(m)
			next.ServeHTTP(w, r)
			return
		}
		v := t.open(r)
		v.mode = m
		next.ServeHTTP(v.writer.Wrap(w, v), r.WithContext(v))
		status := http.StatusOK // a handler that wrote nothing answers 200; one that panics answers nothing
		if r.Context().Err() != nil {
			status = statusClientGone
		}
		v.Finish(status, w.Header())
	})
}

// statusClientGone stands for an answer that nobody was there for.
const statusClientGone = 499

// restrict makes a visit's mode stricter, never looser.
func (v *visit) restrict(m mode) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.mode = max(v.mode, m)
}

// RequireCustomer returns middleware around next that lets customers through,
// answers 401 to everybody else, and 503 when it cannot know. It reads the
// session anew for each request, so that a logout elsewhere counts at once. It
// tracks like Handler.
func (t *Tracker) RequireCustomer(next http.Handler) http.Handler {
	return t.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch customer, err := t.Customer(r.Context()); {
		case err != nil:
			w.Header().Set("Retry-After", "1")
			answer(w, http.StatusServiceUnavailable, `{"success":false,"error":"Service unavailable","message":"Please try again in a moment"}`)
		case customer == "":
			answer(w, http.StatusUnauthorized, `{"success":false,"error":"Authentication required","message":"Please log in to continue"}`)
		default:
			cookie.KeepPrivate(w.Header()) // the handler may say otherwise
			next.ServeHTTP(w, r)
		}
	}))
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// Session is [FromContext] as the stores have it, which other instances may have
// changed a moment ago, and tells absence from error: one that wraps
// [ErrUnavailable] says that a store cannot tell whether there is a session, and
// then none is returned.
func (t *Tracker) Session(ctx context.Context) (Session, bool, error) {
	v := visitFrom(ctx)
	if v == nil {
		return Session{}, false, errNoVisit
	}
	if _, _, err := v.reread(ctx); err != nil {
		return Session{}, false, err
	}
	s, ok := FromContext(ctx)
	v.mu.Lock()
	defer v.mu.Unlock()
	return s, ok, v.err
}

// Customer returns the customer who is logged in, "" for nobody. It reads the
// session anew. An error wraps [ErrUnavailable]: it cannot be known.
func (t *Tracker) Customer(ctx context.Context) (string, error) {
	v := visitFrom(ctx)
	if v == nil {
		return "", errNoVisit
	}
	e, s, err := v.reread(ctx)
	if err != nil {
		return "", err
	}
	if s != current {
		return "", nil
	}
	return e.Snapshot().CustomerID, nil
}

// rereadToSet is reread for a request that is about to change its cookies. While
// the hot store is away the archive is asked: what it says is enough to end a
// session, or to log somebody in who has just given a password, but not to let
// anybody in.
func (v *visit) rereadToSet(ctx context.Context) (*live.Entry, standing, error) {
	left := guard.HotShare
	e, s, err := v.rereadWithin(ctx, &left)
	if errors.Is(err, hot.ErrFailed) {
		e, s, err = v.recall(ctx, err)
	}
	if err == nil && v.isCommitted() {
		err = ErrHeaderSent
	}
	return e, s, err
}

// recall is reread without the hot store. cause, why that is silent, is returned
// if the archive knows of no such session, or of another secret.
func (v *visit) recall(ctx context.Context, cause error) (*live.Entry, standing, error) {
	t := v.t
	v.mu.Lock()
	token := v.token
	v.mu.Unlock()
	if err := t.out.AwaitReplay(ctx); err != nil {
		return nil, worthless, err
	}
	rec, ok, err := t.archive.Session(ctx, token.ID.String())
	if err != nil {
		return nil, worthless, archiveError(err)
	}
	e := t.live.Get(token.ID)
	switch {
	case e == nil && !ok:
		return nil, worthless, cause
	case e == nil:
		e = t.adopt(token.ID, live.Document{Record: rec, Series: t.names.Series()}, time.Time{}, true, 0)
	case ok:
		e.MergeArchived(rec)
	}
	hash := token.Secret.Hash()
	switch s, _ := t.judge(e, &hash, clock.Now()); {
	case s == current:
		v.took(e, s)
		return e, s, nil
	case e.HasEnded(): // an end is final
		v.took(nil, worthless)
		return nil, worthless, nil
	}
	return nil, worthless, cause
}

// errNoVisit says that a context is not that of a request under the tracker.
var errNoVisit = errors.New("footfall: the context belongs to no request that went through Tracker.Handler")

// sameMoment is how long ago a request may have asked the stores itself so that
// it need not ask again.
const sameMoment = 100 * time.Millisecond

// reread asks the stores what the visit's session is worth now, in what is left
// of the time that they may take, unless this request has just asked them.
func (v *visit) reread(ctx context.Context) (*live.Entry, standing, error) {
	v.mu.Lock()
	left, e, token := v.left, v.entry, v.token
	asked := e != nil && v.err == nil && time.Since(v.readAt) < sameMoment
	v.mu.Unlock()
	if asked {
		hash := token.Secret.Hash()
		if s, _ := v.t.judge(e, &hash, clock.Now()); s != worthless {
			return e, s, nil
		}
	}
	e, s, err := v.rereadWithin(ctx, &left)
	v.mu.Lock()
	if v.left = min(v.left, left); err == nil {
		v.readAt = time.Now()
	}
	v.mu.Unlock()
	return e, s, err
}

func (v *visit) rereadWithin(ctx context.Context, left *time.Duration) (*live.Entry, standing, error) {
	v.mu.Lock()
	token, has, began, e, unknown := v.token, v.hasToken, v.began, v.entry, v.err
	v.mu.Unlock()
	if !has && unknown != nil {
		return nil, worthless, unknown
	}
	if !has || began && e == nil { // none, or what was begun here is over again
		return nil, worthless, nil
	}
	if began && !e.IsAnnounced() {
		return e, current, nil // nobody else can have touched it
	}
	e, s, err := v.t.resolve(ctx, &token, true, left)
	if err != nil {
		return nil, worthless, err
	}
	if s == worthless {
		e = nil
	}
	v.took(e, s)
	return e, s, nil
}

// took notes what the visit's session has turned out to be.
func (v *visit) took(e *live.Entry, s standing) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = nil
	if !v.committed && !v.over {
		supersededAtFirst := v.stale && v.standing != unsure
		lostSince := v.entry != nil && s != current
		v.stale = supersededAtFirst || lostSince
		v.entry, v.standing = e, s
	}
}

// IsPageView is what counts as a page view unless Config.IsPageView says
// otherwise: a GET answered 2xx or 304 that a person asked for, so neither a
// prefetch nor an asset of a page.
func IsPageView(r *http.Request, status int) bool { return enrich.IsPageView(r, status) }
