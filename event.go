package footfall

import (
	"encoding/json"
	"time"
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

// Google Analytics 4's e-commerce names for the same things.
var eventAliases = map[string]string{
	"begin_checkout": EventCheckoutStarted,
	"purchase":       EventOrderCompleted,
}

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
	b = appendMember(b, "eventId", e.EventID)
	b = appendMember(b, "sessionId", e.SessionID)
	b = appendMember(b, "visitorId", e.VisitorID)
	b = appendMember(b, "eventType", e.EventType)
	b = appendMember(b, "page", e.Page)
	b = appendMember(b, "productId", e.ProductID)
	b = appendRaw(b, "metadata", e.Metadata)
	b = appendTime(b, "createdAt", e.CreatedAt)
	return append(b, '}'), nil
}

// Money is an amount in the minor units of a currency: 1999 and "EUR" are
// 19.99 euros, 1999 and "JPY" are 1,999 yen.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"` // ISO 4217
}

// An Order is a sale. Its id counts once, however often it is recorded: the
// first value wins.
type Order struct {
	OrderID    string          `json:"orderId"`
	SessionID  string          `json:"sessionId"`
	VisitorID  string          `json:"visitorId"`
	CustomerID string          `json:"customerId"`
	Total      Money           `json:"total"`    // without tax and shipping
	Metadata   json.RawMessage `json:"metadata"` // the shop's own, a JSON object or nothing
	CreatedAt  time.Time       `json:"createdAt"`
}

// MarshalJSON writes every field in the project's spelling; what is not known
// is null.
func (o Order) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 384)
	b = append(b, '{')
	b = appendMember(b, "orderId", o.OrderID)
	b = appendMember(b, "sessionId", o.SessionID)
	b = appendMember(b, "visitorId", o.VisitorID)
	b = appendMember(b, "customerId", o.CustomerID)
	total, err := json.Marshal(o.Total)
	if err != nil {
		return nil, err
	}
	b = append(appendName(b, "total"), total...)
	b = appendRaw(b, "metadata", o.Metadata)
	b = appendTime(b, "createdAt", o.CreatedAt)
	return append(b, '}'), nil
}
