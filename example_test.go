package footfall_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/footfall-go/footfall/internal/stage"

	"github.com/go-chi/chi/v5"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// exampleTracker is what the examples share: a tracker in a directory that goes
// away. A shop uses one of its own, and a secret from its configuration.
func exampleTracker() (tracker *footfall.Tracker, done func()) {
	dir, err := os.MkdirTemp("", "footfall-example-*")
	if err != nil {
		panic(err)
	}
	archive, err := sqlitearchive.Open(filepath.Join(dir, "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		panic(err)
	}
	tracker, err = footfall.New(footfall.Config{
		Secrets:    []string{stage.Secret},
		Hot:        memstore.New(0),
		Archive:    archive,
		JournalDir: filepath.Join(dir, "journal"),
		Logger:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	return tracker, func() {
		_ = tracker.Close(context.Background())
		_ = archive.Close()
		_ = os.RemoveAll(dir)
	}
}

// visit is a request of somebody with a browser.
func visit(h http.Handler, method, path string, cookies ...*http.Cookie) *http.Response {
	r := httptest.NewRequest(method, "https://shop.example"+path, nil)
	r.Header.Set("User-Agent", stage.Firefox)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// The middleware stands around a mux; a handler asks who is here.
func Example() {
	tracker, done := exampleTracker()
	defer done()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /products/{id}", func(w http.ResponseWriter, r *http.Request) {
		session, _ := footfall.FromContext(r.Context())
		fmt.Println(session.Type(), session.Browser, session.Channel, session.UTMSource)
	})
	shop := tracker.Handler(mux)

	first := visit(shop, "GET", "/products/1?utm_source=letter&utm_medium=email")
	for _, c := range first.Cookies() {
		fmt.Println(c.Name, c.HttpOnly)
	}
	second := visit(shop, "GET", "/products/2", first.Cookies()...)
	fmt.Println(len(second.Cookies()), "more")
	// Output:
	// ANONYMOUS Firefox Email letter
	// session true
	// visitor_id false
	// ANONYMOUS Firefox Email letter
	// 0 more
}

// With chi, as with any router, the middleware is a func(http.Handler) http.Handler.
func ExampleTracker_Handler_chi() {
	tracker, done := exampleTracker()
	defer done()
	router := chi.NewRouter()
	router.Use(tracker.Handler)
	router.Get("/", func(w http.ResponseWriter, r *http.Request) {
		_, ok := footfall.FromContext(r.Context())
		fmt.Println(ok)
	})
	router.With(tracker.RequireCustomer).Get("/account", func(http.ResponseWriter, *http.Request) {})

	first := visit(router, "GET", "/")
	fmt.Println(visit(router, "GET", "/account", first.Cookies()...).Status)
	// Output:
	// true
	// 401 Unauthorized
}

// Login comes after the password check and before the answer. Note when the
// check began: a revocation since then wins.
func ExampleTracker_Login() {
	tracker, done := exampleTracker()
	defer done()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		// … check the password …
		switch err := tracker.Login(r.Context(), "customer-17", began); {
		case errors.Is(err, footfall.ErrUnavailable):
			w.Header().Set("Retry-After", "1")
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		case err != nil:
			http.Error(w, "please log in again", http.StatusUnauthorized)
		}
	})
	mux.Handle("GET /account", tracker.RequireCustomer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := footfall.FromContext(r.Context())
		_, _ = io.WriteString(w, session.CustomerID)
	})))
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := tracker.Logout(r.Context()); err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		}
	})
	shop := tracker.Handler(mux)

	in := visit(shop, "POST", "/login")
	fmt.Println(visit(shop, "GET", "/account", in.Cookies()...).Status)
	out := visit(shop, "POST", "/logout", in.Cookies()...)
	fmt.Println(out.Cookies()[0].Name, out.Cookies()[0].MaxAge)
	fmt.Println(visit(shop, "GET", "/account", in.Cookies()...).Status)
	// Output:
	// 200 OK
	// session -1
	// 401 Unauthorized
}

// Events and orders belong to the session of the request they are recorded in.
func ExampleTracker_PlaceOrder() {
	tracker, done := exampleTracker()
	defer done()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cart", func(w http.ResponseWriter, r *http.Request) {
		if err := tracker.Track(r.Context(), footfall.EventInput{Type: footfall.EventAddToCart, ProductID: "17"}); err != nil {
			fmt.Println(err)
		}
	})
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		order, before, err := tracker.PlaceOrder(r.Context(), footfall.OrderInput{
			ID: "2026-0001", Total: footfall.Money{Amount: 1999, Currency: "EUR"},
		})
		session, _ := footfall.FromContext(r.Context())
		fmt.Println(order.Total, order.SessionID == session.SessionID, before, err)
	})
	shop := tracker.Handler(mux)

	cart := visit(shop, "POST", "/cart")
	visit(shop, "POST", "/orders", cart.Cookies()...)
	visit(shop, "POST", "/orders", cart.Cookies()...) // the same order once more: counted once
	// Output:
	// {1999 EUR} true false <nil>
	// {1999 EUR} true true <nil>
}

// The payment provider's webhook is not the buyer's request: it tells of the visit that
// the shop kept with the payment. The buyer's thank-you page may tell the same order.
func ExampleTracker_PlaceOrderFor() {
	tracker, done := exampleTracker()
	defer done()
	kept := make(chan footfall.Visit, 1) // where the shop keeps its payments
	shop := tracker.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		session, _ := footfall.FromContext(r.Context())
		kept <- footfall.Visit{SessionID: session.SessionID, VisitorID: session.VisitorID, CustomerID: session.CustomerID}
	}))
	webhook := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { // not under tracker.Handler
		visit := <-kept
		order, before, err := tracker.PlaceOrderFor(r.Context(), visit, footfall.OrderInput{
			ID: "2026-0001", Total: footfall.Money{Amount: 1999, Currency: "EUR"},
		})
		fmt.Println(order.SessionID == visit.SessionID, before, err)
		_, _, err = tracker.PlaceOrderFor(r.Context(), visit, footfall.OrderInput{
			ID: "2026-0001", Total: footfall.Money{Amount: 2999, Currency: "EUR"},
		})
		fmt.Println(errors.Is(err, footfall.ErrConflict))
	})

	visit(shop, "POST", "/payments")
	visit(webhook, "POST", "/webhook")
	// Output:
	// true false <nil>
	// true
}

// A session keeps small things: a cart's id, a currency.
func ExampleTracker_SetValue() {
	tracker, done := exampleTracker()
	defer done()
	shop := tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var cart []string
		if _, err := tracker.Value(r.Context(), "cart", &cart); err != nil {
			fmt.Println(err)
		}
		cart = append(cart, r.URL.Path)
		fmt.Println(cart, tracker.SetValue(r.Context(), "cart", cart))
	}))

	first := visit(shop, "POST", "/a")
	visit(shop, "POST", "/b", first.Cookies()...)
	// Output:
	// [/a] <nil>
	// [/a /b] <nil>
}

// After a change of password the customer's other sessions end.
func ExampleTracker_EndOtherSessions() {
	tracker, done := exampleTracker()
	defer done()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if err := tracker.Login(r.Context(), "customer-17", time.Now()); err != nil {
			fmt.Println(err)
		}
	})
	mux.HandleFunc("POST /password", func(w http.ResponseWriter, r *http.Request) {
		if err := tracker.EndOtherSessions(r.Context()); err != nil {
			fmt.Println(err)
		}
	})
	mux.Handle("GET /account", tracker.RequireCustomer(stage.Page))
	shop := tracker.Handler(mux)

	phone, laptop := visit(shop, "POST", "/login"), visit(shop, "POST", "/login")
	changed := visit(shop, "POST", "/password", laptop.Cookies()...)
	fmt.Println("phone ", visit(shop, "GET", "/account", phone.Cookies()...).Status)
	fmt.Println("laptop", visit(shop, "GET", "/account", changed.Cookies()...).Status)
	// Output:
	// phone  401 Unauthorized
	// laptop 200 OK
}
