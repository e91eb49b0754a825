package enrich_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/footfall-go/footfall/enrich"
)

func ExampleAgents_Lookup() {
	agents := enrich.NewAgents(0) // one for the process

	h := http.Header{}
	h.Set("User-Agent", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36")
	a := agents.Lookup(h)
	fmt.Println(a.Device, a.Browser, a.OS)

	h.Set("User-Agent", "curl/8.5.0")
	fmt.Println(agents.Lookup(h).Bot)
	// Output:
	// mobile Chrome Android
	// tool
}

func ExamplePageFromRequest() {
	// A page of the shop calls its API. The visitor is on the page.
	r := httptest.NewRequest("GET", "https://shop.example/api/cart", nil)
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Referer", "https://shop.example/sale?utm_source=google&utm_medium=cpc")

	p := enrich.PageFromRequest(r, nil)
	fmt.Println(p.Path)
	fmt.Println(enrich.Channel(p))
	// Output:
	// /sale?utm_source=google&utm_medium=cpc
	// Paid Search
}

func ExampleChannel() {
	fmt.Println(enrich.Channel(enrich.Page{Referrer: "https://www.google.de/"}))
	fmt.Println(enrich.Channel(enrich.Page{Referrer: "https://blog.example/post"}))
	fmt.Println(enrich.Channel(enrich.Page{}))
	// Output:
	// Organic Search
	// Referral
	// Direct
}

// Behind a proxy, the client is the hop that the proxy saw. The client may have
// invented everything to the left of that.
func ExampleProxies_ClientAddr() {
	proxies := enrich.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Forwarded-For", "6.6.6.6, 198.51.100.23")

	r.RemoteAddr = "10.0.0.1:51234"
	addr, whom := proxies.ClientAddr(r) // who says that it forwards for 6.6.6.6: an office perhaps, or a lie
	fmt.Println(addr, whom == enrich.Forwarder)

	r.RemoteAddr = "203.0.113.7:51234" // no proxy of ours
	addr, whom = proxies.ClientAddr(r)
	fmt.Println(addr, whom == enrich.Forwarder)
	// Output:
	// 198.51.100.23 true
	// 203.0.113.7 true
}

func ExampleMaskAddr() {
	fmt.Println(enrich.MaskAddr(netip.MustParseAddr("203.0.113.77")))
	fmt.Println(enrich.MaskAddr(netip.MustParseAddr("2001:db8:1:2::3")))
	// Output:
	// 203.0.113.0
	// 2001:db8:1::
}

func ExampleRedactURL() {
	fmt.Println(enrich.RedactURL("/account/reset?lang=de&reset_token=9f86d081"))
	// Output: /account/reset?lang=de&reset_token=redacted
}
