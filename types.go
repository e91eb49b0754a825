package footfall

import (
	"encoding/json"

	"github.com/footfall-go/footfall/internal/orders"
	"github.com/footfall-go/footfall/internal/request"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// The vocabulary is that of package store; authors of stores and archives find the rest
// of it there.
type (
	// A Session is one visit of a browser: its ids, where it came from, what it runs
	// on, its page views and times, and its latest order. See [store.Session].
	Session = store.Session
	// A SessionType says whether somebody is logged in: [Session.Type].
	SessionType = store.SessionType
	// An EndReason says why a session ended.
	EndReason = store.EndReason

	// Money is an amount in the minor units of a currency: 1999 and "EUR" are 19.99
	// euros. See [store.Money].
	Money = store.Money
	// An Order is a sale as it was recorded. See [store.Order].
	Order = store.Order

	// A HotStore shares live sessions: memstore, redisstore or upstashstore, or one of
	// your own that passes the suite in package storetest. See [store.HotStore].
	HotStore = store.HotStore
	// An Archive is the durable record: sqlitearchive or mongoarchive, or one of your
	// own that passes the suite in package archivetest. See [store.Archive].
	Archive = store.Archive
)

// The types of a session, and why one ended.
const (
	TypeAnonymous = store.TypeAnonymous
	TypeCustomer  = store.TypeCustomer

	EndIdle          = store.EndIdle          // no activity for Config.IdleTimeout
	EndAbsolute      = store.EndAbsolute      // older than Config.MaxAge
	EndLogout        = store.EndLogout        // Tracker.Logout
	EndAccountSwitch = store.EndAccountSwitch // another customer logged in
	EndRevoked       = store.EndRevoked       // EndSession, EndCustomerSessions, EndOtherSessions
)

// The names of events that mean something to reports. A shop may use any other name
// too. Logins, logouts, orders and refunds are recorded by Login, Logout, PlaceOrder
// and Refund alone.
const (
	EventPageView        = store.EventPageView
	EventViewItem        = store.EventViewItem
	EventAddToCart       = store.EventAddToCart
	EventRemoveFromCart  = store.EventRemoveFromCart
	EventCheckoutStarted = store.EventCheckoutStarted
	EventAddPaymentInfo  = store.EventAddPaymentInfo
	EventOrderCompleted  = store.EventOrderCompleted
	EventRefund          = store.EventRefund
	EventCustomerLogin   = store.EventCustomerLogin
	EventCustomerLogout  = store.EventCustomerLogout
)

// The errors to test for with [errors.Is].
var (
	// ErrUnavailable means that a store failed, was too slow, or holds a record that
	// only a newer version can read: the answer is not known. Serve 503 with
	// Retry-After, and change nothing.
	ErrUnavailable = store.ErrUnavailable
	// ErrHeaderSent means that the answer has begun, so that no cookie can be set.
	ErrHeaderSent = request.ErrHeaderSent
	// ErrRevoked means that the customer's sessions were revoked after the password
	// check began: it must be made again.
	ErrRevoked = sessions.ErrRevoked
	// ErrConflict means that the id of an order or a refund was used before for another
	// amount, or a refund's for another order. What was recorded first stands.
	ErrConflict = orders.ErrConflict
	// ErrNoSession means that there is no session to keep a value or to record an event
	// in.
	ErrNoSession = request.ErrNoSession
	// ErrNotLoggedIn means that the request's session has no customer.
	ErrNotLoggedIn = request.ErrNotLoggedIn
	// ErrNoRequest means that the context is not that of a request under a tracker.
	ErrNoRequest = request.ErrNoRequest
)

// An EventInput is what a shop says of an event; see [Tracker.Track].
type EventInput struct {
	// Type is one of the names above or the shop's own: 1 to 64 letters, digits and
	// "_", "-", ".", ":". Required. Google Analytics 4's begin_checkout is
	// checkout_started.
	Type string
	// Page is a path and query. Default: the page that the visitor is on.
	Page string
	// ProductID is the product that the event is about, at most 128 bytes. Default: none.
	ProductID string
	// Metadata is a JSON object of the shop's own: as it is stored at most 4 KiB, 5 levels and 64
	// keys. Default: none.
	Metadata json.RawMessage
}

// A Visit is what a shop keeps of a visit to tell of it later, outside of the
// visitor's request: the ids of [FromContext], all of them optional. See
// [Tracker.PlaceOrderFor] and [Tracker.TrackFor].
type Visit struct {
	SessionID  string
	VisitorID  string // for an order: of a session that is known, that one's visitor counts
	CustomerID string // for an order: default the session's
}

// An OrderInput is what a shop says of a sale; see [Tracker.PlaceOrder].
type OrderInput struct {
	ID       string          // the shop's own, 1 to 128 bytes. Required
	Total    Money           // without tax and shipping; from 0 to 10^15 minor units, in a currency of ISO 4217
	Metadata json.RawMessage // as in EventInput
}

// A RefundInput is what a shop says of money that went back; see [Tracker.Refund].
type RefundInput struct {
	ID      string // of the refund, the shop's own, 1 to 128 bytes. Required
	OrderID string // Required
	Amount  Money  // at most the order's total, in its currency
}

// A ValueOption says how a value is kept; see [Tracker.SetValue].
type ValueOption int

// Lasting keeps a value also when another customer logs in: for what concerns the
// browser more than the customer, a currency say.
const Lasting ValueOption = 1
