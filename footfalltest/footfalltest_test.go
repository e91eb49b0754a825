package footfalltest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/footfalltest"
)

// cartPage is a shop's handler: it greets a customer and shows their cart.
func cartPage(tracker *footfall.Tracker) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := footfall.FromContext(r.Context())
		var cart []string
		if _, err := tracker.Value(r.Context(), "cart", &cart); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		if err := tracker.Track(r.Context(), footfall.EventInput{Type: footfall.EventCheckoutStarted}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprintf(w, "%s has %v", session.CustomerID, cart)
	})
}

func TestShop_CartOfACustomer(t *testing.T) {
	tracker := footfalltest.New(t)
	b := tracker.Browser()
	b.LogIn("anna")
	b.SetValue("cart", []string{"17", "4"})
	resp := b.Get(cartPage(tracker.Tracker), "/cart?utm_source=letter")
	if body, _ := io.ReadAll(resp.Body); string(body) != "anna has [17 4]" {
		t.Errorf("the page says %q", body)
	}
	var types []string
	for _, e := range tracker.Events() {
		types = append(types, e.EventType)
	}
	if got, want := fmt.Sprint(types), "[customer_login checkout_started page_view]"; got != want {
		t.Errorf("recorded %s, want %s", got, want)
	}
	session, ok := b.Session()
	if !ok || session.CustomerID != "anna" || tracker.Stored(session.SessionID).PageViews != 1 {
		t.Errorf("the session is %+v", session)
	}
}

func TestShop_OrderIsPlacedOnce(t *testing.T) {
	tracker := footfalltest.New(t)
	b := tracker.Browser()
	for range 2 {
		b.Within(func(r *http.Request) {
			_, _, err := tracker.PlaceOrder(r.Context(), footfall.OrderInput{ID: "o-1", Total: footfall.Money{Amount: 1999, Currency: "EUR"}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	orders := tracker.Orders()
	if len(orders) != 1 || orders[0].OrderID != "o-1" || len(tracker.Events()) != 1 {
		t.Errorf("recorded %+v and %d events, want the order once", orders, len(tracker.Events()))
	}
}

func TestRun_TimeIsTheTests(t *testing.T) {
	footfalltest.Run(t, func(t *testing.T, tracker *footfalltest.Tracker) {
		page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		b := tracker.Browser()
		b.Get(page, "/")
		first, _ := b.Session()
		tracker.Advance(31 * time.Minute)
		if _, ok := b.Session(); ok {
			t.Error("the session outlives its idle timeout")
		}
		b.Get(page, "/")
		if second, ok := b.Session(); !ok || second.SessionID == first.SessionID || second.VisitorID != first.VisitorID {
			t.Errorf("after that the same visitor has %+v, want a new session", second)
		}
	})
}

// A shop tests its webhook and its thank-you page together.
func TestShop_OrderOfAWebhookIsTheBuyers(t *testing.T) {
	tracker := footfalltest.New(t)
	b := tracker.Browser()
	b.LogIn("anna")
	input := footfall.OrderInput{ID: "o-1", Total: footfall.Money{Amount: 1999, Currency: "EUR"}}
	if _, _, err := tracker.PlaceOrderFor(t.Context(), footfall.Visit{}, input); err != nil {
		t.Fatal(err)
	}
	b.Within(func(r *http.Request) {
		if _, _, err := tracker.PlaceOrder(r.Context(), input); err != nil {
			t.Error(err)
		}
	})
	session, _ := b.Session()
	orders := tracker.Orders()
	if len(orders) != 1 || orders[0].SessionID != session.SessionID || orders[0].CustomerID != "anna" {
		t.Errorf("orders are %+v; it is one, of the buyer's session, whoever told it first", orders)
	}
	for _, e := range tracker.Events() {
		if e.EventType == footfall.EventOrderCompleted && e.SessionID != session.SessionID {
			t.Errorf("the order's event is of session %q, not of the buyer's", e.SessionID)
		}
	}
}
