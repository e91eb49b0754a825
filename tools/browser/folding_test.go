package browser

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/stage"
)

// patienceToFold is how long a tracker may take to fold what began in parallel.
const patienceToFold = 20 * time.Second

const six = `Promise.all([1, 2, 3, 4, 5, 6].map(n => fetch("/six/" + n).then(r => r.text()))).then(() => "done")`

// sixRoutes has the shop answer six requests when it has all of them, so that none can
// bring a cookie that another one's answer has set.
func (w *world) sixRoutes() {
	var all sync.WaitGroup
	all.Add(6)
	w.routes.HandleFunc("GET /six/{n}", func(rw http.ResponseWriter, r *http.Request) {
		all.Done()
		all.Wait()
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `"data"`)
	})
}

var sixViews = []string{"/six/1", "/six/2", "/six/3", "/six/4", "/six/5", "/six/6"}

// An app whose page comes from where no tracker is.
func TestFolding_SixFirstFetchesAreOneSession(t *testing.T) {
	w := newWorld(t)
	w.sixRoutes()
	w.static.HandleFunc("GET /app", page("an app"))
	b := w.newTab()
	b.open(w.shop + "/app")
	b.eval(six)
	for _, path := range sixViews {
		if e := w.sent("GET", path, 1); len(e.cookies()) != 0 {
			t.Errorf("this test is about requests without cookies: %v", e)
		}
	}
	b.fetch("/api/data")
	if e := w.sent("GET", "/api/data", 1); len(e.cookies()) != 2 {
		t.Errorf("the browser has kept the cookies of one of the six answers: %v", e)
	}
	stage.Soon(t, patienceToFold, "six parallel first requests of one page are one session", func() bool { return len(w.sessions()) == 1 })
	w.wantViews("what is folded still counts", append([]string{"/api/data"}, sixViews...)...)
	if all := w.sessions(); len(all) == 1 && all[0].views != 7 {
		t.Errorf("what is folded still counts: the session has %d views, not 7", all[0].views)
	}
}

func TestFolding_SixFetchesOfATrackedPageAreItsSession(t *testing.T) {
	w := newWorld(t)
	w.sixRoutes()
	w.routes.HandleFunc("GET /app", page(`<script>`+six+`</script>`))
	b := w.newTab()
	b.open(w.shop + "/app")
	for _, path := range sixViews {
		if e := w.sent("GET", path, 1); len(e.cookies()) != 2 || len(e.sets) != 0 {
			t.Errorf("a page's fetches come with the cookies that the page has set: %v", e)
		}
	}
	w.wantSessions("a page and its fetches are one session", 1)
	w.wantViews("a page and its fetches count", append([]string{"/app"}, sixViews...)...)
}

// Two people behind one address, with the same browser, land at the same moment. One of
// them leaves at once.
func TestFolding_TwoPeopleAreTwoSessions(t *testing.T) {
	w := newWorld(t)
	b, leaves := w.newTab(), w.newTab()
	var opened sync.WaitGroup
	for _, tab := range []*tab{b, leaves} {
		opened.Go(func() { tab.open(w.shop + "/") })
	}
	opened.Wait()
	b.goes("product", w.shop+"/product/1")
	time.Sleep(9 * time.Second) // longer than a fold takes
	const rule = "two pages that people open at the same moment are two sessions"
	w.wantSessions(rule, 2)
	w.wantViews(rule, "/", "/", "/product/1")
}
