package request

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/connection"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/legacy"
	"github.com/footfall-go/footfall/internal/notices"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/internal/sessions"
)

var (
	// ErrNoRequest means that a context is not that of a request under a tracker.
	ErrNoRequest = errors.New("footfall: the context belongs to no request that went through Tracker.Handler: pass r.Context(), or, for work without a request, use TrackFor or PlaceOrderFor")
	// ErrHeaderSent means that the answer has begun, so that no cookie can be set.
	ErrHeaderSent = errors.New("footfall: the answer has begun: log in and out before writing to it")
	// ErrNoSession means that there is no session to keep a value or to record an event in.
	ErrNoSession = errors.New("footfall: there is no session")
	// ErrNotLoggedIn means that the request's session has no customer.
	ErrNotLoggedIn = errors.New("footfall: nobody is logged in")
)

// Options of [New]; all are required, but for AskHints and Legacy.
type Options struct {
	Session, Visitor cookie.Attributes
	Keys             cookie.KeyRing
	MaxAge           time.Duration // of a session, and its cookie
	VisitorTTL       time.Duration
	Budget           time.Duration // what stores may cost a request
	PerMinute        int           // new sessions of one network; negative: no cap
	AskHints         bool          // navigations' answers ask the browser for more Client Hints
	IsPageView       func(r *http.Request, status int, contentType string) bool

	Sessions *sessions.Sessions
	Out      *outbox.Outbox
	Describe *sessions.Describer
	Legacy   *legacy.Legacy // nil: the Express service's sessions are not adopted
	Notices  *notices.Notices
	Counts   *count.Set
}

// Requests opens requests. It is safe for concurrent use.
type Requests struct {
	Options
	cap      *beginCap
	bots     botBudget
	tally    tally
	unbegun  *unbegunAnswers
	landings *landings
	withheld *atomic.Uint64

	badCookies, botViews, botsTallied            *atomic.Uint64
	forgottenProxy, visitsUncounted, bytesCapped *atomic.Uint64
	logins, eventsWithoutSession                 *atomic.Uint64
	cost                                         *count.Histogram
}

// New returns what opens the requests of a tracker.
func New(o Options) *Requests {
	q := &Requests{
		Options: o, cap: newBeginCap(o.PerMinute, o.Counts), unbegun: newUnbegunAnswers(o.Counts), landings: newLandings(o.Counts),
		withheld:             o.Counts.New("cookies_withheld", "Requests of other sites whose cookies the browser held back: they set no cookie and begin no session."),
		badCookies:           o.Counts.New("bad_cookies", "Cookies under our names that were ignored: not signed by one of the secrets, or not in our form."),
		botViews:             o.Counts.New("bot_views", "Page views of software (crawlers, scripts, monitoring), which are no visits."),
		botsTallied:          o.Counts.Bound("bots_tallied", "Page views of software that are stored as numbers by reason and minute only, because one network, or all, had used up the bytes of an hour that such views are kept in."),
		forgottenProxy:       o.Counts.New("forgotten_proxy", "New sessions whose requests came through a private peer that is not among the trusted proxies: they all have its address."),
		logins:               o.Counts.New("logins", "Logins that succeeded."),
		eventsWithoutSession: o.Counts.New("events_without_session", "Events that the shop tracked in requests without a session, such as those of software; they are not stored."),
		visitsUncounted:      o.Counts.Bound("visits_uncounted", "Visits that were served without a session because too many sessions began in a minute (NEW_SESSIONS_PER_MINUTE), or too many bytes of them."),
		bytesCapped:          o.Counts.Bound("visits_past_bytes", "Those of visits_uncounted that were served without a session because the sessions of the minute took too many bytes: 64 MiB, of which 16 MiB for addresses that tell no visitors apart."),
		cost:                 o.Counts.Histogram("request_cost_seconds", "How long Footfall itself took of a request: its cookies and session before the handler, recording before the first byte. What the handler calls, such as Login, is not in it."),
	}
	return q
}

// A Mode says what a route wants of the tracker. A higher one is stricter.
type Mode int

// The modes.
const (
	Tracked   Mode = iota // recognise, begin, count
	Uncounted             // recognise, begin, extend, but count nothing
	Untouched             // recognise only
)

// clientGone stands for the status of an answer whose client had gone, and
// unseenStatus for that of one that did not go through the writer.
const (
	clientGone   = 499
	unseenStatus = 599
)

// Serve has a handler answer a request under the tracker. Inside of a request that
// is under it already, only a stricter mode is added.
func (q *Requests) Serve(w http.ResponseWriter, hr *http.Request, mode Mode, next http.Handler) {
	if r := From(hr.Context()); r != nil && r.q == q {
		r.restrict(mode)
		next.ServeHTTP(w, hr)
		return
	}
	connection.CloseAfter(hr, w.Header())
	began := count.Clock()
	r := q.open(hr)
	r.mode = mode
	r.opening = count.Clock() - began
	next.ServeHTTP(r.writer.Wrap(w, r), hr.WithContext(r))
	r.returned(w.Header()) // if it panics, it has answered nothing
}

// EndAnswered finishes the requests whose answer nobody wrote and that have ended. What
// such a request counts is recorded a moment after it.
func (q *Requests) EndAnswered() { q.unbegun.endAll() }

// FlushUncounted records the numbers of requests that are kept as numbers alone; with
// all, those of the last seconds too. What the journal refuses waits for the next call,
// and counts in the minute of that.
func (q *Requests) FlushUncounted(at time.Time, all bool) {
	for _, f := range q.tally.take(at, all) {
		if _, err := q.Out.Append(nil, f); err != nil {
			q.tally.add(f.Bots, f.Reason, f.Count, at)
		}
	}
}
