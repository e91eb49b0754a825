package frameworks

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/mux"
	"github.com/julienschmidt/httprouter"
)

var quiet = log.New(io.Discard, "", 0)

// routes are those of a router whose handlers are net/http's.
func (s site) routes() map[string]http.HandlerFunc {
	say := func(what func(r *http.Request) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, what(r)) }
	}
	page := say(func(*http.Request) string { return "a page" })
	return map[string]http.HandlerFunc{
		"GET /page":            page,
		"GET /empty":           func(http.ResponseWriter, *http.Request) {},
		"GET /missing":         http.NotFound,
		"GET /broken":          func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", 500) },
		"GET /panic":           func(http.ResponseWriter, *http.Request) { panic("a handler's mistake") },
		"POST /login":          say(func(r *http.Request) string { return s.login(r.Context()) }),
		"POST /login-and-fail": func(w http.ResponseWriter, r *http.Request) { s.login(r.Context()); http.Error(w, "broken", 500) },
		"POST /event":          say(func(r *http.Request) string { return s.track(r.Context()) }),
		"GET /whoami":          say(func(r *http.Request) string { return s.whoami(r.Context()) }),
		"GET /session":         say(func(r *http.Request) string { return s.session(r.Context()) }),
		"GET /account":         func(w http.ResponseWriter, r *http.Request) { s.RequireCustomer(page).ServeHTTP(w, r) },
		"GET /quiet":           func(w http.ResponseWriter, r *http.Request) { s.Uncounted(page).ServeHTTP(w, r) },
		"GET /probe":           func(w http.ResponseWriter, r *http.Request) { probe(w, r) },
	}
}

// recovered stands for the recovery middleware of a shop whose router has none.
func recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				http.Error(w, "broken", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// logged stands for the many middlewares that remember an answer's status: their writers have
// nothing but Unwrap beside.
func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(&statusWriter{w, 200}, r) })
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func routerSetups() []setup {
	return []setup{
		{name: "net/http", handler: func(s site) http.Handler { return s.handler(recovered(stdMux(s))) }},
		{name: "net/http, recovery outside", handler: func(s site) http.Handler { return recovered(s.handler(stdMux(s))) }},
		{name: "net/http, a logging writer outside", handler: func(s site) http.Handler { return logged(s.handler(recovered(stdMux(s)))) }},
		{name: "net/http, a logging writer inside", handler: func(s site) http.Handler { return s.handler(logged(recovered(stdMux(s)))) }},
		{name: "chi Use", handler: func(s site) http.Handler { return chiRouter(s, middleware.Recoverer, s.handler) }},
		{name: "chi Use, recovery inside", handler: func(s site) http.Handler { return chiRouter(s, s.handler, middleware.Recoverer) }},
		{name: "chi outside", handler: func(s site) http.Handler { return s.handler(chiRouter(s, middleware.Recoverer)) }},
		{name: "chi Use, Compress inside", handler: func(s site) http.Handler {
			return chiRouter(s, middleware.Recoverer, s.handler, middleware.StripSlashes, middleware.Compress(5))
		}},
		{name: "chi Use, Logger and Compress outside", handler: func(s site) http.Handler {
			logger := middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: quiet})
			return chiRouter(s, logger, withoutLog, middleware.Recoverer, middleware.Compress(5), s.handler)
		}},
		{name: "a reverse proxy outside", noContext: true, handler: func(s site) http.Handler {
			return s.handler(reverseProxy(s))
		}},
		{name: "gorilla/mux outside", handler: func(s site) http.Handler { return s.handler(recovered(gorilla(s))) }},
		{name: "gorilla/mux Use", handler: func(s site) http.Handler {
			router := gorilla(s)
			router.Use(recovered, s.handler)
			return router
		}},
		{name: "httprouter outside", handler: func(s site) http.Handler { return s.handler(httpRouter(s)) }},
	}
}

func stdMux(s site) http.Handler {
	router, within := http.NewServeMux(), http.NewServeMux()
	for pattern, h := range s.routes() {
		router.HandleFunc(pattern, h)
		within.HandleFunc(pattern, h)
	}
	router.Handle("/mounted/", http.StripPrefix("/mounted", s.handler(within)))
	return router
}

func chiRouter(s site, use ...func(http.Handler) http.Handler) http.Handler {
	router, within := chi.NewRouter(), chi.NewRouter()
	router.Use(withoutLog)
	router.Use(use...)
	within.Use(s.handler) // in a router within the tracker counts nothing twice
	for pattern, h := range s.routes() {
		router.HandleFunc(pattern, h)
		within.HandleFunc(pattern, h)
	}
	router.Mount("/mounted", within)
	if s.Tracker != nil {
		router.With(s.RequireCustomer).Get("/account", s.routes()["GET /page"])
		router.With(s.Uncounted).Get("/quiet", s.routes()["GET /page"])
	}
	return router
}

// withoutLog keeps chi's Recoverer from printing.
func withoutLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, middleware.WithLogEntry(r, noLog{}))
	})
}

type noLog struct{}

func (noLog) Write(int, int, http.Header, time.Duration, any) {}
func (noLog) Panic(any, []byte)                               {}

// reverseProxy stands before a shop that knows nothing of the tracker.
func reverseProxy(s site) http.Handler {
	backend := httptest.NewServer(recovered(stdMux(site{handler: bare().handler})))
	s.cleanup(backend.Close)
	target, _ := url.Parse(backend.URL)
	return &httputil.ReverseProxy{ErrorLog: quiet, FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
}

func gorilla(s site) *mux.Router {
	router := mux.NewRouter()
	within := router.PathPrefix("/mounted").Subrouter()
	within.Use(s.handler)
	for pattern, h := range s.routes() {
		method, path := cut(pattern)
		router.HandleFunc(path, h).Methods(method)
		within.HandleFunc(path, h).Methods(method)
	}
	return router
}

func httpRouter(s site) http.Handler {
	router := httprouter.New()
	router.PanicHandler = func(w http.ResponseWriter, _ *http.Request, _ any) { http.Error(w, "broken", 500) }
	for pattern, h := range s.routes() {
		method, path := cut(pattern)
		router.Handler(method, path, h)
		router.Handler(method, "/mounted"+path, s.handler(h))
	}
	return router
}
