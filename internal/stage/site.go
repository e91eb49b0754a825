package stage

import (
	"io"
	"net/http"
	"time"

	"github.com/footfall-go/footfall"
)

// Page is a handler that answers with a page and does nothing else.
var Page = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") })

// Site is a small shop on a stage: each path does one thing.
func (s *Stage) Site() http.Handler {
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, err error) {
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, err.Error())
			return
		}
		_, _ = io.WriteString(w, "ok")
	}
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		session, ok := footfall.FromContext(r.Context())
		if !ok {
			_, _ = io.WriteString(w, "none")
			return
		}
		_, _ = io.WriteString(w, session.SessionID+" "+session.CustomerID)
	})
	mux.HandleFunc("GET /missing", http.NotFound)
	mux.HandleFunc("POST /login/{customer}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, s.Tracker.Login(r.Context(), r.PathValue("customer"), time.Now()))
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { reply(w, s.Tracker.Logout(r.Context())) })
	mux.HandleFunc("POST /others", func(w http.ResponseWriter, r *http.Request) { reply(w, s.Tracker.EndOtherSessions(r.Context())) })
	mux.HandleFunc("POST /event/{type}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, s.Tracker.Track(r.Context(), footfall.EventInput{Type: r.PathValue("type"), ProductID: r.FormValue("product")}))
	})
	mux.HandleFunc("POST /order/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, _, err := s.Tracker.PlaceOrder(r.Context(), footfall.OrderInput{ID: r.PathValue("id"), Total: footfall.Money{Amount: 1999, Currency: "EUR"}})
		reply(w, err)
	})
	mux.HandleFunc("POST /value/{key}/{value}", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("lasting") {
			reply(w, s.Tracker.SetValue(r.Context(), r.PathValue("key"), r.PathValue("value"), footfall.Lasting))
			return
		}
		reply(w, s.Tracker.SetValue(r.Context(), r.PathValue("key"), r.PathValue("value")))
	})
	mux.HandleFunc("GET /value/{key}", func(w http.ResponseWriter, r *http.Request) {
		var value string
		if _, err := s.Tracker.Value(r.Context(), r.PathValue("key"), &value); err != nil {
			reply(w, err)
			return
		}
		_, _ = io.WriteString(w, value)
	})
	mux.Handle("GET /me", s.Tracker.Uncounted(s.Tracker.RequireCustomer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := footfall.FromContext(r.Context())
		_, _ = io.WriteString(w, session.SessionID+" "+session.CustomerID)
	}))))
	mux.Handle("GET /peek", s.Tracker.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, ok := footfall.FromContext(r.Context())
		if !ok {
			_, _ = io.WriteString(w, "none")
			return
		}
		_, _ = io.WriteString(w, session.SessionID+" "+session.CustomerID)
	})))
	return s.Tracker.Handler(mux)
}
