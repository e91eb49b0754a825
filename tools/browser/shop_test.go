package browser

import (
	"io"
	"net/http"
	"time"

	"github.com/footfall-go/footfall"
)

// page answers with a document that has this in its body.
func page(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writePage(w, body) }
}

func writePage(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, `<!doctype html><link rel=icon href="data:,"><title>-</title><body>`+body+`</body>`)
}

// customer is who logs in.
const customer = "c-1"

// shopRoutes is the shop.
func (w *world) shopRoutes() {
	tracker := w.stage.Tracker
	must := func(rw http.ResponseWriter, err error) bool {
		if err != nil {
			http.Error(rw, err.Error(), http.StatusServiceUnavailable)
		}
		return err == nil
	}
	w.routes.HandleFunc("GET /{$}", page(`home
		<form id=loginform method=post action=/login><button id=login>log in</button></form>
		<a id=product href=/product/1>a product</a> <a id=cart href=/cart>the cart</a>`))
	w.routes.HandleFunc("GET /product/{id}", page(`a product <a id=product href=/product/2>another</a> <a id=home href=/>home</a>`))
	w.routes.HandleFunc("GET /thanks", page("thanks"))
	w.routes.HandleFunc("GET /pixel.png", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "image/png")
		_, _ = rw.Write(pixel)
	})
	w.routes.HandleFunc("GET /api/{name}", func(rw http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" {
			rw.Header().Set("Access-Control-Allow-Origin", origin)
			rw.Header().Set("Access-Control-Allow-Credentials", "true")
		}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `"some data"`)
	})
	w.routes.HandleFunc("POST /login", func(rw http.ResponseWriter, r *http.Request) {
		if must(rw, tracker.Login(r.Context(), customer, time.Now())) {
			http.Redirect(rw, r, "/", http.StatusSeeOther)
		}
	})
	w.routes.Handle("GET /account", tracker.Uncounted(tracker.RequireCustomer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, _ := footfall.FromContext(r.Context())
		_, _ = io.WriteString(rw, s.SessionID+" "+s.VisitorID+" "+s.CustomerID)
	}))))
	w.routes.HandleFunc("POST /cart", func(rw http.ResponseWriter, r *http.Request) {
		if must(rw, tracker.SetValue(r.Context(), "cart", "two shirts")) && must(rw, tracker.Track(r.Context(), footfall.EventInput{Type: footfall.EventAddToCart, ProductID: "1"})) {
			_, _ = io.WriteString(rw, "ok")
		}
	})
	w.routes.Handle("GET /cart", tracker.Uncounted(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var cart string
		if _, err := tracker.Value(r.Context(), "cart", &cart); must(rw, err) {
			_, _ = io.WriteString(rw, cart)
		}
	})))
}

// pixel is a PNG of one pixel.
var pixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82")
