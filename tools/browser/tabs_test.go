package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/footfall-go/footfall"
)

func TestTabs_AreOneSession(t *testing.T) {
	w := newWorld(t)
	b := w.newTab()
	b.open(w.shop + "/")
	other := b.another()
	other.open(w.shop + "/product/1")
	b.goes("product", w.shop+"/product/1")
	other.goes("home", w.shop+"/")
	other.fetch("/api/data")
	const rule = "tabs of one browser are one session, in which each page counts"
	w.wantSessions(rule, 1)
	w.wantViews(rule, "/", "/product/1", "/product/1", "/", "/api/data")
}

func TestTabs_ReloadCounts(t *testing.T) {
	for _, answer := range []string{"200", "304"} {
		t.Run(answer, func(t *testing.T) {
			w := newWorld(t)
			w.routes.HandleFunc("GET /page", func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Cache-Control", "no-cache")
				if answer == "304" {
					rw.Header().Set("ETag", `"1"`)
					if r.Header.Get("If-None-Match") == `"1"` {
						rw.WriteHeader(http.StatusNotModified)
						return
					}
				}
				writePage(rw, "a page")
			})
			b := w.newTab()
			b.open(w.shop + "/")
			b.open(w.shop + "/page")
			b.run("reload", chromedp.Reload())
			if e := w.sent("GET", "/page", 2); answer == "304" && e.status != http.StatusNotModified {
				t.Errorf("this test is about a page that has not changed: %v", e)
			}
			w.wantViews("a page that is loaded again is viewed again", "/", "/page", "/page")
			w.wantSessions("a reload goes on with the session", 1)
		})
	}
}

// Back and forward show pages that the browser has kept, without a request.
func TestTabs_BackShowsAKeptPage(t *testing.T) {
	w := newWorld(t)
	w.routes.HandleFunc("GET /first", page(`<a id=second href=/second>on</a>`+obey))
	w.routes.HandleFunc("GET /second", page(`<a id=third href=/third>on</a>`+obey))
	w.routes.HandleFunc("GET /third", page(obey))
	b := w.newUnwatched(w.shop + "/first")
	b.wait("/first")
	b.click("second")
	b.wait("/second")
	b.click("third")
	b.wait("/third")
	b.run(`history.back()`)
	if how := b.wait("/second"); how != "restored" {
		t.Errorf("the page was %s: this test is about one that the browser has kept", how)
	}
	const rule = "a page that the browser shows again without a request does not count again"
	w.wantViews(rule, "/first", "/second", "/third")
	b.run(`fetch("/api/data").then(next)`)
	w.sent("GET", "/api/data", 1)
	w.wantViews(rule+", also not when its script asks for data", "/first", "/second", "/third", "/api/data")
	b.click("third")
	b.wait("/third")
	w.wantViews(rule+"; the next one does", "/first", "/second", "/third", "/api/data", "/third")
	w.wantSessions(rule, 1)
}

// The page is in the browser's cache, so that a link to it makes no request.
func TestTabs_ALinkShowsACachedPage(t *testing.T) {
	w := newWorld(t)
	w.routes.HandleFunc("GET /cached", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Cache-Control", "private, max-age=60")
		writePage(rw, `<a id=home href=/>home</a>`)
	})
	w.routes.HandleFunc("GET /again", page(`<a id=cached href=/cached>there</a>`))
	b := w.newTab()
	b.open(w.shop + "/")
	b.open(w.shop + "/cached")
	b.open(w.shop + "/again")
	b.goes("cached", w.shop+"/cached")
	if n := len(w.all("GET", "/cached")); n != 1 {
		t.Errorf("the page was requested %d times: this test is about one from the cache", n)
	}
	b.goes("home", w.shop+"/")
	w.wantViews("a page counts as it was delivered: once, if the browser has it from its cache the second time", "/", "/cached", "/again", "/")
	w.wantSessions("a cached page goes on with the session", 1)
}

// An app changes the address without a request and asks for data.
func TestTabs_PushState(t *testing.T) {
	w := newWorld(t)
	b := w.newTab()
	b.open(w.shop + "/")
	b.eval(`history.pushState({}, "", "/product/7"), ""`)
	b.fetch("/api/product")
	b.eval(`fetch("/cart", {method: "POST"}).then(r => r.text())`)
	b.eval(`history.pushState({}, "", "/product/8"), ""`)
	b.fetch("/api/product")
	w.wantViews("what an app asks for counts, an address that it only shows does not", "/", "/api/product", "/api/product")
	w.wantSessions("an app goes on with the session of its page", 1)
	events, err := w.stage.SQLite.Events(t.Context(), w.sessions()[0].id, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.EventType == footfall.EventAddToCart && e.Page != "/product/7" {
			t.Errorf("an event is on the page that the app showed: it is on %q, not on /product/7", e.Page)
		}
	}
}

// A frame of the shop's in its own page, unlike one in another site's.
func TestTabs_FrameOfTheShop(t *testing.T) {
	w := newWorld(t)
	w.routes.HandleFunc("GET /framed", page("in a frame"))
	w.routes.HandleFunc("GET /frames", page(`<iframe src=/framed></iframe>`))
	b := w.newTab()
	b.open(w.shop + "/")
	b.open(w.shop + "/frames")
	e := w.sent("GET", "/framed", 1)
	if len(e.cookies()) != 2 || len(e.sets) != 0 || !strings.HasSuffix(e.Header.Get("Referer"), "/frames") {
		t.Errorf("the shop's own frame in its own page comes with the visitor's cookies: %v", e)
	}
	w.wantSessions("the shop's own frame goes on with the session", 1)
}
