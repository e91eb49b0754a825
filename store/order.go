package store

import (
	"encoding/json"
	"time"

	"github.com/footfall-go/footfall/internal/jsontext"
)

// Money is an amount in the minor units of a currency: 1999 and "EUR" are
// 19.99 euros, 1999 and "JPY" are 1,999 yen.
type Money struct {
	Amount   int64  `json:"amount"`   // of an order or a refund at most MaxAmount
	Currency string `json:"currency"` // ISO 4217
}

// An Order is a sale. Its id counts once, however often it is recorded: the
// first value wins, and a later one with the same total fills in what was not
// known.
type Order struct {
	OrderID    string          `json:"orderId"`
	SessionID  string          `json:"sessionId"`
	VisitorID  string          `json:"visitorId"`
	CustomerID string          `json:"customerId"`
	Total      Money           `json:"total"`    // without tax and shipping
	Metadata   json.RawMessage `json:"metadata"` // the shop's own, a JSON object or nothing
	CreatedAt  time.Time       `json:"createdAt"`
}

// Complete fills in what is not known of the order and is of another record of the
// same sale. It reports whether that was anything. The total and the time stay.
func (o *Order) Complete(other *Order) (changed bool) {
	fill := func(field *string, value string) {
		if *field == "" && value != "" {
			*field, changed = value, true
		}
	}
	fill(&o.SessionID, other.SessionID)
	fill(&o.VisitorID, other.VisitorID)
	fill(&o.CustomerID, other.CustomerID)
	if len(o.Metadata) == 0 && len(other.Metadata) > 0 {
		o.Metadata, changed = other.Metadata, true
	}
	return changed
}

// A Refund is money of an order that went back. Its id counts once, however often
// it is recorded: the first value wins.
type Refund struct {
	RefundID  string
	OrderID   string
	Amount    Money
	CreatedAt time.Time
}

// MarshalJSON writes every field in the project's spelling; what is not known
// is null.
func (o Order) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 384)
	b = append(b, '{')
	b = jsontext.AppendString(b, "orderId", o.OrderID)
	b = jsontext.AppendString(b, "sessionId", o.SessionID)
	b = jsontext.AppendString(b, "visitorId", o.VisitorID)
	b = jsontext.AppendString(b, "customerId", o.CustomerID)
	total, err := json.Marshal(o.Total)
	if err != nil {
		return nil, err
	}
	b = append(jsontext.AppendName(b, "total"), total...)
	b = jsontext.AppendRaw(b, "metadata", o.Metadata)
	b = jsontext.AppendTime(b, "createdAt", o.CreatedAt)
	return append(b, '}'), nil
}
