package store

import (
	"encoding/json"
	"time"

	"github.com/footfall-go/footfall/internal/jsontext"
)

// The names of events that mean something to reports. A shop may use any other
// name too: letters, digits, "_", "-", "." and ":", at most 64 bytes.
const (
	EventPageView        = "page_view"
	EventViewItem        = "view_item"
	EventAddToCart       = "add_to_cart"
	EventRemoveFromCart  = "remove_from_cart"
	EventCheckoutStarted = "checkout_started"
	EventAddPaymentInfo  = "add_payment_info"
	EventOrderCompleted  = "order_completed"
	EventRefund          = "refund"
	EventCustomerLogin   = "customer_login"
	EventCustomerLogout  = "customer_logout"
)

// An Event is a fact in a session.
type Event struct {
	EventID   string          `json:"eventId"` // UUIDv7; the same id is stored once
	SessionID string          `json:"sessionId"`
	VisitorID string          `json:"visitorId"`
	EventType string          `json:"eventType"`
	Page      string          `json:"page"` // path and query, secrets redacted
	ProductID string          `json:"productId"`
	Metadata  json.RawMessage `json:"metadata"` // a JSON object, or nothing
	CreatedAt time.Time       `json:"createdAt"`
}

// MarshalJSON writes every field in the project's spelling; what is not known
// is null.
func (e Event) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 384)
	b = append(b, '{')
	b = jsontext.AppendString(b, "eventId", e.EventID)
	b = jsontext.AppendString(b, "sessionId", e.SessionID)
	b = jsontext.AppendString(b, "visitorId", e.VisitorID)
	b = jsontext.AppendString(b, "eventType", e.EventType)
	b = jsontext.AppendString(b, "page", e.Page)
	b = jsontext.AppendString(b, "productId", e.ProductID)
	b = jsontext.AppendRaw(b, "metadata", e.Metadata)
	b = jsontext.AppendTime(b, "createdAt", e.CreatedAt)
	return append(b, '}'), nil
}
