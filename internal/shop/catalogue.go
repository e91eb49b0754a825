package shop

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/footfall-go/footfall"
)

// A product of the demo shop. Its price is in minor units.
type product struct {
	ID    string         `json:"id"`
	Name  string         `json:"name"`
	Price footfall.Money `json:"price"`
}

const currency = "EUR"

// products are all 200 combinations of an adjective and a noun.
var products = func() []product {
	how := []string{"Plain", "Striped", "Heavy", "Light", "Small", "Large", "Round", "Soft", "Woven", "Folding"}
	what := []string{
		"Mug", "Bowl", "Plate", "Lamp", "Chair", "Stool", "Rug", "Towel", "Blanket", "Cushion",
		"Basket", "Vase", "Clock", "Tray", "Teapot", "Candle", "Mirror", "Shelf", "Apron", "Notebook",
	}
	all := make([]product, 0, len(how)*len(what))
	for i, w := range what {
		for j, h := range how {
			n := len(all) + 1
			all = append(all, product{strconv.Itoa(n), h + " " + w, footfall.Money{Amount: int64(490 + 350*i + 115*j), Currency: currency}})
		}
	}
	return all
}()

func findProduct(id string) (product, bool) {
	n, err := strconv.Atoi(id)
	if err != nil || n < 1 || n > len(products) || strconv.Itoa(n) != id {
		return product{}, false
	}
	return products[n-1], true
}

func (s *Shop) listProducts(w http.ResponseWriter, r *http.Request) {
	offset, ok1 := number(r, "offset", 0)
	limit, ok2 := number(r, "limit", len(products))
	if !ok1 || !ok2 {
		fail(w, http.StatusBadRequest, "Bad request", "limit and offset are whole numbers from 0 on")
		return
	}
	offset = min(offset, len(products))
	succeed(w, http.StatusOK, products[offset:min(offset+min(limit, len(products)), len(products))])
}

// number reads a whole number from the query.
func number(r *http.Request, name string, otherwise int) (int, bool) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0
}

func (s *Shop) showProduct(w http.ResponseWriter, r *http.Request) {
	p, ok := findProduct(r.PathValue("id"))
	if !ok {
		fail(w, http.StatusNotFound, "Not found", "There is no such product")
		return
	}
	succeed(w, http.StatusOK, p)
}

const (
	maxQuantity = 99
	cartKey     = "cart"
)

// addToCart stores the cart in the session, as a map from product id to quantity.
func (s *Shop) addToCart(w http.ResponseWriter, r *http.Request) {
	var line struct {
		ProductID string `json:"productId"`
		Quantity  int    `json:"quantity"`
	}
	line.Quantity = 1 // the default if the body has none
	if !read(w, r, &line) {
		return
	}
	p, ok := findProduct(line.ProductID)
	if !ok {
		fail(w, http.StatusNotFound, "Not found", "There is no such product")
		return
	}
	if line.Quantity < 1 || line.Quantity > maxQuantity {
		fail(w, http.StatusBadRequest, "Bad request", "quantity is a whole number from 1 to 99")
		return
	}
	if session, ok := footfall.FromContext(r.Context()); ok {
		s.noteBuyer(w, r, session.CustomerID)
	}
	if err := s.tracker.Track(r.Context(), footfall.EventInput{
		Type: footfall.EventAddToCart, ProductID: p.ID, Metadata: []byte(`{"quantity":` + strconv.Itoa(line.Quantity) + `}`),
	}); err != nil && !errors.Is(err, footfall.ErrNoSession) { // of software, or past a cap: counted apart
		s.log.Error("shop: track", "error", err)
	}
	var cart map[string]int
	err := s.tracker.UpdateValue(r.Context(), cartKey, func(before json.RawMessage) (any, error) {
		cart = map[string]int{}
		if before != nil {
			if err := json.Unmarshal(before, &cart); err != nil {
				return nil, err
			}
		}
		cart[p.ID] = min(cart[p.ID]+line.Quantity, maxQuantity)
		return cart, nil
	})
	switch {
	case errors.Is(err, footfall.ErrNoSession): // the request is a bot's or exceeds a cap: nobody will return for the cart
		cart = map[string]int{p.ID: line.Quantity}
	case err != nil: // the shop continues: the page can send the line again
		s.log.Warn("shop: the cart was not stored", "error", err)
		cart = map[string]int{p.ID: line.Quantity}
	}
	succeed(w, http.StatusOK, map[string]any{"items": cartItems(cart)})
}

// An item is one line of a cart or an order.
type item struct {
	ProductID string `json:"productId"`
	Quantity  int    `json:"quantity"`
}

// cartItems returns a cart's lines in the order of the products.
func cartItems(cart map[string]int) []item {
	items := make([]item, 0, len(cart))
	for _, p := range products {
		if n := cart[p.ID]; n > 0 {
			items = append(items, item{p.ID, n})
		}
	}
	return items
}
