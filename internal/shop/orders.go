package shop

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/jsontext"
)

const (
	maxOrderLines = 50

	// Of an order's body, which is decoded whole. Without them 18 KB of brackets take
	// megabytes.
	maxOrderLevels = 20
	maxOrderMarks  = 1000
)

// An orderForm has the fields of an order that the shop accepts. Everything else
// in the body is ignored.
type orderForm struct {
	Items           []item          `json:"items"`
	ShippingAddress json.RawMessage `json:"shippingAddress"`
}

// An orderNote is what the shop stores with an order. It is enough to repeat the
// answer.
type orderNote struct {
	Items map[string]int `json:"items"`
	Body  string         `json:"body"` // hash of the request's body
}

// placeOrder places an order. With an Idempotency-Key, the order's id is derived
// from whose the key is and the key, so that a repeated request finds the same order,
// even after a crash or on another instance.
func (s *Shop) placeOrder(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	cart, total, hash, problem := parseOrder(body)
	if problem != "" {
		fail(w, http.StatusBadRequest, "Bad request", problem)
		return
	}
	note, err := json.Marshal(orderNote{Items: cart, Body: hash})
	if err != nil {
		fail(w, http.StatusInternalServerError, "Internal error", "Please try again")
		return
	}
	key, ok := keyOf(w, r)
	if !ok {
		return
	}
	giveBack, placed, ok := s.mayOrder(w, r)
	if !ok {
		return
	}
	if session, ok := footfall.FromContext(r.Context()); ok {
		s.noteBuyer(w, r, session.CustomerID)
	}
	order, before, mine, err := s.place(r, footfall.OrderInput{Total: total, Metadata: note}, key)
	if before || err == nil && order.SessionID != "" { // one that failed may be written all the same
		giveBack()
	}
	if !before && err == nil {
		placed(order.SessionID)
	}
	if errors.Is(err, footfall.ErrUnavailable) { // it stands nowhere: the buyer may try again, with the same key
		s.unavailable(w, err)
		return
	}
	if err != nil && !errors.Is(err, footfall.ErrConflict) { // a conflict is a key that was used for another body: see below
		s.log.Error("shop: place order", "error", err)
		fail(w, http.StatusInternalServerError, "Internal error", "Please try again")
		return
	}
	if !mine {
		fail(w, http.StatusConflict, "Idempotency key in use", "This Idempotency-Key was used in another session or by another customer before")
		return
	}
	var kept orderNote
	if err := json.Unmarshal(order.Metadata, &kept); err != nil || kept.Body != hash {
		fail(w, http.StatusUnprocessableEntity, "Idempotency key reused", "This Idempotency-Key came with another order before")
		return
	}
	if !before {
		if err := s.tracker.SetValue(r.Context(), cartKey, nil); err != nil && !errors.Is(err, footfall.ErrNoSession) {
			s.log.Warn("shop: the cart was not emptied", "error", err)
		}
	}
	data := map[string]any{"id": order.OrderID, "sessionId": nil, "items": cartItems(kept.Items), "total": order.Total, "createdAt": order.CreatedAt}
	if order.SessionID != "" {
		data["sessionId"] = order.SessionID
	}
	succeed(w, http.StatusCreated, data)
}

// parseOrder checks the body of an order. The hash does not depend on white space
// or the order of members.
func parseOrder(body []byte) (cart map[string]int, total footfall.Money, hash, problem string) {
	var form orderForm
	var whole any
	if !jsontext.Within(body, maxOrderLevels, maxOrderMarks) || json.Unmarshal(body, &form) != nil || json.Unmarshal(body, &whole) != nil {
		return nil, total, "", "The request's body is not the JSON that was expected"
	}
	if len(form.Items) == 0 || len(form.Items) > maxOrderLines {
		return nil, total, "", "items has 1 to 50 lines"
	}
	if address := bytes.TrimSpace(form.ShippingAddress); len(address) > 0 && address[0] != '{' && !bytes.Equal(address, []byte("null")) {
		return nil, total, "", "shippingAddress is an object"
	}
	cart = map[string]int{}
	total.Currency = currency
	for _, line := range form.Items {
		p, ok := findProduct(line.ProductID)
		if !ok {
			return nil, total, "", "There is no product " + strconv.Quote(line.ProductID)
		}
		if line.Quantity < 1 || line.Quantity > maxQuantity {
			return nil, total, "", "quantity is a whole number from 1 to 99"
		}
		if cart[p.ID] += line.Quantity; cart[p.ID] > maxQuantity {
			return nil, total, "", "of one product an order has 1 to 99"
		}
		total.Amount += p.Price.Amount * int64(line.Quantity)
	}
	canonical, err := json.Marshal(whole)
	if err != nil {
		return nil, total, "", "The request's body is not the JSON that was expected"
	}
	sum := sha256.Sum256(canonical)
	return cart, total, base64.RawURLEncoding.EncodeToString(sum[:18]), ""
}
