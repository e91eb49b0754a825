package request

import (
	"context"
	"fmt"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// Track records an event, of which type, product, page and metadata are given, in
// the request's session. Without one an error says why, and wraps [ErrNoSession].
func (r *Request) Track(event store.Event) error {
	r.mu.Lock()
	e := r.session(false)
	r.mu.Unlock()
	recorded := r.event(e, event.EventType)
	recorded.ProductID, recorded.Metadata = event.ProductID, event.Metadata
	if event.Page != "" {
		recorded.Page = event.Page
	}
	switch {
	case e != nil:
		r.q.Sessions.Record(r, e, &store.EventRecorded{Event: recorded})
	case !r.recordUnattributed(recorded):
		r.q.eventsWithoutSession.Add(1)
		return fmt.Errorf("%w: %s", ErrNoSession, r.whyNoSession())
	}
	return nil
}

// whyNoSession says why the request has no session and begins none.
func (r *Request) whyNoSession() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.bot != "":
		return "the request was made by software (" + r.bot + ")"
	case r.cappedBy != "":
		return "too many sessions began in this minute, from its network or in all"
	case r.loggedOut:
		return "its session was ended"
	case r.finished:
		return "the answer has begun"
	case r.mode == Untouched:
		return "its route begins no session"
	case r.cookiesWithheld():
		return "another site made the request, without the browser's cookies"
	}
	return "the request is none that a session begins with"
}

// event is an event of a session, nil if there is none, that happens now on the page
// that the visitor is on.
func (r *Request) event(e *live.Entry, name string) store.Event {
	event := store.Event{EventID: newEventID(), EventType: name, Page: r.q.Describe.Page(r.r).Path, CreatedAt: clock.Now()}
	if e != nil {
		event.SessionID, event.VisitorID = e.SessionID(), e.VisitorID()
	}
	return event
}

// Whose says whose order it is that a request places, as far as that can be known.
type Whose struct {
	Entry                            *live.Entry // nil: no session that it may convert
	SessionID, VisitorID, CustomerID string
}

// WhoseOrder finds out whose order a request places.
func (r *Request) WhoseOrder(ctx context.Context) (w Whose) {
	known, standing, err := r.reread(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.session(false)
	switch {
	case err != nil && e == nil: // the cookie is ours: it names the session, whatever that may do
		if r.hasToken {
			w.SessionID = r.token.ID.String()
		}
		if c, ok := r.visitorCookie(clock.Now()); ok {
			w.VisitorID = c.id.String()
		}
		return w
	case e == nil:
		e = known
	}
	if e == nil {
		return w
	}
	rec := e.Snapshot()
	w.VisitorID = rec.VisitorID
	if standing == sessions.Superseded { // good for counting only: it converts nothing
		return w
	}
	w.Entry, w.SessionID = e, rec.SessionID
	if err == nil {
		w.CustomerID = rec.CustomerID
	}
	return w
}
