// Package shop is the demo storefront: products, a cart, customers and orders as
// JSON, under /api/storefront/. It shows how a shop uses package footfall, and
// the tests use it.
package shop

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/loglimit"
	"github.com/footfall-go/footfall/loginguard"
	"github.com/footfall-go/footfall/store"
)

// A Shop serves the storefront.
type Shop struct {
	tracker   *footfall.Tracker
	log       *slog.Logger
	proxies   enrich.Proxies
	customers customers
	guard     *loginguard.Guard
	limit     orderLimit
	secret    []byte   // nil: no buyer cookie
	former    [][]byte // secrets that verify it as well
	insecure  bool
	handler   http.Handler
}

const api = "/api/storefront/"

// Config holds the settings of a Shop. Tracker is required.
type Config struct {
	Tracker        *footfall.Tracker
	Logger         *slog.Logger   // Default: slog.Default()
	AllowedOrigins []string       // foreign origins that may use unsafe methods. Default: none
	Proxies        enrich.Proxies // the same as the tracker's. Default: none

	// SharedHot is the tracker's hot store if all instances have the same one. They share
	// the budgets of failed logins through it. Default: none, and each has its own
	SharedHot store.HotStore

	Secret   []byte   // keys the names of accounts there, and signs the buyer cookie. Default: none, and there is no such cookie
	Former   [][]byte // secrets before that one: a buyer cookie that was signed by one is good. Default: none
	Insecure bool     // the buyer cookie is sent over plain HTTP too

	// OrdersPerMinute limits the orders of one network, a /24 or /64, that belong to no
	// session; from all networks together a hundred times as many are accepted, and twice
	// as many where a request seemed to have a session. Negative: no limit. Default: 60
	OrdersPerMinute int
}

// New makes a shop.
func New(c Config) (*Shop, error) {
	if c.Tracker == nil {
		return nil, errors.New("shop: Config.Tracker: required: the tracker that footfall.New returned")
	}
	// The wait is long because a busy machine checks few passwords, and the customer has
	// nobody else to ask.
	limits := loginguard.Config{Wait: 15 * time.Second, SharedSecret: c.Secret}
	if c.SharedHot != nil {
		limits.Shared = documents{c.SharedHot}
	}
	s := &Shop{tracker: c.Tracker, secret: c.Secret, former: c.Former, insecure: c.Insecure, log: loglimit.Logger(cmp.Or(c.Logger, slog.Default())), proxies: c.Proxies, guard: loginguard.New(limits),
		limit: orderLimit{perNetwork: cmp.Or(c.OrdersPerMinute, ordersPerMinute)}}
	var err error
	if s.customers, err = loadCustomers(); err != nil {
		return nil, err
	}
	t := c.Tracker
	mux := http.NewServeMux()
	tracked := func(pattern string, h http.HandlerFunc) { mux.Handle(pattern, t.Handler(h)) }
	tracked("GET "+api+"products", s.listProducts)
	tracked("GET "+api+"products/{id}", s.showProduct)
	tracked("POST "+api+"cart", s.addToCart)
	tracked("POST "+api+"auth/login", s.login)
	tracked("POST "+api+"auth/logout", s.logout)
	tracked("POST "+api+"orders", s.placeOrder)
	tracked(api, func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "Not found", "There is nothing at this address")
	})
	// Asking who is logged in is not a page view. Asking whether there is a
	// session is not even activity.
	mux.Handle("GET "+api+"me", t.Uncounted(t.RequireCustomer(http.HandlerFunc(s.me))))
	mux.Handle("GET "+api+"session", t.Optional(http.HandlerFunc(s.session)))

	origins := http.NewCrossOriginProtection()
	for _, origin := range c.AllowedOrigins {
		if err := origins.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("shop: Config.AllowedOrigins: %w: use https://shop.example.com", err)
		}
	}
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusForbidden, "Forbidden", "Requests from other sites are not accepted")
	}))
	s.handler = origins.Handler(mux)
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// success and failure are the two forms of every answer.
type (
	success struct {
		Success bool `json:"success"`
		Data    any  `json:"data"`
	}
	failure struct {
		Success bool   `json:"success"`
		Error   string `json:"error"`
		Message string `json:"message"`
	}
)

// succeed answers with data.
func succeed(w http.ResponseWriter, status int, data any) {
	write(w, status, success{true, data})
}

// fail answers with an error.
func fail(w http.ResponseWriter, status int, name, message string) {
	write(w, status, failure{false, name, message})
}

// unavailable answers with 503 because a store does not answer.
func (s *Shop) unavailable(w http.ResponseWriter, err error) {
	s.log.Warn("shop: a store does not answer", "error", err)
	w.Header().Set("Retry-After", "1")
	fail(w, http.StatusServiceUnavailable, "Service unavailable", "Please try again in a moment")
}

func write(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		http.Error(w, `{"success":false,"error":"Internal error","message":"Please try again"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

const maxBody = 64 << 10

// readBody reads the body of a request. If it is too large, readBody sends the
// answer.
func readBody(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		fail(w, http.StatusRequestEntityTooLarge, "Request too large", "The request's body is too large")
		return nil, false
	case err != nil:
		fail(w, http.StatusBadRequest, "Bad request", "The request's body could not be read")
		return nil, false
	}
	return body, true
}

// read decodes a JSON body. If there is none, read sends the answer.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	body, ok := readBody(w, r)
	if !ok {
		return false
	}
	if err := json.Unmarshal(body, into); err != nil {
		fail(w, http.StatusBadRequest, "Bad request", "The request's body is not the JSON that was expected")
		return false
	}
	return true
}
