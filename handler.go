package footfall

import (
	"io"
	"net/http"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/request"
)

// Handler returns middleware around next that recognises the visitor, begins a
// session if there is none, and records the page view. Inside of another
// Handler, Uncounted, Optional or RequireCustomer of the same tracker the stricter of
// the two applies, and nothing is counted twice.
//
// The response writer that next sees can flush, hijack, push and so on if the one
// underneath can. Cookies are sent with the first byte.
func (t *Tracker) Handler(next http.Handler) http.Handler {
	return t.middleware(next, request.Tracked)
}

// Uncounted is Handler for routes that are no page: they begin and extend the
// session but count nothing.
func (t *Tracker) Uncounted(next http.Handler) http.Handler {
	return t.middleware(next, request.Uncounted)
}

// Optional returns middleware around next that recognises the visitor and does
// nothing else: it begins no session, extends none and counts nothing.
func (t *Tracker) Optional(next http.Handler) http.Handler {
	return t.middleware(next, request.Untouched)
}

func (t *Tracker) middleware(next http.Handler, mode request.Mode) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.requests.Serve(w, r, mode, next) })
}

// RequireCustomer returns middleware around next that lets customers through,
// answers 401 to everybody else, and 503 when it cannot know. It reads the
// session anew for each request, so that a logout elsewhere counts at once. It
// tracks like Handler.
func (t *Tracker) RequireCustomer(next http.Handler) http.Handler {
	return t.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch customer, err := t.Customer(r.Context()); {
		case err != nil:
			w.Header().Set("Retry-After", "1")
			answer(w, http.StatusServiceUnavailable, `{"success":false,"error":"Service unavailable","message":"Please try again in a moment"}`)
		case customer == "":
			answer(w, http.StatusUnauthorized, `{"success":false,"error":"Authentication required","message":"Please log in to continue"}`)
		default:
			cookie.KeepPrivate(w.Header()) // the handler may let the customer's browser keep it
			request.From(r.Context()).KeepPersonal()
			next.ServeHTTP(w, r)
		}
	}))
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// IsPageView is what counts as a page view unless Config.IsPageView says
// otherwise: a whole document, or data, that a person asked for with GET and that was
// answered 200 (or another 2xx with content, or 304). So no part of a document (206), no
// event stream, no prefetch, no medium and no asset of a page: what these are, the
// answer's Content-Type says first, and the path's ending second.
func IsPageView(r *http.Request, status int, contentType string) bool {
	return enrich.IsPageView(r, status, contentType)
}
