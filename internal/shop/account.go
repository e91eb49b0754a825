package shop

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/loginguard"
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
	nobody  []byte // a hash to compare with when the account does not exist
	compare func(hash, password []byte) error
}

func loadCustomers() (customers, error) {
	var all []struct {
		customer
		Hash string `json:"passwordHash"`
	}
	c := customers{byEmail: map[string]customer{}, byID: map[string]customer{}, compare: bcrypt.CompareHashAndPassword}
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
// an address without an account, and does not give up once it has begun.
func (c *customers) check(email, password string) (customer, bool) {
	account, known := c.byEmail[strings.ToLower(email)]
	hash := c.nobody
	if known {
		hash = []byte(account.Password)
	}
	right := c.compare(hash, []byte(password)) == nil
	return account, known && right
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
	var account customer
	right, err := s.guard.Check(r.Context(), s.whoLogsIn(r, form.Email), func() (right bool, err error) {
		account, right = s.customers.check(form.Email, form.Password)
		return right, nil
	})
	var paused *loginguard.PausedError
	switch {
	case r.Context().Err() != nil: // the client no longer waits for the answer
		return
	case errors.As(err, &paused):
		w.Header().Set("Retry-After", strconv.Itoa(int(paused.Wait/time.Second)+1))
		fail(w, http.StatusTooManyRequests, "Too many attempts", "Please wait before you try again")
		return
	case err != nil: // too many passwords are being checked
		w.Header().Set("Retry-After", "2")
		fail(w, http.StatusServiceUnavailable, "Service unavailable", "Please try again in a moment")
		return
	case !right:
		fail(w, http.StatusUnauthorized, "Invalid credentials", "Email or password is wrong")
		return
	}
	switch err := s.tracker.Login(r.Context(), account.ID, since); {
	case errors.Is(err, footfall.ErrRevoked):
		fail(w, http.StatusUnauthorized, "Invalid credentials", "Please log in again")
	case err != nil:
		s.unavailable(w, err)
	default:
		s.setBuyer(w, r, account.ID)
		succeed(w, http.StatusOK, map[string]any{"customer": account})
	}
}

// whoLogsIn is what the guard needs to know of a login.
func (s *Shop) whoLogsIn(r *http.Request, email string) loginguard.Login {
	login := loginguard.Login{Account: strings.ToLower(email)}
	login.Device, _ = footfall.Visitor(r.Context())
	if from, whom := s.proxies.ClientAddr(r); whom.TellsApart() {
		login.From = from
	}
	return login
}

func (s *Shop) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.tracker.Logout(r.Context()); err != nil {
		s.unavailable(w, err)
		return
	}
	s.setBuyer(w, r, "")
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
	s.noteBuyer(w, r, account.ID)
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
