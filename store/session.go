package store

import (
	"strconv"
	"time"

	"github.com/footfall-go/footfall/internal/jsontext"
)

// A SessionType says whether somebody is logged in.
type SessionType string

// The types of a session.
const (
	TypeAnonymous SessionType = "ANONYMOUS"
	TypeCustomer  SessionType = "CUSTOMER"
)

// An EndReason says why a session ended.
type EndReason string

// Why a session ended. EndIdle and EndAbsolute are derived from a session's
// times when it is read and are never stored; the others are decisions.
const (
	EndIdle          EndReason = "idle"           // no activity for the idle timeout
	EndAbsolute      EndReason = "absolute"       // its maximum age
	EndLogout        EndReason = "logout"         // its customer logged out
	EndAccountSwitch EndReason = "account_switch" // another customer logged in
	EndRevoked       EndReason = "revoked"        // the shop ended it
)

// A Session is one visit of a browser: it ends after a time without activity, at
// its absolute limit, at logout and when another customer logs in. Text that is
// not known is empty and appears in JSON as null; times are in UTC with a
// precision of one millisecond.
type Session struct {
	SessionID  string `json:"sessionId"`  // public, UUIDv7: names the session, authenticates nobody
	VisitorID  string `json:"visitorId"`  // the browser, across sessions
	CustomerID string `json:"customerId"` // the shop's account id, empty while nobody is logged in

	IPAddress string `json:"ipAddress"` // masked to /24 or /48 unless configured otherwise
	UserAgent string `json:"userAgent"`
	Country   string `json:"country"`
	City      string `json:"city"`
	Device    string `json:"device"`
	Browser   string `json:"browser"`
	OS        string `json:"os"`

	LandingPage string `json:"landingPage"` // path and query of the first page, secrets redacted
	Referrer    string `json:"referrer"`
	Channel     string `json:"channel"` // of Google Analytics 4's default channel group
	UTMSource   string `json:"utmSource"`
	UTMMedium   string `json:"utmMedium"`
	UTMCampaign string `json:"utmCampaign"`
	UTMTerm     string `json:"utmTerm"`
	UTMContent  string `json:"utmContent"`

	PageViews  int64     `json:"pageViews"`
	StartedAt  time.Time `json:"startedAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	EndedAt    time.Time `json:"endedAt"` // zero while alive
	EndReason  EndReason `json:"endReason"`

	Converted bool   `json:"converted"` // it has an order
	OrderID   string `json:"orderId"`   // the latest order
}

// Type is CUSTOMER while somebody is logged in, otherwise ANONYMOUS.
func (s Session) Type() SessionType { return typeOf(s.CustomerID) }

func typeOf(customerID string) SessionType {
	if customerID == "" {
		return TypeAnonymous
	}
	return TypeCustomer
}

// MarshalJSON writes every field, and the type, in the project's spelling; what
// is not known is null.
func (s Session) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 768)
	b = append(b, '{')
	b = s.AppendFacts(b)
	b = s.AppendActivity(b)
	return append(b, '}'), nil
}

// AppendFacts appends the members of the session's JSON object that no page view
// changes. [Session.AppendActivity] appends the rest.
func (s *Session) AppendFacts(b []byte) []byte {
	b = jsontext.AppendString(b, "sessionId", s.SessionID)
	b = jsontext.AppendString(b, "visitorId", s.VisitorID)
	b = jsontext.AppendString(b, "customerId", s.CustomerID)
	b = jsontext.AppendString(b, "type", string(s.Type()))
	b = jsontext.AppendString(b, "ipAddress", s.IPAddress)
	b = jsontext.AppendString(b, "userAgent", s.UserAgent)
	b = jsontext.AppendString(b, "country", s.Country)
	b = jsontext.AppendString(b, "city", s.City)
	b = jsontext.AppendString(b, "device", s.Device)
	b = jsontext.AppendString(b, "browser", s.Browser)
	b = jsontext.AppendString(b, "os", s.OS)
	b = jsontext.AppendString(b, "landingPage", s.LandingPage)
	b = jsontext.AppendString(b, "referrer", s.Referrer)
	b = jsontext.AppendString(b, "channel", s.Channel)
	b = jsontext.AppendString(b, "utmSource", s.UTMSource)
	b = jsontext.AppendString(b, "utmMedium", s.UTMMedium)
	b = jsontext.AppendString(b, "utmCampaign", s.UTMCampaign)
	b = jsontext.AppendString(b, "utmTerm", s.UTMTerm)
	b = jsontext.AppendString(b, "utmContent", s.UTMContent)
	b = jsontext.AppendTime(b, "startedAt", s.StartedAt)
	b = jsontext.AppendTime(b, "endedAt", s.EndedAt)
	b = jsontext.AppendString(b, "endReason", string(s.EndReason))
	b = strconv.AppendBool(jsontext.AppendName(b, "converted"), s.Converted)
	return jsontext.AppendString(b, "orderId", s.OrderID)
}

// AppendActivity appends the members that page views change: the count and the
// time of the latest activity.
func (s *Session) AppendActivity(b []byte) []byte {
	b = jsontext.AppendInt(b, "pageViews", s.PageViews)
	return jsontext.AppendTime(b, "lastSeenAt", s.LastSeenAt)
}
