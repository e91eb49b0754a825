package footfall

import (
	"strconv"
	"time"
)

// A SessionType says whether somebody is logged in.
type SessionType string

// The types of a session.
const (
	Anonymous SessionType = "ANONYMOUS"
	Customer  SessionType = "CUSTOMER"
)

// An EndReason says why a session ended.
type EndReason string

// Why a session ended. EndIdle and EndAbsolute are derived from a session's
// times when it is read and never stored; the others are decisions.
const (
	EndIdle          EndReason = "idle"
	EndAbsolute      EndReason = "absolute"
	EndLogout        EndReason = "logout"
	EndAccountSwitch EndReason = "account_switch"
	EndRevoked       EndReason = "revoked"
)

// A Session is one visit: it ends after a time without activity, at its
// absolute limit, at logout and when another customer logs in. Text that is
// not known is empty and appears in JSON as null; times are in UTC with a
// precision of one millisecond.
type Session struct {
	SessionID  string      `json:"sessionId"` // public, UUIDv7: names the visit, opens nothing
	VisitorID  string      `json:"visitorId"` // the browser, across sessions
	CustomerID string      `json:"customerId"`
	Type       SessionType `json:"type"`

	IPAddress string `json:"ipAddress"` // masked to /24 or /48 unless configured
	UserAgent string `json:"userAgent"`
	Country   string `json:"country"`
	City      string `json:"city"`
	Device    string `json:"device"`
	Browser   string `json:"browser"`
	OS        string `json:"os"`

	LandingPage string `json:"landingPage"` // path and query of the first page, secrets redacted
	Referrer    string `json:"referrer"`
	Channel     string `json:"channel"` // GA4's default channel group
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

	Converted bool   `json:"converted"`
	OrderID   string `json:"orderId"` // the latest order
}

// MarshalJSON writes every field in the project's spelling; what is not known
// is null.
func (s Session) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 768)
	b = append(b, '{')
	b = s.appendFields(b)
	b = s.appendActivity(b)
	return append(b, '}'), nil
}

// appendFields appends the members of the session's JSON object, but for its
// activity.
func (s *Session) appendFields(b []byte) []byte {
	b = appendMember(b, "sessionId", s.SessionID)
	b = appendMember(b, "visitorId", s.VisitorID)
	b = appendMember(b, "customerId", s.CustomerID)
	b = appendMember(b, "type", string(s.Type))
	b = appendMember(b, "ipAddress", s.IPAddress)
	b = appendMember(b, "userAgent", s.UserAgent)
	b = appendMember(b, "country", s.Country)
	b = appendMember(b, "city", s.City)
	b = appendMember(b, "device", s.Device)
	b = appendMember(b, "browser", s.Browser)
	b = appendMember(b, "os", s.OS)
	b = appendMember(b, "landingPage", s.LandingPage)
	b = appendMember(b, "referrer", s.Referrer)
	b = appendMember(b, "channel", s.Channel)
	b = appendMember(b, "utmSource", s.UTMSource)
	b = appendMember(b, "utmMedium", s.UTMMedium)
	b = appendMember(b, "utmCampaign", s.UTMCampaign)
	b = appendMember(b, "utmTerm", s.UTMTerm)
	b = appendMember(b, "utmContent", s.UTMContent)
	b = appendTime(b, "startedAt", s.StartedAt)
	b = appendTime(b, "endedAt", s.EndedAt)
	b = appendMember(b, "endReason", string(s.EndReason))
	b = strconv.AppendBool(appendName(b, "converted"), s.Converted)
	return appendMember(b, "orderId", s.OrderID)
}

func (s *Session) appendActivity(b []byte) []byte {
	b = append(appendName(b, "pageViews"), strconv.FormatInt(s.PageViews, 10)...)
	return appendTime(b, "lastSeenAt", s.LastSeenAt)
}
