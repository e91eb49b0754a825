package mongoarchive

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/footfall-go/footfall/store"
)

// A sessionDoc is a document of the collection sessions. Unknown values are null.
type sessionDoc struct {
	ID         any     `bson:"_id"` // the session's id; an ObjectId in documents of the former service
	SessionID  string  `bson:"sessionId"`
	VisitorID  *string `bson:"visitorId"`
	CustomerID *string `bson:"customerId"`
	Type       string  `bson:"type"`

	IPAddress *string `bson:"ipAddress"`
	UserAgent *string `bson:"userAgent"`
	Country   *string `bson:"country"`
	City      *string `bson:"city"`
	Device    *string `bson:"device"`
	Browser   *string `bson:"browser"`
	OS        *string `bson:"os"`

	LandingPage *string `bson:"landingPage"`
	Referrer    *string `bson:"referrer"`
	Channel     *string `bson:"channel"`
	UTMSource   *string `bson:"utmSource"`
	UTMMedium   *string `bson:"utmMedium"`
	UTMCampaign *string `bson:"utmCampaign"`
	UTMTerm     *string `bson:"utmTerm"`
	UTMContent  *string `bson:"utmContent"`

	PageViews  int64          `bson:"pageViews"`
	StartedAt  *bson.DateTime `bson:"startedAt"`
	LastSeenAt *bson.DateTime `bson:"lastSeenAt"`
	EndedAt    *bson.DateTime `bson:"endedAt"`
	EndReason  *string        `bson:"endReason"`
	Converted  bool           `bson:"converted"`
	OrderID    *string        `bson:"orderId"`
	OrderAt    *bson.DateTime `bson:"orderAt,omitempty"` // when the order of orderId was placed

	Version         int64          `bson:"version"`
	SecretHash      []byte         `bson:"secretHash"`
	SupersededHash  []byte         `bson:"supersededHash"`
	AuthenticatedAt *bson.DateTime `bson:"authenticatedAt"`

	Values          map[string]valueDoc `bson:"values"`                    // the key is the valueName of the value's key
	ValuesForgotten *bson.DateTime      `bson:"valuesForgotten,omitempty"` // see maxRemoved

	Folds      int64   `bson:"folds"`                // how often the session was folded
	FoldedInto *string `bson:"foldedInto,omitempty"` // set while the session is on its way to folded_sessions
	Legacy     bool    `bson:"legacy,omitempty"`     // written by the former service
}

// A valueDoc is a value of a session. A removed value has no JSON; see maxRemoved.
type valueDoc struct {
	Key   string        `bson:"key"`
	Value *string       `bson:"value"`
	Keep  bool          `bson:"keep"`
	SetAt bson.DateTime `bson:"setAt"`
}

// valueName returns the name of a value's field. It is not the key itself,
// because a key can have dots, dollar signs and any length, and a field name
// cannot.
func valueName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

func newValueDoc(key string, v store.Value, at time.Time) valueDoc {
	return valueDoc{Key: key, Value: text(string(v.JSON)), Keep: v.Keep, SetAt: moment(at)}
}

func superseded(h store.SecretHash) []byte {
	if h == (store.SecretHash{}) {
		return nil
	}
	return h[:]
}

func (d *sessionDoc) session() store.Session {
	return store.Session{
		SessionID: d.SessionID, VisitorID: plain(d.VisitorID), CustomerID: plain(d.CustomerID),
		IPAddress: plain(d.IPAddress), UserAgent: plain(d.UserAgent), Country: plain(d.Country), City: plain(d.City),
		Device: plain(d.Device), Browser: plain(d.Browser), OS: plain(d.OS),
		LandingPage: plain(d.LandingPage), Referrer: plain(d.Referrer), Channel: plain(d.Channel),
		UTMSource: plain(d.UTMSource), UTMMedium: plain(d.UTMMedium), UTMCampaign: plain(d.UTMCampaign), UTMTerm: plain(d.UTMTerm), UTMContent: plain(d.UTMContent),
		PageViews: d.PageViews, StartedAt: utc(d.StartedAt), LastSeenAt: utc(d.LastSeenAt), EndedAt: utc(d.EndedAt), EndReason: store.EndReason(plain(d.EndReason)),
		Converted: d.Converted, OrderID: plain(d.OrderID),
	}
}

func (d *sessionDoc) record() store.Record {
	r := store.Record{Session: d.session(), Version: d.Version, AuthenticatedAt: utc(d.AuthenticatedAt)}
	copy(r.SecretHash[:], d.SecretHash)
	copy(r.Superseded[:], d.SupersededHash)
	for _, v := range d.Values {
		if v.Value == nil {
			continue
		}
		if r.Values == nil {
			r.Values = map[string]store.Value{}
		}
		r.Values[v.Key] = store.Value{JSON: json.RawMessage(*v.Value), Keep: v.Keep}
	}
	return r
}

// An eventDoc is a document of session_events. appendEvent writes the same form.
// Metadata is the JSON text that was recorded.
type eventDoc struct {
	ID        any            `bson:"_id"`
	EventID   string         `bson:"eventId"`
	SessionID string         `bson:"sessionId"`
	VisitorID *string        `bson:"visitorId"`
	EventType string         `bson:"eventType"`
	Page      *string        `bson:"page"`
	ProductID *string        `bson:"productId"`
	Metadata  *string        `bson:"metadata"`
	CreatedAt *bson.DateTime `bson:"createdAt"`
}

func (d *eventDoc) event() store.Event {
	e := store.Event{
		EventID: d.EventID, SessionID: d.SessionID, VisitorID: plain(d.VisitorID), EventType: d.EventType,
		Page: plain(d.Page), ProductID: plain(d.ProductID), CreatedAt: utc(d.CreatedAt),
	}
	if d.Metadata != nil {
		e.Metadata = json.RawMessage(*d.Metadata)
	}
	return e
}

// An orderDoc is a document of the collection orders.
type orderDoc struct {
	ID         string         `bson:"_id"`
	OrderID    string         `bson:"orderId"`
	SessionID  *string        `bson:"sessionId"`
	VisitorID  *string        `bson:"visitorId"`
	CustomerID *string        `bson:"customerId"`
	Total      moneyDoc       `bson:"total"`
	Refunded   int64          `bson:"refunded"` // in the order's currency
	Metadata   *string        `bson:"metadata"`
	CreatedAt  *bson.DateTime `bson:"createdAt"`
}

type moneyDoc struct {
	Amount   int64  `bson:"amount"` // in minor units
	Currency string `bson:"currency"`
}

func (d *orderDoc) order() store.Order {
	o := store.Order{
		OrderID: d.OrderID, SessionID: plain(d.SessionID), VisitorID: plain(d.VisitorID), CustomerID: plain(d.CustomerID),
		Total: store.Money{Amount: d.Total.Amount, Currency: d.Total.Currency}, CreatedAt: utc(d.CreatedAt),
	}
	if d.Metadata != nil {
		o.Metadata = json.RawMessage(*d.Metadata)
	}
	return o
}

// text returns nil, stored as null, for an unknown value.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func plain(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func moment(t time.Time) bson.DateTime { return bson.DateTime(t.UnixMilli()) }

func known(t time.Time) *bson.DateTime {
	if t.IsZero() {
		return nil
	}
	at := moment(t)
	return &at
}

func utc(at *bson.DateTime) time.Time {
	if at == nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(*at)).UTC()
}
