package store

import (
	"encoding/json"
	"time"

	"github.com/footfall-go/footfall/internal/jsontext"
)

// A Fact is one thing that happened, as it travels through the journal to the
// archive. Applying a fact twice, or late, changes nothing more than applying
// it once.
type Fact interface{ fact() }

// SessionBegun says that a session began.
type SessionBegun struct{ Record }

// EventRecorded says that something happened in a session. Page views are
// events too.
type EventRecorded struct{ Event }

// SessionSeen says that a session was active at a time, with nothing to count.
type SessionSeen struct {
	SessionID string
	At        time.Time
}

// CredentialsChanged says that a session's credentials were replaced: at login,
// logout, an account switch and revocation. Of two, the higher version wins.
type CredentialsChanged struct {
	SessionID string
	Cred      Credentials
}

// CustomerRevoked says that nothing a customer authenticated before a time is
// valid any more.
type CustomerRevoked struct {
	CustomerID string
	Before     time.Time
}

// ValueSet says that a session's value of that key was set, or with no JSON
// removed. Of two, the later wins.
type ValueSet struct {
	SessionID string
	Key       string
	Value     Value
	At        time.Time
}

// OrderPlaced says that an order was completed; EventID is the id of the
// order_completed event that goes with it, the same in each record of the order.
//
// Of several records of one order the first to be stored gives its total and its
// time. A later one with the same total fills in what was not known of its session,
// visitor, customer and metadata; one with another total changes nothing, not even in
// the session that it names. The session that the order then has is converted and has
// the event, at the order's time, once. Who places an order with a session may not
// know the session's beginning: that may come later.
type OrderPlaced struct {
	Order
	EventID string
}

// OrderRefunded says that some of an order's money went back. RefundID counts
// once: the first value wins. EventID is the id of the refund event that goes with it.
type OrderRefunded struct {
	RefundID  string
	OrderID   string
	SessionID string
	VisitorID string
	Amount    Money
	EventID   string
	At        time.Time
}

// BotSeen says that a bot asked for a page. Archives keep it apart from events, in a
// table of its own.
type BotSeen struct {
	EventID   string
	Reason    string
	UserAgent string
	IPAddress string
	Page      string
	At        time.Time
}

// SessionsFolded says that sessions begun in parallel by one browser, whose
// cookies never came back, belong to the session Into whose cookie did: their
// events are its events. A session with more than [MaxFoldedEvents] events is not
// folded: whoever did so much is no duplicate.
type SessionsFolded struct {
	Into    string
	Folded  string
	Visitor string // of Into
}

// MaxFoldedEvents is the most events that a session can have and be folded. It bounds
// the work of a fold.
const MaxFoldedEvents = 100

// VisitsUncounted says that so many requests of a minute have no record of their own:
// visits that were served without a session because a cap was reached, or, with Bots,
// views of software past what is kept of them in detail. A bot view is a BotSeen or is
// in such a number, never both, so that their sum is all of them.
type VisitsUncounted struct {
	EventID string
	Minute  time.Time
	Bots    bool
	Reason  string
	Count   int64
}

// Event is the order_completed event that goes with the order, of nobody's if the
// order has no session.
func (f *OrderPlaced) Event() Event {
	return Event{
		EventID: f.EventID, SessionID: f.SessionID, VisitorID: f.VisitorID, EventType: EventOrderCompleted,
		Metadata: orderMetadata(f.OrderID), CreatedAt: f.CreatedAt,
	}
}

// Event is the refund event that goes with the refund.
func (f *OrderRefunded) Event() Event {
	return Event{
		EventID: f.EventID, SessionID: f.SessionID, VisitorID: f.VisitorID, EventType: EventRefund,
		Metadata: orderMetadata(f.OrderID), CreatedAt: f.At,
	}
}

func orderMetadata(id string) json.RawMessage {
	b, err := jsontext.Marshal(map[string]string{"orderId": id})
	if err != nil { // cannot happen: strings
		return nil
	}
	return b
}

func (*SessionBegun) fact()       {}
func (*EventRecorded) fact()      {}
func (*SessionSeen) fact()        {}
func (*CredentialsChanged) fact() {}
func (*CustomerRevoked) fact()    {}
func (*ValueSet) fact()           {}
func (*OrderPlaced) fact()        {}
func (*OrderRefunded) fact()      {}
func (*BotSeen) fact()            {}
func (*SessionsFolded) fact()     {}
func (*VisitsUncounted) fact()    {}
