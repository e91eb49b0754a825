package footfall

import (
	"context"
	"fmt"
	"net/http"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
)

// What an event may hold.
const (
	maxEventType = 64
	maxProductID = 128
)

// Google Analytics 4's e-commerce names for the same things.
var eventAliases = map[string]string{
	"begin_checkout": EventCheckoutStarted,
	"purchase":       EventOrderCompleted,
}

// Track records an event in the request's session. Only EventType, ProductID,
// Page and Metadata of the event are used; without a Page it is the page that
// the visitor is on. Without a session (a bot, a cap) it does nothing. An error says what is wrong with the event, never that
// tracking is out of order. ctx is the request's.
func (t *Tracker) Track(ctx context.Context, event Event) error {
	v := visitFrom(ctx)
	if v == nil {
		return errNoVisit
	}
	name, err := eventName(event.EventType)
	if err != nil {
		return err
	}
	metadata, err := enrich.Metadata(event.Metadata)
	if err != nil {
		return err
	}
	v.mu.Lock()
	e := v.sessionLocked(false)
	v.mu.Unlock()
	session := Session{}
	if e != nil {
		session = e.Snapshot().Session
	}
	recorded := t.newEvent(v.r, session, name)
	recorded.ProductID = enrich.Text(event.ProductID, maxProductID)
	recorded.Metadata = metadata
	if event.Page != "" {
		recorded.Page = enrich.Text(enrich.RedactURL(event.Page), enrich.MaxURL)
	}
	switch {
	case e != nil:
		t.record(v.r, e, &EventRecorded{Event: recorded})
	case !v.recordUnattributed(recorded):
		t.counts.eventsWithoutSession.Add(1)
	}
	return nil
}

// newEvent is an event of a session, now, on the page the visitor is on.
func (t *Tracker) newEvent(r *http.Request, s Session, name string) Event {
	return Event{
		EventID: clock.NewID().String(), SessionID: s.SessionID, VisitorID: s.VisitorID,
		EventType: name, Page: enrich.PageFromRequest(r, t.isOwnHost(r)).Path, CreatedAt: clock.Now(),
	}
}

func eventName(name string) (string, error) {
	name = or(eventAliases[name], name)
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

// recordUnattributed records an event of a visit whose session cannot be known. It
// returns false if that is not how the visit is.
func (v *visit) recordUnattributed(event Event) bool {
	v.mu.Lock()
	waits := v.entry == nil && v.err != nil && v.hasToken && v.bot == "" && v.mode != untouched
	token := v.token
	v.mu.Unlock()
	if !waits {
		return false
	}
	event.SessionID = token.ID.String()
	v.t.out.AppendUnattributed(event, token.Secret.Hash())
	return true
}
