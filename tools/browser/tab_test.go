package browser

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// patience is how long anything in the browser may take.
const patience = 30 * time.Second

// A tab is one of a browser profile.
type tab struct {
	t   *testing.T
	w   *world
	ctx context.Context
}

// newTab opens a tab in a new profile, which holds no cookies.
func (w *world) newTab() *tab {
	w.t.Helper()
	return w.openTab(chromium, chromedp.WithNewBrowserContext())
}

// another opens another tab of the same profile.
func (b *tab) another() *tab {
	b.t.Helper()
	return b.w.openTab(b.ctx)
}

func (w *world) openTab(parent context.Context, options ...chromedp.ContextOption) *tab {
	w.t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	w.t.Cleanup(cancel)
	b := &tab{w.t, w, ctx}
	// The tab lives as long as the context of its first use, which so has no time limit.
	if err := chromedp.Do(ctx); err != nil {
		w.t.Fatalf("the browser could not open a tab: %v", err)
	}
	return b
}

func (b *tab) run(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("the browser could not %s: %v", what, err)
	}
}

// open goes to a page as one does who types its address.
func (b *tab) open(url string) {
	b.t.Helper()
	b.run("open "+url, chromedp.Navigate(url))
}

// click clicks what has an id.
func (b *tab) click(id string) {
	b.t.Helper()
	b.run("click on "+id, chromedp.Click(chromedp.CSS("#"+id), chromedp.NodeVisible))
}

// goes clicks and waits until a page of this URL is there.
func (b *tab) goes(id, to string) {
	b.t.Helper()
	b.click(id)
	b.at(to)
}

// at waits until the tab shows the page of a URL, loaded.
func (b *tab) at(to string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + " " + document.readyState`))
		if err == nil && got == to+" complete" {
			return
		}
		if ctx.Err() != nil {
			b.t.Fatalf("the browser is at %s, not at %s (error %v)", got, to, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// eval runs a script in the tab's page and returns what it, or its promise, comes to.
func (b *tab) eval(script string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("the browser could not run %s: %v", script, err)
	}
	return result
}

// fetch has the page's script ask for a path and returns the answer's body.
func (b *tab) fetch(path string) string {
	b.t.Helper()
	return b.eval(`fetch("` + path + `").then(r => r.text())`)
}

// cookie is a cookie as the browser keeps it for the shop, "" if it has none.
func (b *tab) cookie(name string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	all, err := chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.w.shop + "/"}})
	if err != nil {
		b.t.Fatalf("the browser could not list its cookies: %v", err)
	}
	for _, c := range all.Cookies {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}
