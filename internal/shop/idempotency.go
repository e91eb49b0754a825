package shop

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall"
)

const (
	maxIdempotencyKey = 255
	idempotencyTime   = 24 * time.Hour
	lookBackTime      = 500 * time.Millisecond

	keysKey  = "orderKeys" // of the session's value that names the latest keys
	keptKeys = 10
)

// A keyOwner is whose an Idempotency-Key is: the customer's, if one is logged in,
// otherwise the session's. A session is found by its visitor, whom the signed cookie
// names while no store answers.
type keyOwner struct {
	customer, session, visitor string // empty: nobody, or not known

	buyer string // who logged in with this browser last, "" if nobody
}

// ownerOfKey says whose an Idempotency-Key of the request is. While the stores do not
// answer it is what this process knows.
func (s *Shop) ownerOfKey(r *http.Request) (o keyOwner) {
	session, ok, err := s.tracker.Session(r.Context())
	if err != nil || !ok {
		session, _ = footfall.FromContext(r.Context())
	}
	o.customer, o.session = session.CustomerID, session.SessionID
	o.visitor, _ = footfall.Visitor(r.Context())
	o.buyer = s.buyer(r.Context(), r)
	return o
}

// scope is what the ids of an owner's orders are derived from, "" if nothing tells the
// owner from others. Every instance finds the same, whether or not stores answer it, for
// the same browser: a key that is used again then names the same order. So a customer who
// is logged in no longer, but did not log out, is the owner as far as ids go.
func (o keyOwner) scope() string {
	switch {
	case o.customer != "":
		return ofCustomer(o.customer)
	case o.buyer != "":
		return ofCustomer(o.buyer)
	case o.visitor != "":
		return ofVisitor(o.visitor)
	}
	return ""
}

// scopes are those under which the key may have been used in this browser: somebody may
// have logged in since, or a session with a customer may have ended.
func (o keyOwner) scopes() (all []string) {
	if o.visitor != "" {
		all = append(all, ofVisitor(o.visitor))
	}
	if o.buyer != "" && o.buyer != o.customer {
		all = append(all, ofCustomer(o.buyer))
	}
	return all
}

func ofCustomer(id string) string { return "customer " + id }
func ofVisitor(id string) string  { return "visitor " + id }

// owns reports whether an order that was placed with a key is the owner's. What was not
// known when it was placed, or is not now, does not count against it.
func (o keyOwner) owns(order *footfall.Order) bool {
	if o.customer != "" && order.CustomerID != "" {
		return o.customer == order.CustomerID
	}
	return o.session == "" || order.SessionID == "" || o.session == order.SessionID
}

// orderID derives an order's id from a scope and a key. A key may be used again after a
// day; then attempt is one more.
func orderID(scope, key string, attempt int) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"order", scope, key, strconv.Itoa(attempt)}, "\x00")))
	return uuid.NewHash(sha256.New(), uuid.NameSpaceOID, sum[:], 8).String()
}

// place places an order under a key, or without one if key is "". Of a key that was used
// within a day it returns the order that was placed then. mine is false if that is
// somebody else's, of the same browser.
func (s *Shop) place(r *http.Request, input footfall.OrderInput, key string) (order footfall.Order, before, mine bool, err error) {
	ctx := r.Context()
	var owner keyOwner
	if key != "" {
		owner = s.ownerOfKey(r)
	}
	scope := owner.scope()
	if scope == "" { // two buyers whom nothing tells apart may use the same key
		id, err := uuid.NewV7()
		if err != nil {
			return order, false, true, err
		}
		input.ID = id.String()
		order, before, err = s.tracker.PlaceOrder(ctx, input)
		return order, before, true, err
	}
	noted := true
	switch used := s.lastUse(ctx, key); {
	case used == nil:
		noted = s.rememberKey(ctx, owner.session, scope, key) // before the order, whose answer may be lost
	case used.Scope == short(scope):
	case owner.isVisitor(used):
		scope = ofVisitor(owner.visitor) // and has logged in since: another instance may have the order in its journal
	case used.Scope != short(ofVisitor(owner.visitor)): // another customer's
		return order, true, false, nil
	}
	for i, order := range s.recentOrders(ctx, owner.scopes(), key) {
		switch {
		case order.OrderID == "": // none
		case !owner.owns(&order):
			return order, true, false, nil
		case owner.scopes()[i] != scope:
			return order, true, true, nil
		}
	}
	for attempt := 0; ; attempt++ {
		input.ID = orderID(scope, key, attempt)
		order, before, err = s.tracker.PlaceOrder(ctx, input)
		if before && time.Since(order.CreatedAt) >= idempotencyTime {
			continue
		}
		if !noted && err == nil && !before {
			s.rememberKey(ctx, owner.session, scope, key)
		}
		return order, before, !before || owner.owns(&order), err
	}
}

// recentOrders finds the orders that were placed within a day in each of some scopes with a
// key. It finds none while the archive does not answer: the sale does not wait for that.
func (s *Shop) recentOrders(ctx context.Context, scopes []string, key string) []footfall.Order {
	ctx, cancel := context.WithTimeout(ctx, lookBackTime)
	defer cancel()
	found := make([]footfall.Order, len(scopes))
	for i, scope := range scopes {
		for attempt := 0; ; attempt++ {
			order, ok, err := s.tracker.Order(ctx, orderID(scope, key, attempt))
			if ok && err == nil && time.Since(order.CreatedAt) >= idempotencyTime {
				continue
			}
			if ok && err == nil {
				found[i] = order
			}
			break
		}
	}
	return found
}

// A usedKey is a key that was used in a session, and by whom.
type usedKey struct {
	Key     string    `json:"k"`
	Scope   string    `json:"s"`
	Session string    `json:"i,omitempty"`
	At      time.Time `json:"t"`
}

// isVisitor reports whether a key was used by who is the owner now, before they logged in.
func (o keyOwner) isVisitor(used *usedKey) bool {
	return o.session != "" && used.Session == short(o.session) && used.Scope == short(ofVisitor(o.visitor))
}

// lastUse is how the key was used in this browser lately, nil if the session's values do not
// say. An account switch keeps them, a logout does not.
func (s *Shop) lastUse(ctx context.Context, key string) *usedKey {
	var used []usedKey
	if _, err := s.tracker.Value(ctx, keysKey, &used); err != nil {
		return nil // then nothing is known
	}
	for i, u := range used {
		if u.Key == short(key) && time.Since(u.At) < idempotencyTime {
			return &used[i]
		}
	}
	return nil
}

// rememberKey notes who uses a key, and in which session: so the next customer of this
// browser does not take the other's answer for their own, and a guest who logs in does not
// order a second time. It reports whether that is noted, or cannot be.
func (s *Shop) rememberKey(ctx context.Context, session, scope, key string) bool {
	if session != "" {
		session = short(session)
	}
	err := s.tracker.UpdateValue(ctx, keysKey, func(before json.RawMessage) (any, error) {
		var used []usedKey
		if before != nil {
			if err := json.Unmarshal(before, &used); err != nil {
				return nil, err
			}
		}
		used = append(used, usedKey{short(key), short(scope), session, time.Now().UTC().Truncate(time.Second)})
		return used[max(0, len(used)-keptKeys):], nil
	}, footfall.Lasting)
	if err != nil && !errors.Is(err, footfall.ErrNoSession) {
		s.log.Warn("shop: the use of an Idempotency-Key was not noted", "error", err)
		return false
	}
	return true
}

// short is a text's hash, to keep.
func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// keyOf returns the request's Idempotency-Key. If it is too long, keyOf sends the answer.
func keyOf(w http.ResponseWriter, r *http.Request) (key string, ok bool) {
	key = r.Header.Get("Idempotency-Key")
	if len(key) > maxIdempotencyKey {
		fail(w, http.StatusBadRequest, "Bad request", "Idempotency-Key has at most 255 characters")
		return "", false
	}
	return key, true
}
