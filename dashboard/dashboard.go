// Package dashboard serves the admin API of a running tracker: JSON under
// /_footfall/api/. The footfall commands that change something call it too.
package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/bearer"
	"github.com/footfall-go/footfall/internal/loglimit"
	"github.com/footfall-go/footfall/internal/timetext"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/report/engine"
	"github.com/footfall-go/footfall/store"
)

// Config holds the settings of a dashboard. Tracker and Reader are required; the zero
// value of every other field means its default.
type Config struct {
	// Tracker is the running tracker. Required.
	Tracker *footfall.Tracker
	// Reader reads the tracker's archive: the sqlitearchive.Archive or
	// mongoarchive.Archive itself. Required. Reports need one that is a report.Source
	// too, as these are.
	Reader report.Reader
	// ReportBytes is how much memory reports keep at most, and how much they may need
	// beside it: see engine.Options. Default: a twelfth of the process's memory.
	ReportBytes int
	// ReportDir is a directory in which reports keep what they read of the archive, such as
	// "reports" in DATA_DIR: see engine.Options. Default: none, so that each start reads it
	// again.
	ReportDir string
	// Lifetimes say which sessions are shown as ended. Default, for each of the two:
	// the tracker's.
	Lifetimes store.Lifetimes
	// Location is the time zone of the shop's day. Default: the tracker's.
	Location *time.Location
	// Tokens are the bearer tokens that are accepted, as in "Authorization:
	// Bearer TOKEN". Empty ones are ignored. Default: none, every request is
	// refused.
	Tokens []string
	// Logger receives what an operator should know. Default: slog.Default().
	Logger *slog.Logger
}

// withDefaults fills in what was left out and reports every mistake.
func (c Config) withDefaults() (Config, error) {
	var mistakes []error
	if c.Tracker == nil {
		mistakes = append(mistakes, errors.New("dashboard: Config.Tracker: required: the tracker that footfall.New returned"))
	}
	if c.Reader == nil {
		mistakes = append(mistakes, errors.New("dashboard: Config.Reader: required: the archive of the tracker"))
	}
	if c.Lifetimes.Idle < 0 || c.Lifetimes.Absolute < 0 {
		mistakes = append(mistakes, fmt.Errorf("dashboard: Config.Lifetimes: %s is negative: leave it out", timetext.Of(min(c.Lifetimes.Idle, c.Lifetimes.Absolute))))
	}
	if len(mistakes) > 0 {
		return c, errors.Join(mistakes...)
	}
	of := c.Tracker.Lifetimes()
	c.Lifetimes.Idle = cmp.Or(c.Lifetimes.Idle, of.Idle)
	c.Lifetimes.Absolute = cmp.Or(c.Lifetimes.Absolute, of.Absolute)
	c.Location = cmp.Or(c.Location, c.Tracker.Location())
	c.Logger = loglimit.Logger(cmp.Or(c.Logger, slog.Default()))
	return c, nil
}

// Limits on the number of rows in one answer.
const (
	DefaultSessions = report.DefaultSessions
	MaxSessions     = 1000
	MaxEvents       = 10_000
)

type api struct {
	Config
	door   *bearer.Door
	engine *engine.Engine // nil: the archive is no report.Source
}

// New returns the handler of /_footfall/. It reports every mistake in the
// configuration at once, by field name.
func New(c Config) (http.Handler, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &api{Config: c, door: bearer.New(c.Tracker.Proxies(), c.Tokens...)}
	if source, ok := c.Reader.(report.Source); ok {
		a.engine = engine.New(source, engine.Options{Bytes: c.ReportBytes, Dir: c.ReportDir, HeldSince: a.heldSince})
	}
	mux := http.NewServeMux()
	const root = "/_footfall/api/"
	for pattern, h := range map[string]func(*http.Request) (any, error){
		"GET " + root + "stats":                a.stats,
		"GET " + root + "status":               a.status,
		"GET " + root + "sessions":             a.sessions,
		"GET " + root + "sessions/{id}":        a.session,
		"GET " + root + "sessions/{id}/events": a.events,
		"POST " + root + "revoke":              a.revoke,
		"GET " + root + "retention":            a.retention,
		"POST " + root + "retention":           a.retention,
		"POST " + root + "retry":               a.retry,
	} {
		mux.Handle(pattern, a.answer(func(w http.ResponseWriter, r *http.Request) error {
			data, err := h(r)
			if err == nil {
				write(w, http.StatusOK, success{Success: true, Data: data})
			}
			return err
		}))
	}
	mux.Handle("GET "+root+"report/{names}", a.answer(a.report))
	mux.HandleFunc("/_footfall/", func(w http.ResponseWriter, r *http.Request) {
		write(w, http.StatusNotFound, failure{Error: "Not found", Message: "There is nothing at this address"})
	})
	return mux, nil
}

// A refusal is an error whose text is sent to the caller.
type refusal struct {
	status  int
	message string
}

func (r refusal) Error() string { return r.message }

type success struct {
	Success bool `json:"success"`
	Data    any  `json:"data"`
}

type failure struct {
	Success bool   `json:"success"`
	Error   string `json:"error"`
	Message string `json:"message"`
}

// answer admits callers who send a valid token and turns an error of h into JSON. Without
// one, h has answered.
func (a *api) answer(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ok, wait := a.door.Admit(r); !ok {
			status, message := bearer.Refuse(w.Header(), wait)
			what := "Authentication required"
			if wait > 0 {
				what = http.StatusText(status)
			}
			write(w, status, failure{Error: what, Message: message})
			return
		}
		err := h(w, r)
		var refused refusal
		switch {
		case err == nil:
		case errors.As(err, &refused):
			write(w, refused.status, failure{Error: http.StatusText(refused.status), Message: refused.message})
		case errors.Is(err, store.ErrUnavailable):
			a.Logger.Warn("dashboard: a store does not answer", "error", err)
			w.Header().Set("Retry-After", "1")
			write(w, http.StatusServiceUnavailable, failure{Error: "Service unavailable", Message: "A store is unavailable: nothing was changed, try again"})
		default:
			a.Logger.Error("dashboard: " + err.Error())
			write(w, http.StatusInternalServerError, failure{Error: "Internal error", Message: "The server's log says more"})
		}
	})
}

func write(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"success":false,"error":"Internal error","message":"The answer could not be encoded"}`)
	}
	secure(w.Header(), "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

// secure sets the header of an answer of some kind.
func secure(h http.Header, kind string) {
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

func (a *api) stats(r *http.Request) (any, error) {
	w := report.Window{Now: time.Now()}
	w.Today = report.Today(w.Now, a.Location)
	var err error
	if w.From, err = report.ParseDay(r.URL.Query().Get("from"), a.Location); err != nil {
		return nil, refusal{http.StatusBadRequest, "from: " + err.Error()}
	}
	if w.To, err = report.ParseDay(r.URL.Query().Get("to"), a.Location); err != nil {
		return nil, refusal{http.StatusBadRequest, "to: " + err.Error()}
	}
	return a.Reader.Stats(r.Context(), w)
}

func (a *api) status(r *http.Request) (any, error) {
	return a.Tracker.Status(r.Context()), nil
}

func (a *api) sessions(r *http.Request) (any, error) {
	q := r.URL.Query()
	limit, err := report.ParseLimit(q.Get("limit"), DefaultSessions, MaxSessions)
	if err != nil {
		return nil, refusal{http.StatusBadRequest, "limit: " + err.Error()}
	}
	active, _ := strconv.ParseBool(q.Get("active"))
	converted, _ := strconv.ParseBool(q.Get("converted"))
	return report.Sessions(r.Context(), a.Reader, report.Filter{Active: active, Converted: converted, Now: time.Now(), Limit: limit}, a.Lifetimes)
}

func (a *api) session(r *http.Request) (any, error) {
	detail, ok, err := report.Detail(r.Context(), a.Reader, r.PathValue("id"), a.Lifetimes, time.Now())
	if err == nil && !ok {
		err = refusal{http.StatusNotFound, "There is no such session"}
	}
	return detail, err
}

func (a *api) events(r *http.Request) (any, error) {
	limit, err := report.ParseLimit(r.URL.Query().Get("limit"), MaxEvents, MaxEvents)
	if err != nil {
		return nil, refusal{http.StatusBadRequest, "limit: " + err.Error()}
	}
	return a.Reader.Events(r.Context(), r.PathValue("id"), limit)
}

// retention says how far deleting by age has come. POST makes it go on from now.
func (a *api) retention(r *http.Request) (any, error) {
	done, err := a.Tracker.Retention(r.Context(), r.Method == http.MethodPost)
	if err != nil && !errors.Is(err, store.ErrUnavailable) {
		err = refusal{http.StatusConflict, err.Error()}
	}
	return done, err
}

// A Revocation is the body of POST /_footfall/api/revoke. Exactly one of its
// fields is set.
type Revocation struct {
	SessionID  string `json:"sessionId,omitempty"`
	CustomerID string `json:"customerId,omitempty"`
}

// Revoked is the answer to a Revocation.
type Revoked struct {
	Revoked bool `json:"revoked"` // false: nothing ended, because there was no live session

	// Of a customer; nil: the archive could not say.
	Known    *bool `json:"known,omitempty"`    // it has a session or an order of this customer
	Sessions *int  `json:"sessions,omitempty"` // how many sessions ended, at most 1,000
}

func (a *api) revoke(r *http.Request) (any, error) {
	var what Revocation
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil || json.Unmarshal(body, &what) != nil || what.check() != nil {
		return nil, refusal{http.StatusBadRequest, `Send {"sessionId":"…"} or {"customerId":"…"}`}
	}
	return what.Apply(r.Context(), a.Tracker)
}

func (what Revocation) check() error {
	if (what.SessionID == "") == (what.CustomerID == "") {
		return errors.New("dashboard: Revocation: set SessionID or CustomerID, and only one of them")
	}
	return nil
}

const (
	lookTimeout = 3 * time.Second         // how long a revocation waits to learn whom it concerns
	arrivalTime = 1200 * time.Millisecond // in which a login of just now reaches the archive
	lookEvery   = 200 * time.Millisecond
)

// Retried is the answer to POST /_footfall/api/retry.
type Retried struct {
	Facts int `json:"facts"` // that were set aside and are offered to the archive again
}

func (a *api) retry(*http.Request) (any, error) {
	n, err := a.Tracker.RetrySetAside()
	return Retried{Facts: n}, err
}

// Apply revokes what the request names: a session or all sessions of a customer. A
// customer without a live session is looked for until a login of just now has reached the
// archive, and is then revoked too, because another login may be under way.
func (what Revocation) Apply(ctx context.Context, t *footfall.Tracker) (done Revoked, err error) {
	if err := what.check(); err != nil {
		return Revoked{}, err
	}
	if what.CustomerID == "" {
		done.Revoked, err = t.EndSession(ctx, what.SessionID)
		return done, err
	}
	looking, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	live, lookErr := t.CustomerSessions(looking, what.CustomerID)
	for end := time.Now().Add(arrivalTime); lookErr == nil && len(live) == 0 && time.Now().Before(end); {
		time.Sleep(lookEvery)
		live, lookErr = t.CustomerSessions(looking, what.CustomerID)
	}
	if known, err := t.KnowsCustomer(looking, what.CustomerID); err == nil {
		done.Known = &known
	}
	if err = t.EndCustomerSessions(ctx, what.CustomerID); err != nil {
		return done, err
	}
	done.Revoked = true
	if n := len(live); lookErr == nil {
		done.Sessions, done.Revoked = &n, n > 0
	}
	return done, nil
}
