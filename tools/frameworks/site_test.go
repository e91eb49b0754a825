package frameworks

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// A site is what a framework's routes are made of.
type site struct {
	*footfall.Tracker
	handler func(http.Handler) http.Handler // Tracker.Handler, or nothing for comparison
	cleanup func(func())                    // of what a setup starts
}

// bare is a site without a tracker around its answers.
func bare() site { return site{handler: func(h http.Handler) http.Handler { return h }} }

// login is what a shop does after the password check; it returns what to answer.
func (s site) login(ctx context.Context) string {
	return text(s.Login(ctx, "customer-17", time.Now()))
}

func (s site) track(ctx context.Context) string {
	return text(s.Track(ctx, footfall.EventInput{Type: footfall.EventAddToCart, ProductID: "17"}))
}

func (s site) whoami(ctx context.Context) string {
	customer, err := s.Customer(ctx)
	if err != nil {
		return err.Error()
	}
	return "customer: " + customer
}

func (s site) session(ctx context.Context) string {
	if session, ok := footfall.FromContext(ctx); ok {
		return session.SessionID
	}
	return "none"
}

func text(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// A setup is a way to put the tracker and a framework together. It has either a handler or,
// if the framework has a server of its own, a listener. Both answer:
//
//	GET /page             a page
//	GET /empty            nothing, without an error
//	GET /missing /broken  what the framework answers to an error of a handler: 404, 500
//	GET /panic            what the framework's recovery answers: 500
//	GET /nowhere          not a route: 404
//	GET /mounted/page     a page of a router, group or app within
//	POST /login /event, GET /whoami /session   what the tracker says in a handler
//	GET /account          for customers alone; GET /quiet is not counted
//	GET /probe/{what}     see probe
type setup struct {
	name    string
	handler func(s site) http.Handler
	listen  func(s site, ln net.Listener) (stop func() error)
	// noContext: the framework's handlers get no context of the request.
	noContext bool
}

func setups() []setup {
	return slices.Concat(routerSetups(), ginSetups(), echoSetups(), fiberSetups())
}

// A shop is a setup that serves.
type shop struct {
	t       *testing.T
	stage   *stage.Stage
	url     string
	client  *http.Client // without cookies
	running sync.WaitGroup
	db      *sql.DB
}

// open serves a setup under a new tracker.
func (su setup) open(t *testing.T) *shop {
	t.Helper()
	st := stage.New(t, nil)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(st.Dir, "footfall.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	sh := su.serve(t, site{Tracker: st.Tracker, handler: st.Tracker.Handler}, false)
	sh.stage, sh.db = st, db
	return sh
}

func (su setup) serve(t *testing.T, s site, http2 bool) *shop {
	t.Helper()
	sh := &shop{t: t}
	s.cleanup = t.Cleanup
	if su.listen != nil {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		stop := su.listen(s, ln)
		sh.url, sh.client = "http://"+ln.Addr().String(), &http.Client{Transport: &http.Transport{}}
		t.Cleanup(func() {
			sh.client.CloseIdleConnections()
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
		return sh
	}
	h := su.handler(s)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sh.running.Add(1)
		defer sh.running.Done()
		h.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = quiet
	if server.EnableHTTP2 = http2; http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	sh.url, sh.client = server.URL, server.Client()
	return sh
}

// A visitor has a browser that keeps cookies.
type visitor struct {
	*shop
	client http.Client
	agent  string // User-Agent
}

func (sh *shop) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		sh.t.Fatal(err)
	}
	v := &visitor{sh, *sh.client, stage.Firefox}
	v.client.Jar, v.client.Timeout = jar, 10*time.Second
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return v
}

// An answer is what a visitor sees.
type answer struct {
	status int
	text   string
	header http.Header
}

// sets reports which cookies an answer sets.
func (a answer) sets() (names []string) {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		names = append(names, c.Name)
	}
	return names
}

func (v *visitor) do(method, path string) answer {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("User-Agent", v.agent)
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, strings.TrimSpace(string(b)), resp.Header}
}

func (v *visitor) get(path string) answer  { v.t.Helper(); return v.do("GET", path) }
func (v *visitor) post(path string) answer { v.t.Helper(); return v.do("POST", path) }

// counted is what the archive has.
type counted struct{ sessions, views int }

// counts waits until every request has ended and the archive has everything.
func (sh *shop) counts() (c counted) {
	sh.t.Helper()
	sh.running.Wait()
	time.Sleep(20 * time.Millisecond) // what runs after a handler has returned
	sh.stage.Settle()
	row := sh.db.QueryRow(`select (select count(*) from sessions), (select count(*) from session_events where event_type = 'page_view')`)
	if err := row.Scan(&c.sessions, &c.views); err != nil {
		sh.t.Fatal(err)
	}
	return c
}

// wants fails the test unless the archive has what it should have, at once or soon.
func (sh *shop) wants(rule string, want counted) {
	sh.t.Helper()
	var got counted
	for range 20 {
		if got = sh.counts(); got == want {
			return
		}
	}
	sh.t.Errorf("%s: the archive has %d sessions and %d page views, want %d and %d", rule, got.sessions, got.views, want.sessions, want.views)
}

// pages is what the archive has of each page: sessions that landed on it, and its page views.
func (sh *shop) pages() map[string]counted {
	sh.t.Helper()
	sh.counts()
	rows, err := sh.db.Query(`select landing_page, count(*), 0 from sessions group by 1 union all
		select page, 0, count(*) from session_events where event_type = 'page_view' group by 1`)
	if err != nil {
		sh.t.Fatal(err)
	}
	defer rows.Close()
	pages := map[string]counted{}
	for rows.Next() {
		var page string
		var n counted
		if err := rows.Scan(&page, &n.sessions, &n.views); err != nil {
			sh.t.Fatal(err)
		}
		pages[page] = counted{pages[page].sessions + n.sessions, pages[page].views + n.views}
	}
	if err := rows.Err(); err != nil {
		sh.t.Fatal(err)
	}
	return pages
}

// held is the visitor's session as the process holds it.
func (v *visitor) held() (session footfall.Session) {
	v.t.Helper()
	r := httptest.NewRequestWithContext(v.t.Context(), "GET", v.url+"/held", nil)
	r.Header.Set("User-Agent", v.agent)
	for _, c := range v.client.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	ok := false
	v.stage.Tracker.Optional(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		session, ok = footfall.FromContext(r.Context())
	})).ServeHTTP(httptest.NewRecorder(), r)
	if !ok {
		v.t.Fatal("the visitor has no session")
	}
	return session
}
