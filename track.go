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

// Track records an event in the request's session. An error that wraps
// [ErrNotRecorded] means that the request has none, and says why: a bot, a cap. Any other says
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
	name, err := eventName(event.Type)
	if err != nil {
		return err
	}
	metadata, err := enrich.Metadata(event.Metadata)
	if err != nil {
		return err
	}
	return r.Track(store.Event{
		EventType: name, ProductID: enrich.Text(event.ProductID, maxProductID),
		Page: enrich.Text(enrich.RedactURL(event.Page), enrich.MaxURL), Metadata: metadata,
	})
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
