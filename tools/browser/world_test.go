package browser

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// A world is one test's: a shop under a tracker, another site that the shop has nothing
// to do with, and a record of what the browser sent to the shop.
type world struct {
	t      *testing.T
	stage  *stage.Stage
	number int64
	shop   string         // where the shop is: https://shop-1.example
	bank   string         // where the other site is
	pages  *http.ServeMux // of the other site
	routes *http.ServeMux // of the shop, under the tracker
	static *http.ServeMux // of the shop, beside the tracker
	db     *sql.DB

	mu  sync.Mutex
	log []*exchange
}

// An exchange is a request that reached the shop, and the answer.
type exchange struct {
	*http.Request
	status int
	sets   []string // the names of the cookies that the answer sets
}

var worlds atomic.Int64

// newWorld makes a shop that speaks HTTPS.
func newWorld(t *testing.T) *world { return newWorldOn(t, "https", ".example") }

func newWorldOn(t *testing.T, scheme, domain string) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, number: worlds.Add(1), pages: http.NewServeMux(), routes: http.NewServeMux(), static: http.NewServeMux()}
	w.stage = stage.New(t, func(c *footfall.Config) { c.Insecure = scheme == "http" })
	var err error
	if w.db, err = sql.Open("sqlite", "file:"+filepath.Join(w.stage.Dir, "footfall.db")+"?mode=ro&_pragma=busy_timeout(5000)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.db.Close() })
	w.shop, w.bank = fmt.Sprintf("%s://shop-%d%s", scheme, w.number, domain), fmt.Sprintf("%s://bank-%d%s", scheme, w.number, domain)
	w.shopRoutes()
	w.static.Handle("/", w.stage.Tracker.Handler(w.routes))
	w.site(w.shop, w.record(w.static))
	w.site(w.bank, w.pages)
	t.Cleanup(w.report)
	return w
}

// site puts a handler at an origin until the test ends.
func (w *world) site(origin string, site http.Handler) {
	_, host, _ := strings.Cut(origin, "://")
	web.set(host, site)
	w.t.Cleanup(func() { web.set(host, nil) })
}

// record notes what passes. The browser gets an address of its own, which no proxy
// stands at.
func (w *world) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			http.NotFound(rw, r)
			return
		}
		r.RemoteAddr = fmt.Sprintf("203.0.113.%d:4711", 1+w.number%250)
		e := &exchange{Request: r.Clone(context.Background()), status: http.StatusOK}
		next.ServeHTTP(&recorder{rw, e}, r)
		for _, c := range rw.Header()["Set-Cookie"] {
			name, _, _ := strings.Cut(c, "=")
			e.sets = append(e.sets, name)
		}
		w.mu.Lock()
		w.log = append(w.log, e)
		w.mu.Unlock()
	})
}

type recorder struct {
	http.ResponseWriter
	e *exchange
}

func (r *recorder) WriteHeader(status int) {
	r.e.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// String is the exchange in one line: what decides how it is counted.
func (e *exchange) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%s", e.Method, e.Host, e.RequestURI)
	for _, name := range slices.Sorted(maps.Keys(e.Header)) {
		switch {
		case name == "Sec-Fetch-User":
		case strings.HasPrefix(name, "Sec-Fetch-"), slices.Contains([]string{"Sec-Purpose", "Purpose", "Origin", "Referer", "Cache-Control", "If-None-Match"}, name):
			fmt.Fprintf(&b, " [%s: %s]", strings.TrimPrefix(name, "Sec-Fetch-"), e.Header.Get(name))
		}
	}
	fmt.Fprintf(&b, " cookies %v: answered %d, sets %v", e.cookies(), e.status, e.sets)
	return b.String()
}

func (e *exchange) cookies() (names []string) {
	for _, c := range e.Cookies() {
		names = append(names, c.Name)
	}
	return names
}

// report shows what passed, if the test failed.
func (w *world) report() {
	if !w.t.Failed() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.log {
		w.t.Log(e)
	}
}

// sent waits for the nth request of a method and path, from 1.
func (w *world) sent(method, path string, nth int) *exchange {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if all := w.all(method, path); len(all) >= nth {
			return all[nth-1]
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the browser did not send %s %s for the %d. time", method, path, nth)
		}
	}
}

// all are the requests of a method and path so far.
func (w *world) all(method, path string) (found []*exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.log {
		if e.Method == method && e.URL.Path == path {
			found = append(found, e)
		}
	}
	return found
}

// A session is one as the archive has it.
type session struct {
	id, visitor, customer, referrer, landing string
	views                                    int
}

func (s session) String() string {
	return fmt.Sprintf("{%s… customer %q, from %q, landed on %q, %d views}", s.id[:18], s.customer, s.referrer, s.landing, s.views)
}

// sessions are all that the archive holds, oldest first.
func (w *world) sessions() (all []session) {
	w.t.Helper()
	w.stage.Settle()
	rows, err := w.db.QueryContext(w.t.Context(), `SELECT session_id, visitor_id, ifnull(customer_id, ''), ifnull(referrer, ''), ifnull(landing_page, ''), page_views FROM sessions ORDER BY started_at, session_id`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s session
		if err := rows.Scan(&s.id, &s.visitor, &s.customer, &s.referrer, &s.landing, &s.views); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// views are the pages of all page views, in their order.
func (w *world) views() (pages []string) {
	w.t.Helper()
	w.stage.Settle()
	rows, err := w.db.QueryContext(w.t.Context(), `SELECT page FROM session_events WHERE event_type = 'page_view' ORDER BY created_at, event_id`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var page string
		if err := rows.Scan(&page); err != nil {
			w.t.Fatal(err)
		}
		pages = append(pages, page)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return pages
}

// wantViews fails the test unless just these pages were counted, in any order.
func (w *world) wantViews(rule string, want ...string) {
	w.t.Helper()
	got := w.views()
	sorted := slices.Sorted(slices.Values(got))
	if slices.Sort(want); !slices.Equal(sorted, want) {
		w.t.Errorf("%s: page views of %v were counted, not of %v", rule, got, want)
	}
}

// wantSessions fails the test unless the archive holds so many sessions.
func (w *world) wantSessions(rule string, want int) {
	w.t.Helper()
	if got := w.sessions(); len(got) != want {
		w.t.Errorf("%s: there are %d sessions, not %d: %v", rule, len(got), want, got)
	}
}
