package browser

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// An ahead is a way in which a page has the browser fetch another one before anybody
// asks for it.
type ahead struct {
	name, body string
	cache      string // the fetched page's Cache-Control
	how        string // how it shows
	requests   int    // how often it is requested until it shows
}

var (
	linkCached  = ahead{"link, from the cache", `<link rel=prefetch href="URL">`, "max-age=60", "shown", 1}
	linkAgain   = ahead{"link, requested again", `<link rel=prefetch href="URL">`, "no-store", "shown", 2}
	prefetches  = ahead{"rules to prefetch", `<script type=speculationrules>{"prefetch": [{"source": "list", "urls": ["URL"], "eagerness": "immediate"}]}</script>`, "", "shown", 1}
	prerenders  = ahead{"rules to prerender", `<script type=speculationrules>{"prerender": [{"source": "list", "urls": ["URL"], "eagerness": "immediate"}]}</script>`, "", "prerendered", 1}
	everyAhead  = []ahead{linkCached, linkAgain, prefetches, prerenders}
	silentPage  = `<a id=next href=/next>next</a>`
	talkingPage = `<a id=next href=/next>next</a><img src=/pixel.png><script>
		if (document.prerendering) {
			fetch("/api/hidden");
			document.addEventListener("prerenderingchange", () => fetch("/api/data"));
		} else fetch("/api/data");
		</script>`
)

// fetchAhead gives the shop a page at /ahead, and both sites a page at /list that has the
// browser fetch it.
func (w *world) fetchAhead(a ahead, aheadPage string) {
	w.routes.HandleFunc("GET /ahead", func(rw http.ResponseWriter, _ *http.Request) {
		if a.cache != "" {
			rw.Header().Set("Cache-Control", a.cache)
		}
		writePage(rw, aheadPage+obey)
	})
	list := page(strings.ReplaceAll(a.body, "URL", w.shop+"/ahead") + `<a id=ahead href="` + w.shop + `/ahead">the page</a> <a id=other href="` + w.shop + `/other">another</a>` + obey)
	w.routes.HandleFunc("GET /list", list)
	w.routes.HandleFunc("GET /other", page(obey))
	w.routes.HandleFunc("GET /next", page(obey))
	w.pages.HandleFunc("GET /list", list)
}

// fetched waits until the browser has fetched /ahead, and for the browser to have it.
func (w *world) fetched(a ahead) {
	w.t.Helper()
	e := w.sent("GET", "/ahead", 1)
	if !strings.HasPrefix(e.Header.Get("Sec-Purpose"), "prefetch") {
		w.t.Fatalf("this test is about a page that was fetched ahead: %v", e)
	}
	if len(e.sets) > 0 {
		w.t.Errorf("the answer to a prefetch sets no cookie: %v", e)
	}
	if a.how == "prerendered" {
		w.sent("GET", "/pixel.png", 1)
		if e := w.sent("GET", "/api/hidden", 1); e.Header.Get("Sec-Purpose") == "" {
			w.t.Errorf("what a prerendered page asks for has the purpose of a prefetch: %v", e)
		}
	}
	time.Sleep(400 * time.Millisecond)
}

func TestPrefetch_CountsNothingByItself(t *testing.T) {
	for _, a := range everyAhead {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)
			w.fetchAhead(a, talkingPage)
			b := w.newUnwatched(w.shop + "/list")
			b.wait("/list")
			w.fetched(a)
			b.click("other")
			b.wait("/other")
			w.wantViews("a page that was fetched ahead and never shown, and what it asked for, count nothing", "/list", "/other")
			w.wantSessions("a prefetch begins no session", 1)
		})
	}
}

func TestPrefetch_CountsOnceWhenItIsShown(t *testing.T) {
	const rule = "a page that was fetched ahead and then shown counts once"
	for _, a := range everyAhead {
		t.Run("by its link, "+a.name, func(t *testing.T) {
			w := newWorld(t)
			w.fetchAhead(a, silentPage)
			b := w.newUnwatched(w.shop + "/list")
			b.wait("/list")
			w.sent("GET", "/ahead", 1)
			time.Sleep(400 * time.Millisecond)
			b.showAhead(a)
			b.click("next") // its Referer says that the page was shown
			b.wait("/next")
			w.wantViews(rule, "/list", "/ahead", "/next")
			w.wantSessions("a page that was fetched ahead is in the session of the page before", 1)
		})
		t.Run("by its data, "+a.name, func(t *testing.T) {
			w := newWorld(t)
			w.fetchAhead(a, talkingPage)
			b := w.newUnwatched(w.shop + "/list")
			b.wait("/list")
			w.fetched(a)
			b.showAhead(a)
			w.sent("GET", "/api/data", 1) // its Referer says that the page was shown
			w.wantViews(rule, "/list", "/ahead", "/api/data")
			b.click("next")
			b.wait("/next")
			w.wantViews(rule, "/list", "/ahead", "/api/data", "/next")
			w.wantSessions("a page that was fetched ahead is in the session of the page before", 1)
		})
	}
}

// showAhead clicks the link of /list and checks that the page shows as this test needs it.
func (u *unwatched) showAhead(a ahead) {
	u.t.Helper()
	u.click("ahead")
	// A page that is shown before its script ran, as on a busy machine, does not know that it
	// was prerendered.
	if how := u.wait("/ahead"); how != a.how && !(a.how == "prerendered" && how == "shown") {
		u.t.Errorf("the page was %s: this test is about one that is %s", how, a.how)
	}
	if n := len(u.w.all("GET", "/ahead")); n != a.requests {
		u.t.Errorf("the page was requested %d times: this test is about %d", n, a.requests)
	}
}

// A search engine's page has its first hit fetched ahead, without the shop's cookies.
func TestPrefetch_FromAnotherSite(t *testing.T) {
	for _, a := range []ahead{prefetches, prerenders} {
		t.Run(a.name, func(t *testing.T) {
			a.how = "shown" // it is prefetched only: another site's page is not prerendered
			w := newWorld(t)
			w.fetchAhead(a, silentPage)
			b := w.newUnwatched(w.bank + "/list")
			b.wait("/list")
			w.fetched(a)
			w.wantSessions("a prefetch for another site's page begins no session", 0)
			w.wantViews("a prefetch for another site's page counts nothing")
			b.showAhead(a)
			b.click("next")
			b.wait("/next")
			w.wantSessions("the visitor who is shown a page that was fetched ahead has one session", 1)
			w.wantViews("a landing that was fetched ahead and then shown counts once", "/ahead", "/next")
		})
	}
}
