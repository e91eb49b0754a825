package cookie

import (
	"net/http"
	"strings"
	"testing"
)

// sharedCacheControl are the fields that shared caches obey rather than
// Cache-Control.
var sharedCacheControl = []string{
	"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Vercel-CDN-Cache-Control", "Netlify-CDN-Cache-Control",
	"Akamai-Cache-Control", "X-LiteSpeed-Cache-Control", "Surrogate-Control", "Edge-Control", "X-Accel-Expires",
}

func TestKeepPrivate_NothingOutranksIt(t *testing.T) {
	for _, name := range sharedCacheControl {
		for rule, keep := range map[string]func(http.Header){"an answer with a cookie": KeepPrivate, "an answer to a customer": KeepCustomers} {
			h := http.Header{"Cdn-Cache-Control-Of-Our-Own": {"kept"}, "Cache-Tag": {"kept"}}
			h.Set(name, "max-age=3600")
			keep(h)
			if h.Get(name) != "" {
				t.Errorf("%s says %s: %s: a shared cache would keep it and give it to everybody", rule, name, h.Get(name))
			}
			if h.Get("Cache-Tag") != "kept" || h.Get("Cdn-Cache-Control-Of-Our-Own") != "kept" {
				t.Errorf("%s lost fields that say nothing about keeping it: %v", rule, h)
			}
		}
	}
}

// A handler may write into the header past Set, in the lower case of HTTP/2.
func TestKeepPrivate_InAnyCase(t *testing.T) {
	for rule, keep := range map[string]func(http.Header){"an answer with a cookie": KeepPrivate, "an answer to a customer": KeepCustomers} {
		for _, name := range append(sharedCacheControl, "Cache-Control") {
			h := http.Header{strings.ToLower(name): {"public, s-maxage=3600"}}
			keep(h)
			for name, lines := range h {
				if strings.Contains(strings.Join(lines, ","), "3600") {
					t.Errorf("%s says %s: %s", rule, name, lines)
				}
			}
		}
	}
	h := http.Header{"cache-control": {"no-store"}}
	if KeepCustomers(h); len(h) != 2 || h.Get("Cache-Control") != "no-store" { // beside Vary
		t.Errorf("what the handler said more strictly, in lower case, became %v", h)
	}
}

func TestKeepPrivate_CacheControl(t *testing.T) {
	for _, c := range []struct {
		said             []string
		cookie, customer string
	}{
		{nil, "private, no-store", "private"},
		{[]string{"public, max-age=600"}, "private, no-store", "private, max-age=600"},
		{[]string{"Public", "S-MaxAge=600"}, "private, no-store", "private"},
		{[]string{"private, max-age=60"}, "private, no-store", "private, max-age=60"},
		{[]string{`private="set-cookie", max-age=60`}, "private, no-store", "private, max-age=60"},
		{[]string{`max-age=60, ext="no-store, public"`}, "private, no-store", `private, max-age=60, ext="no-store, public"`},
		{[]string{"max-age=0", "No-Store"}, "max-age=0|No-Store", "max-age=0|No-Store"},
		{[]string{"x-no-store"}, "private, no-store", "private, x-no-store"},
	} {
		with := func(keep func(http.Header)) string {
			h := http.Header{"Cache-Control": append([]string(nil), c.said...)}
			keep(h)
			return strings.Join(h["Cache-Control"], "|")
		}
		if got := with(KeepPrivate); got != c.cookie {
			t.Errorf("Cache-Control %q with a cookie becomes %q, want %q", c.said, got, c.cookie)
		}
		if got := with(KeepCustomers); got != c.customer {
			t.Errorf("Cache-Control %q for a customer becomes %q, want %q", c.said, got, c.customer)
		}
	}
}
