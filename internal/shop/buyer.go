package shop

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/footfall-go/footfall"
)

// The buyer cookie says which customer logged in with this browser last. An instance finds
// by it under which customer an Idempotency-Key was used before, also while no store can say
// who is logged in: otherwise the repeated request would be a second order. It names orders
// and nothing else, and lets nobody in.
const buyerCookie = "buyer"

// setBuyer notes in the browser who has logged in, "" for nobody.
func (s *Shop) setBuyer(w http.ResponseWriter, r *http.Request, customerID string) {
	visitor, ok := footfall.Visitor(r.Context())
	if len(s.secret) == 0 || !ok {
		return
	}
	if _, err := r.Cookie(buyerCookie); err != nil && customerID == "" {
		return
	}
	c := &http.Cookie{Name: buyerCookie, Path: api, MaxAge: -1, HttpOnly: true, Secure: !s.insecure, SameSite: http.SameSiteLaxMode}
	if customerID != "" {
		c.Value = base64.RawURLEncoding.EncodeToString([]byte(customerID)) + "." + buyerMark(s.secret, visitor, customerID)
		c.MaxAge = int((s.tracker.Lifetimes().WithDefaults().Absolute + idempotencyTime) / time.Second) // it outlives the session, and the session's keys
	}
	http.SetCookie(w, c)
}

// noteBuyer notes in the browser who is logged in, if it does not say so yet: a session of the
// Express service comes with its customer, and a secret may have been replaced.
func (s *Shop) noteBuyer(w http.ResponseWriter, r *http.Request, customerID string) {
	if customerID != "" && s.buyer(r.Context(), r) != customerID {
		s.setBuyer(w, r, customerID)
	}
}

// buyer returns the customer who logged in with this browser last, as its cookie says, ""
// if it says nothing or is another browser's.
func (s *Shop) buyer(ctx context.Context, r *http.Request) (customerID string) {
	visitor, ok := footfall.Visitor(ctx)
	c, err := r.Cookie(buyerCookie)
	if len(s.secret) == 0 || !ok || err != nil {
		return ""
	}
	name, mark, _ := strings.Cut(c.Value, ".")
	id, err := base64.RawURLEncoding.DecodeString(name)
	if err != nil {
		return ""
	}
	for _, secret := range append([][]byte{s.secret}, s.former...) {
		if hmac.Equal([]byte(mark), []byte(buyerMark(secret, visitor, string(id)))) {
			return string(id)
		}
	}
	return ""
}

// buyerMark signs that a customer logged in as a visitor. Visitors' ids have one length.
func buyerMark(secret []byte, visitor, customerID string) string {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte("footfall shop: buyer: " + visitor + " " + customerID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
