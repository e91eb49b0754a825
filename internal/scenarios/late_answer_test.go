package scenarios_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// returning is a router whose handlers return errors. The tracker is middleware of it,
// and the error page is written when everything inside has returned: to the writer
// that the tracker handed on, or past it.
func returning(s *stage.Stage, past bool, inner func(w http.ResponseWriter, r *http.Request) error, page func(http.ResponseWriter)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		writer := w
		s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !past {
				writer = w
			}
			err = inner(w, r)
		})).ServeHTTP(w, r)
		if err != nil {
			page(writer)
		}
	})
}

var errNoPage = errors.New("no such page")

// An answer ends when its request does, not when the handler inside has returned: the
// error page that comes then is no page view and begins no session.
func TestLateAnswer_AnErrorPageIsNoVisit(t *testing.T) {
	t.Parallel()
	fail := func(http.ResponseWriter, *http.Request) error { return errNoPage }
	for _, c := range []struct {
		name    string
		past    bool
		page    func(http.ResponseWriter)
		cookies string
	}{
		{"through the writer", false, func(w http.ResponseWriter) { http.Error(w, "no", http.StatusNotFound) }, ""},
		{"a status alone", false, func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, ""},
		{"past the writer", true, func(w http.ResponseWriter) { http.Error(w, "no", http.StatusNotFound) }, "session visitor_id"},
	} {
		s := stage.New(t, nil)
		server := httptest.NewServer(returning(s, c.past, fail, c.page))
		resp := get(t, server, nil)
		if resp.StatusCode < 400 {
			t.Fatalf("%s: the error page is answered %d", c.name, resp.StatusCode)
		}
		if got := cookieNames(resp); got != c.cookies {
			t.Errorf("%s: the error page of a first visit sets the cookies %q, want %q", c.name, got, c.cookies)
		}
		if c.cookies == "" && resp.Header.Get("Cache-Control")+resp.Header.Get("Vary") != "" {
			t.Errorf("%s: what the cookies needed stayed in the header: Cache-Control %q, Vary %q", c.name, resp.Header.Get("Cache-Control"), resp.Header.Get("Vary"))
		}
		server.Close()
		s.Settle()
		if n := s.Count("sessions_begun"); n != 0 {
			t.Errorf("%s: the error page is counted as the beginning of %d sessions", c.name, n)
		}
		if n := s.Count("answers_unseen"); (n == 1) != c.past {
			t.Errorf("%s: answers_unseen is %d", c.name, n)
		}
	}
}

// Whoever was known before stays so, and an error page is no view of theirs.
func TestLateAnswer_OfAKnownVisitor(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	server := httptest.NewServer(returning(s, false, func(http.ResponseWriter, *http.Request) error { return errNoPage }, func(w http.ResponseWriter) { http.NotFound(w, nil) }))
	get(t, server, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "session", Value: b.Cookie("session")}) })
	server.Close()
	if n := s.Stored(id).PageViews; n != 1 {
		t.Errorf("%d page views, want 1: the second was an error page", n)
	}
}

// Middleware further out may end the context that it gave to the tracker, one with a
// timeout say, before the error page is written.
func TestLateAnswer_TheContextMayEndBefore(t *testing.T) {
	t.Parallel()
	for name, derive := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"of a timeout": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		},
		"with an end": context.WithCancel,
	} {
		for _, past := range []bool{false, true} {
			s := stage.New(t, nil)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := derive(r.Context())
				writer := w
				s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if !past {
						writer = w
					}
				})).ServeHTTP(w, r.WithContext(ctx))
				cancel()
				time.Sleep(20 * time.Millisecond)
				writer.Header().Set("X-Page", "error") // reading the header beside this would be a race
				http.Error(writer, "no", http.StatusInternalServerError)
			}))
			resp := get(t, server, nil)
			server.Close()
			s.Settle()
			if got := cookieNames(resp); !past && (got != "" || s.Count("sessions_begun") != 0) {
				t.Errorf("under a context %s, the error page of a first visit sets the cookies %q and begins %d sessions", name, got, s.Count("sessions_begun"))
			}
		}
	}
}

// An answer without a body has the type that its handler named.
func TestLateAnswer_NothingHasAType(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := serveReal(t, s, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "image/gif") })
	if got := cookieNames(get(t, server, nil)); got != "" {
		t.Errorf("an empty picture sets the cookies %q", got)
	}
	server.Close()
	time.Sleep(50 * time.Millisecond) // what ends with the request ends beside it
	s.Settle()
	if n := s.Count("sessions_begun"); n != 0 {
		t.Errorf("an empty picture begins %d sessions", n)
	}
}

// The shop's own rule may panic: behind the request's end too that costs one page view,
// and not the process.
func TestLateAnswer_ARuleThatPanics(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	s := stage.New(t, func(c *footfall.Config) {
		c.IsPageView = func(r *http.Request, status int, contentType string) bool {
			if asked.Add(1) == 2 {
				panic("a rule that panics when it is asked again")
			}
			return footfall.IsPageView(r, status, contentType)
		}
	})
	server := serveReal(t, s, func(http.ResponseWriter, *http.Request) {})
	get(t, server, nil)
	stage.Soon(t, 5*time.Second, "the answer is counted as unseen", func() bool { return s.Count("answers_unseen") == 1 })
	get(t, server, nil)
	stage.Soon(t, 5*time.Second, "the next visit has begun a session", func() bool { return s.Count("sessions_begun") == 1 })
}

// An answer of nothing under such a context is a page view a moment later.
func TestLateAnswer_NothingUnderAContextOfAnothers(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
		defer cancel()
		s.Tracker.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r.WithContext(ctx))
	}))
	defer server.Close()
	if got := cookieNames(get(t, server, nil)); got != "session visitor_id" {
		t.Errorf("an empty answer sets the cookies %q", got)
	}
	stage.Soon(t, 10*time.Second, "the visit has begun a session", func() bool { return s.Count("sessions_begun") == 1 })
}

// A login counts, whatever the framework answers afterwards.
func TestLateAnswer_ALoginKeepsItsCookie(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	login := func(_ http.ResponseWriter, r *http.Request) error {
		return errors.Join(errNoPage, s.Tracker.Login(r.Context(), "alice", time.Now()))
	}
	server := httptest.NewServer(returning(s, false, login, func(w http.ResponseWriter) { http.Error(w, "no", 500) }))
	defer server.Close()
	if got := cookieNames(get(t, server, nil)); got != "session visitor_id" {
		t.Errorf("an error page behind a login sets the cookies %q: the login has happened", got)
	}
}

// A handler that writes nothing answers 200, which counts once the request has ended,
// and for the next request at the latest.
func TestLateAnswer_NothingIsAnAnswerToo(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := serveReal(t, s, func(http.ResponseWriter, *http.Request) {})
	first := get(t, server, nil)
	if got := cookieNames(first); got != "session visitor_id" {
		t.Fatalf("an empty answer sets the cookies %q", got)
	}
	for range 20 {
		resp := get(t, server, func(r *http.Request) {
			for _, c := range first.Cookies() {
				r.AddCookie(c)
			}
		})
		if got := cookieNames(resp); got != "" {
			t.Fatalf("the session of an empty answer is not known to the next request: it sets %q", got)
		}
	}
	server.Close()
	s.Tracker.Status(t.Context())
	b := stage.NewBrowser(t, s.Site())
	for _, c := range first.Cookies() {
		if c.Name == "session" {
			b = b.With(c.Value)
		}
	}
	id := stage.SessionOf(t, b)
	stage.Soon(t, 5*time.Second, "21 views are stored", func() bool { return s.Stored(id).PageViews == 21 })
}

// A tracker that is closed when the last empty answer has just gone out has its view.
func TestLateAnswer_CloseWaitsForNoneThatHasEnded(t *testing.T) {
	s := stage.New(t, nil)
	server := serveReal(t, s, func(http.ResponseWriter, *http.Request) {})
	get(t, server, nil)
	server.Close()
	s.Stop()
	s.Start()
	if n, err := s.SQLite.SessionsBegun(t.Context(), time.Time{}); n != 1 || err != nil {
		t.Errorf("after the end %d sessions are stored (error %v), want the one whose answer was empty", n, err)
	}
}

// Reading what the answer is must not race with who writes it.
func TestLateAnswer_BesideOtherRequests(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := httptest.NewServer(returning(s, false, func(w http.ResponseWriter, r *http.Request) error {
		if _, ok := footfall.FromContext(r.Context()); !ok {
			return errNoPage
		}
		if r.URL.Query().Has("page") {
			_, err := io.WriteString(w, "a page")
			return err
		}
		return nil
	}, func(w http.ResponseWriter) { http.Error(w, "no", 404) }))
	defer server.Close()
	done := make(chan struct{})
	for range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 20 {
				get(t, server, nil)
			}
		}()
	}
	for range 8 {
		<-done
	}
	s.Settle()
	stage.Soon(t, 5*time.Second, "each of 160 visits is a session", func() bool { return s.Count("sessions_begun") == 160 })
}
