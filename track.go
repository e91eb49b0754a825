package footfall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/footfall-go/footfall/enrich"
)

// What an event may hold.
const (
	maxEventType     = 64
	maxProductID     = 128
	maxMetadata      = 4 << 10 // bytes of JSON
	maxMetadataDepth = 5
	maxMetadataKeys  = 64
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
	metadata, err := checkMetadata(event.Metadata)
	if err != nil {
		return err
	}
	v.mu.Lock()
	e := v.sessionLocked(false)
	v.mu.Unlock()
	session := Session{}
	if e != nil {
		session = e.snapshot().Session
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
	case !v.recordPending(recorded):
		t.counts.eventsWithoutSession.Add(1)
	}
	return nil
}

// newEvent is an event of a session, now, on the page the visitor is on.
func (t *Tracker) newEvent(r *http.Request, s Session, name string) Event {
	return Event{
		EventID: newID().String(), SessionID: s.SessionID, VisitorID: s.VisitorID,
		EventType: name, Page: enrich.PageFromRequest(r, t.isOwnHost(r)).Path, CreatedAt: now(),
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

// checkMetadata returns a compact copy of a JSON object within the bounds.
func checkMetadata(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if len(raw) > maxMetadata {
		return nil, fmt.Errorf("footfall: metadata has %d bytes: at most %d", len(raw), maxMetadata)
	}
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // large integers stay what they are
	if err := decoder.Decode(&object); err != nil || decoder.More() || object == nil {
		return nil, errors.New("footfall: metadata is not a JSON object")
	}
	if keys := 0; !shallow(object, maxMetadataDepth, &keys) {
		return nil, fmt.Errorf("footfall: metadata is at most %d levels deep and has at most %d keys", maxMetadataDepth, maxMetadataKeys)
	}
	clean, err := json.Marshal(cleanJSON(object))
	if err != nil {
		return nil, fmt.Errorf("footfall: metadata: %w", err)
	}
	return bytes.Clone(clean), nil
}

func shallow(value any, depth int, keys *int) bool {
	switch v := value.(type) {
	case map[string]any:
		if *keys += len(v); depth == 0 || *keys > maxMetadataKeys {
			return false
		}
		for _, member := range v {
			if !shallow(member, depth-1, keys) {
				return false
			}
		}
	case []any:
		if depth == 0 || len(v) > 4*maxMetadataKeys {
			return false
		}
		for _, member := range v {
			if !shallow(member, depth-1, keys) {
				return false
			}
		}
	}
	return true
}

// cleanJSON takes control characters and bad UTF-8 out of all text.
func cleanJSON(value any) any {
	switch v := value.(type) {
	case string:
		return enrich.Text(v, maxMetadata)
	case map[string]any:
		clean := make(map[string]any, len(v))
		for name, member := range v {
			clean[enrich.Text(name, maxMetadata)] = cleanJSON(member)
		}
		return clean
	case []any:
		for i := range v {
			v[i] = cleanJSON(v[i])
		}
	}
	return value
}
