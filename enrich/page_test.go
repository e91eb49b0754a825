package enrich

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// request is a request to shop.example with headers given as name, value, ….
func request(target string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = "shop.example"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func ownHost(host string) bool { return host == "checkout.example" }

func TestPageFromRequest(t *testing.T) {
	for _, tt := range []struct {
		rule           string
		r              *http.Request
		path, referrer string
	}{
		{"a navigation: the requested URL", request("/p/1?x=2", "Sec-Fetch-Mode", "navigate"), "/p/1?x=2", ""},
		{"what the browser calls same-origin is the shop's own, whatever Host a proxy wrote", request("/p", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Referer", "https://public.example/a"), "/p", ""},
		{"likewise the page of a fetch", request("/api", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin", "Referer", "https://public.example/a?utm_source=x"), "/a?utm_source=x", ""},
		{"a subdomain of the same site is another origin", request("/p", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-site", "Referer", "https://blog.public.example/a"), "/p", "https://blog.public.example/a"},
		{"a navigation's Referer is the referrer", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "https://news.example/a"), "/p", "https://news.example/a"},
		{"the shop is no referrer", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "https://shop.example/a"), "/p", ""},
		{"a call from a page: that page", request("/api/cart", "Sec-Fetch-Mode", "cors", "Referer", "https://shop.example/p/1?x=2"), "/p/1?x=2", ""},
		{"same-origin mode too", request("/api/cart", "Sec-Fetch-Mode", "same-origin", "Referer", "https://shop.example/p"), "/p", ""},
		{"a call from a page that hides: not known", request("/api/cart", "Sec-Fetch-Mode", "cors"), "", ""},
		{"a call from a foreign page: not known", request("/api/cart", "Sec-Fetch-Mode", "cors", "Referer", "https://other.example/"), "", ""},
		{"no header, own Referer: that page", request("/api/cart", "Referer", "https://shop.example/p"), "/p", ""},
		{"no header, foreign Referer: a navigation", request("/p", "Referer", "https://news.example/"), "/p", "https://news.example/"},
		{"no header, no Referer: a navigation", request("/p"), "/p", ""},
		{"another port of the shop is the shop", request("/api", "Sec-Fetch-Mode", "cors", "Referer", "http://shop.example:3000/p"), "/p", ""},
		{"with www. too", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "https://www.shop.example/"), "/p", ""},
		{"hosts have no case, and may end in a dot", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "https://SHOP.example./"), "/p", ""},
		{"what own knows is the shop", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "https://checkout.example/"), "/p", ""},
		{"and its page may be the page", request("/api", "Sec-Fetch-Mode", "cors", "Referer", "https://checkout.example/pay"), "/pay", ""},
		{"a name that ends alike is another", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "https://evilshop.example/"), "/p", "https://evilshop.example/"},
		{"a user name is no host", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "https://shop.example@evil.example/"), "/p", "https://evil.example/"},
		{"a payment provider is no referrer", request("/thanks", "Sec-Fetch-Mode", "navigate", "Referer", "https://www.paypal.com/checkout"), "/thanks", ""},
		{"nor a sign-in provider", request("/me", "Sec-Fetch-Mode", "navigate", "Referer", "https://accounts.google.com/"), "/me", ""},
		{"an application may be one", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "android-app://com.example.app/"), "/p", "android-app://com.example.app/"},
		{"other schemes may not", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "javascript://x.example/%0aalert(1)"), "/p", ""},
		{"nor what is no URL", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "news.example"), "/p", ""},
		{"nor a host that is none", request("/p", "Sec-Fetch-Mode", "navigate", "Referer", "https://<script>/"), "/p", ""},
		{"a page without a path", request("/api", "Sec-Fetch-Mode", "cors", "Referer", "https://shop.example?x=1"), "/?x=1", ""},
	} {
		p := PageFromRequest(tt.r, ownHost)
		if p.Path != tt.path || p.Referrer != tt.referrer {
			t.Errorf("%s: path %q referrer %q, want %q %q", tt.rule, p.Path, p.Referrer, tt.path, tt.referrer)
		}
	}
}

func TestPageFromScript(t *testing.T) {
	for _, tt := range []struct{ rule, location, referrer, path, want string }{
		{"location and referrer", "https://shop.example/p?x=1", "https://news.example/a", "/p?x=1", "https://news.example/a"},
		{"a path will do", "/p?x=1", "", "/p?x=1", ""},
		{"fragments go", "https://shop.example/p#reviews", "", "/p", ""},
		{"the shop is no referrer", "https://shop.example/p", "https://www.shop.example/", "/p", ""},
		{"nor what own knows", "/p", "https://checkout.example/", "/p", ""},
		{"nor a payment provider", "https://shop.example/p", "https://checkout.stripe.com/c/pay", "/p", ""},
		{"other schemes are no page", "javascript:alert(1)", "data:text/html,x", "", ""},
		{"nor is nothing", "", "", "", ""},
		{"control characters go", "https://shop.example/a\r\nb", "", "/ab", ""},
	} {
		p := PageFromScript(tt.location, tt.referrer, ownHost)
		if p.Path != tt.path || p.Referrer != tt.want {
			t.Errorf("%s: path %q referrer %q, want %q %q", tt.rule, p.Path, p.Referrer, tt.path, tt.want)
		}
	}
}

func TestSeedDefect26_LandingPageIsThePageNotTheAPI(t *testing.T) {
	p := PageFromRequest(request("/api/storefront/products",
		"Sec-Fetch-Mode", "cors",
		"Referer", "https://shop.example/sale?utm_source=newsletter&utm_medium=email"), nil)
	if p.Path != "/sale?utm_source=newsletter&utm_medium=email" {
		t.Errorf("the page is the one that called the API: got %q", p.Path)
	}
	if p.UTM.Source != "newsletter" || p.UTM.Medium != "email" {
		t.Errorf("UTM comes from the page's URL: got %+v", p.UTM)
	}
	if p.Referrer != "" {
		t.Errorf("the shop's own page is no referrer: got %q", p.Referrer)
	}
}

func TestSeedDefect11_OfRepeatedParametersTheFirstCounts(t *testing.T) {
	p := PageFromScript("/p?utm_source=a&utm_source=b&utm_source[]=c&gclid=1&gclid=2", "", nil)
	if p.UTM.Source != "a" {
		t.Errorf("utm_source = %q, want the first, a", p.UTM.Source)
	}
	if p.ClickID != (ClickID{"gclid", "1"}) {
		t.Errorf("click id = %+v, want the first gclid", p.ClickID)
	}
}

func TestSeedDefect34_EverythingHasACap(t *testing.T) {
	long := strings.Repeat("é", 100_000)
	q := "?utm_source=" + url.QueryEscape(long) + "&utm_term=" + long
	p := PageFromScript("https://shop.example/"+long, "https://news.example/"+long, nil)
	p2 := PageFromScript("/p"+q, "", nil)
	p3 := PageFromScript("/p?gclid="+long, "", nil)
	for _, s := range []struct {
		what, got string
		max       int
	}{
		{"path", p.Path, MaxURL}, {"referrer", p.Referrer, MaxURL}, {"utm_source", p2.UTM.Source, MaxUTM}, {"click id", p3.ClickID.Value, MaxClickID},
	} {
		if len(s.got) > s.max || len(s.got) < s.max-1 {
			t.Errorf("%s has %d bytes, the cap is %d", s.what, len(s.got), s.max)
		}
		mustBeText(t, s.got)
	}
	if got := len(Requested(request("/" + strings.Repeat("a", 5000)))); got != MaxURL {
		t.Errorf("Requested has %d bytes, the cap is %d", got, MaxURL)
	}
}

func TestPage_campaign(t *testing.T) {
	for _, tt := range []struct {
		rule, query string
		utm         UTM
		click       ClickID
	}{
		{"all five", "utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e", UTM{"a", "b", "c", "d", "e"}, ClickID{}},
		{"decoded", "utm_source=spring+sale%21&utm_campaign=50%25", UTM{Source: "spring sale!", Campaign: "50%"}, ClickID{}},
		{"names have no case", "UTM_Source=a", UTM{Source: "a"}, ClickID{}},
		{"and may be encoded", "utm%5Fsource=a", UTM{Source: "a"}, ClickID{}},
		{"out of HTML", "utm_source=a&amp;utm_medium=b", UTM{Source: "a", Medium: "b"}, ClickID{}},
		{"bad escapes stay", "utm_source=100%&utm_medium=%zz", UTM{Source: "100%", Medium: "%zz"}, ClickID{}},
		{"bytes that are not text do not", "utm_source=%ff%00a", UTM{Source: "\ufffda"}, ClickID{}},
		{"an advertisement's click id beats fbclid", "fbclid=1&gclid=2", UTM{}, ClickID{"gclid", "2"}},
		{"in any order", "gclid=2&fbclid=1", UTM{}, ClickID{"gclid", "2"}},
		{"an empty click id is none", "gclid=&fbclid=1", UTM{}, ClickID{"fbclid", "1"}},
		{"an empty value does not hide a later one", "utm_source=&utm_medium=%20&utm_source=a&utm_medium=b&utm_source=c", UTM{Source: "a", Medium: "b"}, ClickID{}},
		{"nor does a name without one", "utm_source&utm_source=a", UTM{Source: "a"}, ClickID{}},
		{"a display advertisement's", "fbclid=1&dclid=2", UTM{}, ClickID{"dclid", "2"}},
		{"of an advertiser who measures with two, the one that names the kind", "dclid=2&gclid=1", UTM{}, ClickID{"gclid", "1"}},
		{"LinkedIn's", "li_fat_id=x", UTM{}, ClickID{"li_fat_id", "x"}},
	} {
		p := PageFromScript("https://shop.example/p?"+tt.query, "", nil)
		if p.UTM != tt.utm || p.ClickID != tt.click {
			t.Errorf("%s: %q gives %+v %+v, want %+v %+v", tt.rule, tt.query, p.UTM, p.ClickID, tt.utm, tt.click)
		}
	}
}

func TestPage_manyParameters(t *testing.T) {
	q := strings.Repeat("a&", 20_000) + "utm_source=x"
	if _, err := url.ParseQuery(q); err == nil {
		t.Log("net/url reads this many parameters by now")
	}
	if p := PageFromRequest(request("/p?"+q, "Sec-Fetch-Mode", "navigate"), nil); p.UTM.Source != "x" {
		t.Errorf("behind 20,000 parameters utm_source = %q, want x", p.UTM.Source)
	}
}

func TestRequested(t *testing.T) {
	for _, tt := range []struct{ rule, target, want string }{
		{"path", "/a/b", "/a/b"},
		{"and query", "/a?x=1&y", "/a?x=1&y"},
		{"redacted", "/a?x=1&token=abc", "/a?x=1&token=redacted"},
		{"as sent", "/caf%C3%A9?q=%20", "/caf%C3%A9?q=%20"},
		{"of an absolute form", "http://shop.example/a?x=1", "/a?x=1"},
		{"without a path", "http://shop.example", "/"},
	} {
		if got := Requested(request(tt.target)); got != tt.want {
			t.Errorf("%s: Requested(%q) = %q, want %q", tt.rule, tt.target, got, tt.want)
		}
	}
	http.StripPrefix("/shop", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := Requested(r); got != "/shop/a" {
			t.Errorf("behind StripPrefix Requested = %q, want what the client asked for, /shop/a", got)
		}
	})).ServeHTTP(httptest.NewRecorder(), request("/shop/a"))
	if got := Requested(&http.Request{}); got != "" {
		t.Errorf("Requested of no URL = %q", got)
	}
}

func TestRequested_doesNotAllocate(t *testing.T) {
	r := request("/products/blue-shirt.html")
	if n := testing.AllocsPerRun(100, func() { Requested(r) }); n != 0 {
		t.Errorf("Requested of a clean path allocates %v times, want 0", n)
	}
	r = request("/products?page=2&sort=price")
	if n := testing.AllocsPerRun(100, func() { Requested(r) }); n != 0 {
		t.Errorf("Requested of a query without secrets allocates %v times, want 0", n)
	}
}

func FuzzPageFromRequest(f *testing.F) {
	f.Add("/p?utm_source=%ff&gclid=1", "https://shop.example/?a=b", "navigate", "shop.example")
	f.Add("/", "android-app://\x00", "cors", "[::1]:80")
	f.Add("//", "https://[", "", ":")
	f.Fuzz(func(t *testing.T, target, referer, mode, host string) {
		r := &http.Request{Host: host, RequestURI: target, Header: http.Header{"Referer": {referer}, "Sec-Fetch-Mode": {mode}}}
		for _, p := range []Page{PageFromRequest(r, ownHost), PageFromScript(target, referer, ownHost), PageFromScript(referer, target, nil)} {
			for _, s := range []string{p.Path, p.Referrer, p.UTM.Source, p.UTM.Medium, p.UTM.Campaign, p.UTM.Term, p.UTM.Content, p.ClickID.Value} {
				mustBeText(t, s)
				if len(s) > MaxURL {
					t.Errorf("%d bytes", len(s))
				}
			}
			if p.Path != "" && p.Path[0] != '/' {
				t.Errorf("path %q does not begin with /", p.Path)
			}
			mustBeText(t, Channel(p))
		}
		mustBeText(t, Requested(r))
	})
}

func BenchmarkRequested(b *testing.B) {
	for name, r := range map[string]*http.Request{
		"path":   request("/products/blue-shirt.html"),
		"query":  request("/products?page=2&sort=price"),
		"secret": request("/reset?token=abcdef"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Requested(r)
			}
		})
	}
}

func BenchmarkPageFromRequest(b *testing.B) {
	for name, r := range map[string]*http.Request{
		"navigation": request("/p/1", "Sec-Fetch-Mode", "navigate", "Referer", "https://www.google.com/"),
		"api call":   request("/api/cart", "Sec-Fetch-Mode", "cors", "Referer", "https://shop.example/p/1"),
		"campaign":   request("/p?utm_source=google&utm_medium=cpc&gclid=abc", "Sec-Fetch-Mode", "navigate"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				PageFromRequest(r, nil)
			}
		})
	}
}
