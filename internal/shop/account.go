package shop

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/footfall-go/footfall"
)

//go:embed customers.json
var customersJSON []byte

type customer struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Name     string `json:"name"`
	Password string `json:"-"` // a bcrypt hash
}

// customers holds the shop's accounts, by e-mail address and by id.
type customers struct {
	byEmail map[string]customer
	byID    map[string]customer
	nobody  []byte        // a hash to compare with when the account does not exist
	checks  chan struct{} // limits parallel password checks, each of which takes tens of milliseconds of CPU
}

func loadCustomers() (customers, error) {
	var all []struct {
		customer
		Hash string `json:"passwordHash"`
	}
	c := customers{byEmail: map[string]customer{}, byID: map[string]customer{}, checks: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	if err := json.Unmarshal(customersJSON, &all); err != nil {
		return c, fmt.Errorf("shop: customers.json: %w", err)
	}
	for _, a := range all {
		a.customer.Password = a.Hash
		c.byEmail[strings.ToLower(a.Email)], c.byID[a.ID] = a.customer, a.customer
		c.nobody = []byte(a.Hash)
	}
	return c, nil
}

// check returns the account with an address and a password. It takes as long for
// an address without an account.
func (c *customers) check(ctx context.Context, email, password string) (customer, bool, error) {
	select {
	case c.checks <- struct{}{}:
		defer func() { <-c.checks }()
	case <-ctx.Done():
		return customer{}, false, ctx.Err()
	}
	account, known := c.byEmail[strings.ToLower(email)]
	hash := c.nobody
	if known {
		hash = []byte(account.Password)
	}
	right := bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil
	return account, known && right, nil
}

func (s *Shop) login(w http.ResponseWriter, r *http.Request) {
	var form struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if !read(w, r, &form) {
		return
	}
	if len(form.Email) > 254 || len(form.Password) > 72 {
		fail(w, http.StatusUnauthorized, "Invalid credentials", "Email or password is wrong")
		return
	}
	since := time.Now()
	from, whom := s.proxies.ClientAddr(r)
	attempt := s.throttle.attempt(strings.ToLower(form.Email), from, whom, since)
	if attempt.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(attempt.wait/time.Second)+1))
		fail(w, http.StatusTooManyRequests, "Too many attempts", "Please wait before you try again")
		return
	}
	account, ok, err := s.customers.check(r.Context(), form.Email, form.Password)
	switch {
	case r.Context().Err() != nil: // the client no longer waits for the answer
		return
	case err != nil:
		s.unavailable(w, err)
		return
	case !ok:
		fail(w, http.StatusUnauthorized, "Invalid credentials", "Email or password is wrong")
		return
	}
	attempt.forgive()
	switch err := s.tracker.Login(r.Context(), account.ID, since); {
	case errors.Is(err, footfall.ErrRevoked):
		fail(w, http.StatusUnauthorized, "Invalid credentials", "Please log in again")
	case err != nil:
		s.unavailable(w, err)
	default:
		succeed(w, http.StatusOK, map[string]any{"customer": account})
	}
}

func (s *Shop) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.tracker.Logout(r.Context()); err != nil {
		s.unavailable(w, err)
		return
	}
	succeed(w, http.StatusOK, nil)
}

func (s *Shop) me(w http.ResponseWriter, r *http.Request) {
	session, _, err := s.tracker.Session(r.Context())
	if err != nil {
		s.unavailable(w, err)
		return
	}
	account, ok := s.customers.byID[session.CustomerID]
	if !ok { // the customer was logged out at this very moment
		fail(w, http.StatusUnauthorized, "Authentication required", "Please log in to continue")
		return
	}
	succeed(w, http.StatusOK, map[string]any{"customer": account, "session": session})
}

func (s *Shop) session(w http.ResponseWriter, r *http.Request) {
	session, ok, err := s.tracker.Session(r.Context())
	switch {
	case err != nil:
		s.unavailable(w, err)
	case !ok:
		succeed(w, http.StatusOK, nil)
	default:
		succeed(w, http.StatusOK, session)
	}
}
