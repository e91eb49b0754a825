package footfall_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

const (
	testSecret = "8rN3sPq0vXy2LwKcTz5uHb7mJd1eGf4a"
	firefox    = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// A stage is a tracker on real stores in a directory of the test's own.
type stage struct {
	begin   func(footfall.Config) (*footfall.Tracker, error) // footfall.New, or that with a faulty disk
	t       testing.TB
	dir     string
	config  footfall.Config
	hot     *faultyHot // outlives the tracker if it is there already, as Redis does
	archive *faultyArchive
	sqlite  *sqlitearchive.Archive
	tracker *footfall.Tracker
}

// newStage starts a tracker; edit may change its configuration.
func newStage(t testing.TB, edit func(*footfall.Config)) *stage {
	t.Helper()
	return newStageOn(t, footfall.New, edit)
}

// onDisk is footfall.New with a journal on a disk of the test's own.
func onDisk(d *disk) func(footfall.Config) (*footfall.Tracker, error) {
	return func(c footfall.Config) (*footfall.Tracker, error) { return footfall.NewWithJournalFault(c, d.write) }
}

func newStageOn(t testing.TB, begin func(footfall.Config) (*footfall.Tracker, error), edit func(*footfall.Config)) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir(), begin: begin}
	s.config = footfall.Config{
		Secrets: []string{testSecret}, JournalDir: filepath.Join(s.dir, "journal"), JournalSync: footfall.SyncNever,
		Insecure: true, DisableJobs: true, Logger: slog.New(slog.DiscardHandler),
		StoreTimeout: time.Second, // the machine may be busy; what a budget does is tested apart
	}
	if edit != nil {
		edit(&s.config)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *stage) start() {
	s.t.Helper()
	var err error
	if s.sqlite, err = sqlitearchive.Open(filepath.Join(s.dir, "footfall.db"), sqlitearchive.Options{}); err != nil {
		s.t.Fatal(err)
	}
	s.archive = &faultyArchive{Archive: s.sqlite}
	if s.hot == nil {
		s.hot = &faultyHot{HotStore: memstore.New(0)}
	}
	c := s.config
	c.Hot, c.Archive = s.hot, s.archive
	if s.tracker, err = s.begin(c); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) stop() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.tracker.Close(ctx); err != nil {
		s.t.Error(err)
	}
	if err := s.archive.Close(); err != nil {
		s.t.Error(err)
	}
}

// restart ends the process's tracker and begins another on the same directory:
// what was in memory is gone.
func (s *stage) restart() {
	s.t.Helper()
	s.stop()
	s.hot = nil
	s.start()
}

// settle waits until the archive holds everything.
func (s *stage) settle() {
	s.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for s.tracker.Status(context.Background()).JournalPending > 0 {
		if time.Now().After(deadline) {
			s.t.Fatal("the archive did not take what the journal holds within 10 s")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// stored reads a session back from the archive.
func (s *stage) stored(id string) store.Record {
	s.t.Helper()
	s.settle()
	rec, ok, err := s.archive.Session(context.Background(), id)
	if err != nil || !ok {
		s.t.Fatalf("session %s is not in the archive (error %v)", id, err)
	}
	return rec
}

// count reads a counter of the tracker's status.
func (s *stage) count(name string) uint64 {
	s.t.Helper()
	n, ok := s.tracker.Status(context.Background()).Counts[name]
	if !ok {
		s.t.Fatalf("there is no counter %q", name)
	}
	return n
}

// A browser keeps cookies, as a visitor's does.
type browser struct {
	t       testing.TB
	handler http.Handler
	jar     http.CookieJar
	header  http.Header
	addr    string
}

const origin = "http://shop.example"

func newBrowser(t testing.TB, h http.Handler) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, handler: h, jar: jar, header: http.Header{"User-Agent": {firefox}}, addr: "203.0.113.7:4711"}
}

// request makes a request with the browser's cookies.
func (b *browser) request(method, target string, body ...string) *http.Request {
	r := httptest.NewRequest(method, origin+target, strings.NewReader(strings.Join(body, "")))
	r.RemoteAddr = b.addr
	for name, values := range b.header {
		r.Header[name] = values
	}
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return r
}

// do makes a request and keeps the answer's cookies.
func (b *browser) do(method, target string, body ...string) *http.Response {
	return b.send(b.request(method, target, body...))
}

func (b *browser) send(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	resp := w.Result()
	b.jar.SetCookies(r.URL, resp.Cookies())
	return resp
}

// cookie is the value of a cookie as the browser holds it, "" if it does not.
func (b *browser) cookie(name string) string {
	for _, c := range b.jar.Cookies(httptest.NewRequest("GET", origin+"/", nil).URL) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// with is a browser of the same kind that holds one session cookie and nothing
// else: somebody who got hold of it.
func (b *browser) with(session string) *browser {
	other := newBrowser(b.t, b.handler)
	other.jar.SetCookies(httptest.NewRequest("GET", origin+"/", nil).URL, []*http.Cookie{{Name: "session", Value: session, Path: "/"}})
	return other
}

func text(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// site is a small shop on a stage: each path does one thing.
func (s *stage) site() http.Handler {
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
		reply(w, s.tracker.Login(r.Context(), r.PathValue("customer"), time.Now()))
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { reply(w, s.tracker.Logout(r.Context())) })
	mux.HandleFunc("POST /others", func(w http.ResponseWriter, r *http.Request) { reply(w, s.tracker.EndOtherSessions(r.Context())) })
	mux.HandleFunc("POST /event/{type}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, s.tracker.Track(r.Context(), footfall.EventInput{Type: r.PathValue("type"), ProductID: r.FormValue("product")}))
	})
	mux.HandleFunc("POST /order/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, _, err := s.tracker.PlaceOrder(r.Context(), footfall.OrderInput{ID: r.PathValue("id"), Total: footfall.Money{Amount: 1999, Currency: "EUR"}})
		reply(w, err)
	})
	mux.HandleFunc("POST /value/{key}/{value}", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("lasting") {
			reply(w, s.tracker.SetValue(r.Context(), r.PathValue("key"), r.PathValue("value"), footfall.Lasting))
			return
		}
		reply(w, s.tracker.SetValue(r.Context(), r.PathValue("key"), r.PathValue("value")))
	})
	mux.HandleFunc("GET /value/{key}", func(w http.ResponseWriter, r *http.Request) {
		var value string
		if _, err := s.tracker.Value(r.Context(), r.PathValue("key"), &value); err != nil {
			reply(w, err)
			return
		}
		_, _ = io.WriteString(w, value)
	})
	mux.Handle("GET /me", s.tracker.Uncounted(s.tracker.RequireCustomer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := footfall.FromContext(r.Context())
		_, _ = io.WriteString(w, session.SessionID+" "+session.CustomerID)
	}))))
	mux.Handle("GET /peek", s.tracker.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, ok := footfall.FromContext(r.Context())
		if !ok {
			_, _ = io.WriteString(w, "none")
			return
		}
		_, _ = io.WriteString(w, session.SessionID+" "+session.CustomerID)
	})))
	return s.tracker.Handler(mux)
}
