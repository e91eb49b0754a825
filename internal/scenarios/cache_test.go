package scenarios_test

import (
	"net/http"
	"testing"

	"github.com/footfall-go/footfall/internal/stage"
)

// A cache between the shop and its visitors obeys its own directives before
// Cache-Control: none may tell it to keep an answer with a cookie, or a customer's.
func TestCache_NoSharedCacheKeepsACookieOrACustomersPage(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	for _, name := range []string{
		"CDN-Cache-Control", "Surrogate-Control", "Cloudflare-CDN-Cache-Control", "Vercel-CDN-Cache-Control",
		"Netlify-CDN-Cache-Control", "Edge-Control", "X-Accel-Expires",
	} {
		page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(name, "max-age=3600")
			w.Header().Set("Cache-Control", "public, s-maxage=3600, max-age=60")
			w.WriteHeader(http.StatusOK)
		})
		b := stage.NewBrowser(t, s.Tracker.Handler(page))
		if resp := b.Do("GET", "/"); resp.Header.Get(name) != "" || resp.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("beside a cookie stand %s %q and Cache-Control %q", name, resp.Header.Get(name), resp.Header.Get("Cache-Control"))
		}
		if resp := b.Do("GET", "/"); resp.Header.Get(name) != "max-age=3600" || resp.Header.Get("Cache-Control") != "public, s-maxage=3600, max-age=60" {
			t.Errorf("an answer without a cookie was changed: %s %q and Cache-Control %q", name, resp.Header.Get(name), resp.Header.Get("Cache-Control"))
		}
		customer := stage.NewBrowser(t, s.Site())
		customer.Do("POST", "/login/alice")
		customer.Handler = s.Tracker.RequireCustomer(page)
		if resp := customer.Do("GET", "/account"); resp.StatusCode != http.StatusOK || resp.Header.Get(name) != "" || resp.Header.Get("Cache-Control") != "private, max-age=60" || resp.Header.Get("Vary") != "Cookie" {
			t.Errorf("a customer's page is %d with %s %q, Cache-Control %q and Vary %q", resp.StatusCode, name, resp.Header.Get(name), resp.Header.Get("Cache-Control"), resp.Header.Get("Vary"))
		}
	}
}
