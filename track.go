package footfall

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/request"
	"github.com/footfall-go/footfall/store"
)

// What an event may hold, in bytes.
const (
	maxEventType = 64
	maxProductID = 128
)

// Google Analytics 4's e-commerce names for the same things.
var eventAliases = map[string]string{
	"begin_checkout": EventCheckoutStarted,
	"purchase":       EventOrderCompleted,
}

// Track records an event in the request's session. An error that wraps
// [ErrNoSession] means that the request has none, and says why: a bot, a cap. Any other says
// what is wrong with the event. An outage of tracking is not reported as an error. ctx
// is the request's; for work that goes on after the answer, context.WithoutCancel of it.
//
// An event of the type [EventPageView] is a page view: for pages that are shown without a
// request of their own, by history.pushState, or that are asked for with POST. Say which in Page.
func (t *Tracker) Track(ctx context.Context, event EventInput) error {
	r := request.From(ctx)
	if r == nil {
		return ErrNoRequest
	}
	recorded, err := event.event()
	if err != nil {
		return err
	}
	return r.Track(recorded)
}

// TrackFor is Track outside of the visitor's request, of a queue's worker say: visit is
// what the shop kept of it. The event happens now, as activity of its session, which
// has to be alive; its visitor and customer, if visit names them, have to be the
// session's. Otherwise nothing is recorded, and the error is [ErrNoSession].
// [ErrUnavailable] means that no store can tell: it was not recorded.
func (t *Tracker) TrackFor(ctx context.Context, visit Visit, event EventInput) error {
	session, err := visit.check()
	if err != nil {
		return err
	}
	recorded, err := event.event()
	if err != nil {
		return err
	}
	if session == uuid.Nil {
		return fmt.Errorf("%w: Visit.SessionID is empty", ErrNoSession)
	}
	ctx, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	e, err := t.sessions.LiveByID(ctx, session)
	switch {
	case err != nil:
		return err
	case e == nil:
		return fmt.Errorf("%w: session %s is unknown or over", ErrNoSession, session)
	case visit.VisitorID != "" && visit.VisitorID != e.VisitorID(), visit.CustomerID != "" && visit.CustomerID != e.Snapshot().CustomerID:
		return fmt.Errorf("%w: session %s is of another visitor or customer", ErrNoSession, session)
	}
	recorded.EventID, recorded.SessionID, recorded.VisitorID, recorded.CreatedAt = clock.NewID().String(), e.SessionID(), e.VisitorID(), clock.Now()
	t.sessions.Record(ctx, e, &store.EventRecorded{Event: recorded})
	return nil
}

// event checks an input and brings it into form.
func (in EventInput) event() (store.Event, error) {
	name, err := eventName(in.Type)
	if err != nil {
		return store.Event{}, err
	}
	metadata, err := enrich.Metadata(in.Metadata)
	if err != nil {
		return store.Event{}, err
	}
	return store.Event{
		EventType: name, ProductID: enrich.Text(in.ProductID, maxProductID),
		Page: enrich.Text(enrich.RedactURL(in.Page), enrich.MaxURL), Metadata: metadata,
	}, nil
}

// check says what is wrong with a visit. It returns the session's id, if there is one.
func (v Visit) check() (session uuid.UUID, err error) {
	session, err = parseID("Visit.SessionID", v.SessionID)
	if err == nil {
		_, err = parseID("Visit.VisitorID", v.VisitorID)
	}
	if err == nil && enrich.Text(v.CustomerID, maxCustomerID) != v.CustomerID {
		err = fmt.Errorf("footfall: Visit.CustomerID: a customer id is 1 to %d bytes of text, or empty", maxCustomerID)
	}
	return session, err
}

// parseID reads an id in the form in which it was given out, or none.
func parseID(field, id string) (uuid.UUID, error) {
	if id == "" {
		return uuid.Nil, nil
	}
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.String() != id || parsed == uuid.Nil {
		return uuid.Nil, fmt.Errorf("footfall: %s: %.40q is no id that Footfall gave out: use FromContext's, or leave it empty", field, id)
	}
	return parsed, nil
}

func eventName(name string) (string, error) {
	if canonical, ok := eventAliases[name]; ok {
		name = canonical
	}
	switch name {
	case EventOrderCompleted, EventRefund, EventCustomerLogin, EventCustomerLogout:
		return "", fmt.Errorf("footfall: %s is recorded by PlaceOrder, Refund, Login and Logout alone", name)
	}
	if name == "" || len(name) > maxEventType {
		return "", fmt.Errorf("footfall: an event's type has 1 to %d bytes", maxEventType)
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.', c == ':':
		default:
			return "", fmt.Errorf("footfall: event type %q: use letters, digits, _ - . :", name)
		}
	}
	return name, nil
}
