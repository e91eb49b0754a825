package footfall

import (
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/request"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// The vocabulary stands in package store; these are its names for who uses
// Footfall in a shop.
type (
	Session            = store.Session
	SessionType        = store.SessionType
	EndReason          = store.EndReason
	Event              = store.Event
	Money              = store.Money
	Order              = store.Order
	SecretHash         = store.SecretHash
	Credentials        = store.Credentials
	Value              = store.Value
	Record             = store.Record
	Lifetimes          = store.Lifetimes
	HotStore           = store.HotStore
	Archive            = store.Archive
	CredentialChange   = store.CredentialChange
	Fact               = store.Fact
	SessionBegun       = store.SessionBegun
	EventRecorded      = store.EventRecorded
	SessionSeen        = store.SessionSeen
	CredentialsChanged = store.CredentialsChanged
	CustomerRevoked    = store.CustomerRevoked
	ValueSet           = store.ValueSet
	OrderPlaced        = store.OrderPlaced
	OrderRefunded      = store.OrderRefunded
	BotSeen            = store.BotSeen
	SessionsFolded     = store.SessionsFolded
	VisitsUncounted    = store.VisitsUncounted
)

const (
	Anonymous = store.Anonymous
	Customer  = store.Customer

	EndIdle          = store.EndIdle
	EndAbsolute      = store.EndAbsolute
	EndLogout        = store.EndLogout
	EndAccountSwitch = store.EndAccountSwitch
	EndRevoked       = store.EndRevoked

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

var (
	ErrUnavailable = store.ErrUnavailable
	ErrRejected    = store.ErrRejected
	// ErrHeaderSent: the answer has begun, so no cookie can be set any more.
	ErrHeaderSent = request.ErrHeaderSent
	// ErrRevoked: the customer's sessions were revoked after the password check
	// began. It must be made again.
	ErrRevoked = sessions.ErrRevoked
	// ErrNoSession: the request has no session to keep a value in.
	ErrNoSession = request.ErrNoSession
	// ErrNotLoggedIn: the request's session has no customer.
	ErrNotLoggedIn = request.ErrNotLoggedIn
	// ErrNoRequest: the context is not that of a request under a tracker.
	ErrNoRequest = request.ErrNoRequest
)

// CheckSecret says what is wrong with a cookie secret, if anything.
func CheckSecret(s string) error { return cookie.CheckSecret(s) }

// CheckCookieName says what is wrong with a cookie name, if anything.
func CheckCookieName(name string, insecure bool) error { return cookie.CheckName(name, !insecure) }
