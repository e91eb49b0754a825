package browser

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// An unwatched tab is one that no debugger is attached to: only there does Chromium
// prerender. Its pages ask this process what to do and tell it what happened, on a path
// of their host that no tracker sees.
type unwatched struct {
	t    *testing.T
	w    *world
	do   chan string
	told chan string
}

// obey is the script of a page of an unwatched tab. It begins once the page shows, and
// names the way in which the page came: shown, prerendered or restored.
const obey = `<script>
const told = (what) => fetch("/.told?" + what, {method: "POST", referrerPolicy: "no-referrer"});
const next = () => fetch("/.do?", {referrerPolicy: "no-referrer"}).then(r => r.text()).then(s => { (0, eval)(s); });
const begin = (how) => told(how + " " + location.pathname).then(next);
if (document.prerendering) document.addEventListener("prerenderingchange", () => begin("prerendered"), {once: true});
else begin("shown");
addEventListener("pageshow", (e) => { if (e.persisted) begin("restored"); });
</script>`

// newUnwatched opens a page in an unwatched tab of a new profile.
func (w *world) newUnwatched(url string) *unwatched {
	w.t.Helper()
	u := &unwatched{t: w.t, w: w, do: make(chan string), told: make(chan string, 100)}
	for _, origin := range []string{w.shop, w.bank} {
		_, host, _ := strings.Cut(origin, "://")
		site := web.get(host)
		w.site(origin, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/.do":
				select {
				case script := <-u.do:
					_, _ = io.WriteString(rw, script)
				case <-r.Context().Done():
				case <-w.t.Context().Done():
				}
			case "/.told":
				u.told <- strings.ReplaceAll(r.URL.RawQuery, "%20", " ")
			default:
				site.ServeHTTP(rw, r)
			}
		}))
	}
	b := w.newTab() // for its profile
	profile := chromedp.FromContext(b.ctx).BrowserContextID
	made, err := chromedp.CallBrowser(b.ctx, target.CreateTarget, target.CreateTargetParams{URL: url, BrowserContextID: profile})
	if err != nil {
		w.t.Fatalf("the browser could not open a tab: %v", err)
	}
	w.t.Cleanup(func() {
		_, _ = chromedp.CallBrowser(chromium, target.CloseTarget, target.CloseTargetParams(made))
	})
	return u
}

// wait waits until a page has said something, and returns its first word.
func (u *unwatched) wait(path string) (how string) {
	u.t.Helper()
	select {
	case got := <-u.told:
		how, at, _ := strings.Cut(got, " ")
		if at != path {
			u.t.Fatalf("the page %s is there (%s), not %s", at, how, path)
		}
		return how
	case <-time.After(patience):
		u.t.Fatalf("the page %s did not show within %v", path, patience)
		return ""
	}
}

// run has the page that shows run a script.
func (u *unwatched) run(script string) {
	u.t.Helper()
	select {
	case u.do <- script:
	case <-time.After(patience):
		u.t.Fatalf("no page asked for the script %s", script)
	}
}

// click clicks the link with an id.
func (u *unwatched) click(id string) {
	u.t.Helper()
	u.run(fmt.Sprintf(`document.getElementById(%q).click()`, id))
}
