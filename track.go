package footfall

import (
	"context"
	"fmt"

	"github.com/footfall-go/footfall/enrich"
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

// Track records an event in the request's session. Without a session (a bot, a cap)
// it does nothing. An error says what is wrong with the event; an outage of
// tracking is not reported as one. ctx is the request's.
func (t *Tracker) Track(ctx context.Context, event EventInput) error {
	r := request.From(ctx)
	if r == nil {
		return ErrNoRequest
	}
	name, err := eventName(event.Type)
	if err != nil {
		return err
	}
	metadata, err := enrich.Metadata(event.Metadata)
	if err != nil {
		return err
	}
	r.Track(store.Event{
		EventType: name, ProductID: enrich.Text(event.ProductID, maxProductID),
		Page: enrich.Text(enrich.RedactURL(event.Page), enrich.MaxURL), Metadata: metadata,
	})
	return nil
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
