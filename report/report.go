// Package report defines what the commands and the admin API read from an
// archive.
package report

import (
	"context"
	"time"

	"github.com/footfall-go/footfall/store"
)

// A Reader answers questions about what an archive holds. The middleware never
// calls it. Its methods are safe for concurrent use.
type Reader interface {
	// Stats sums up a time: sessions that began in it, events, orders and bot
	// views of it. Active visitors are those of now. It treats what the window leaves
	// out as [Window.WithDefaults] does.
	Stats(ctx context.Context, w Window) (Stats, error)

	// Sessions lists sessions, newest first.
	// It treats what the filter leaves out as [Filter.WithDefaults] does.
	Sessions(ctx context.Context, f Filter) ([]store.Session, error)

	// Session reads one session with its credentials.
	Session(ctx context.Context, id string) (store.Record, bool, error)

	// Events lists a session's events, oldest first, at most limit of the latest:
	// none if limit is zero or less.
	Events(ctx context.Context, sessionID string, limit int) ([]store.Event, error)
}

// A Window is a span of time, and the moment that "now" and "today" refer to. Its zero
// value is all of time as of now.
type Window struct {
	From, To time.Time // From is included, To is excluded. Default: no bound
	Now      time.Time // Default: the current time
	Today    time.Time // the start of the current day in the shop's time zone. Default: the start of Now's day in UTC
}

// WithDefaults fills in what a reader needs and the window leaves out.
func (w Window) WithDefaults() Window {
	if w.Now.IsZero() {
		w.Now = time.Now()
	}
	if w.Today.IsZero() {
		w.Today = Today(w.Now, time.UTC)
	}
	return w
}

// Stats are the figures of a window. Bots are counted in BotViews and nowhere
// else.
type Stats struct {
	ActiveUsers  int64 `json:"activeUsers"`  // visitors with activity in the last 30 minutes
	ActiveUsers5 int64 `json:"activeUsers5"` // … in the last 5
	DailyVisits  int64 `json:"dailyVisits"`  // sessions begun on the shop's day

	Sessions       int64            `json:"sessions"`
	Visitors       int64            `json:"visitors"`
	Customers      int64            `json:"customers"`
	PageViews      int64            `json:"pageViews"`
	Events         int64            `json:"events"` // page views included
	EventsByType   map[string]int64 `json:"eventsByType"`
	Engaged        int64            `json:"engagedSessions"` // longer than 10 s, two page views or more, or a conversion
	Converted      int64            `json:"convertedSessions"`
	BounceRate     float64          `json:"bounceRate"`     // sessions not engaged / sessions
	ConversionRate float64          `json:"conversionRate"` // sessions with an order / sessions

	Orders   int64         `json:"orders"`
	Revenue  []store.Money `json:"revenue"`  // of all orders, by currency
	Refunded []store.Money `json:"refunded"` // of these orders, by currency

	BotViews        int64            `json:"botViews"`
	BotsByReason    map[string]int64 `json:"botsByReason"`
	UncountedVisits int64            `json:"uncountedVisits"` // served without a session because a cap was reached
}

// DefaultSessions is how many sessions are listed by default.
const DefaultSessions = 50

// A Filter selects sessions. Its zero value selects the latest.
type Filter struct {
	Active    bool      // seen in the last 30 minutes and not ended
	Converted bool      // with an order
	Now       time.Time // the moment that Active refers to. Default: the current time
	Limit     int       // the greatest number of sessions returned. Default, for zero or less: DefaultSessions
}

// WithDefaults fills in what the filter leaves out.
func (f Filter) WithDefaults() Filter {
	if f.Now.IsZero() {
		f.Now = time.Now()
	}
	if f.Limit <= 0 {
		f.Limit = DefaultSessions
	}
	return f
}

// ActiveWindow is how long after their last activity users count as active.
const ActiveWindow = 30 * time.Minute
