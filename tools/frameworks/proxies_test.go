package frameworks

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/footfall-go/footfall/enrich"
)

// What nginx 1.22.1, Caddy 2.6.2 and HAProxy 2.6.12 sent to a server on the same machine when
// a visitor at 198.51.100.7 claimed to be 9.9.9.9. (The visitor's address is put in here.)
func TestTheVisitorsAddressBehindAProxy(t *testing.T) {
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	cloud := append(local, netip.MustParsePrefix("192.0.2.0/24"))
	for _, c := range []struct {
		name    string
		lines   []string
		trusted []netip.Prefix
		want    string
	}{
		{"nginx with $proxy_add_x_forwarded_for", []string{"9.9.9.9, 198.51.100.7"}, local, "198.51.100.7"},
		{"nginx with $remote_addr", []string{"198.51.100.7"}, local, "198.51.100.7"},
		{"Caddy", []string{"198.51.100.7"}, local, "198.51.100.7"},
		{"HAProxy with option forwardfor", []string{"9.9.9.9", "198.51.100.7"}, local, "198.51.100.7"},
		{"nginx behind a network of proxies", []string{"9.9.9.9, 198.51.100.7, 192.0.2.4"}, cloud, "198.51.100.7"},
		{"nginx behind a network of proxies that is not listed", []string{"9.9.9.9, 198.51.100.7, 192.0.2.4"}, local, "192.0.2.4"},
		{"nginx or HAProxy without its line, which is why it must not be trusted then", []string{"9.9.9.9"}, local, "9.9.9.9"},
		{"a proxy that nobody listed", []string{"198.51.100.7"}, nil, "127.0.0.1"},
	} {
		for _, peer := range []string{"127.0.0.1:4711", "@"} { // over TCP and over a Unix socket
			proxies := enrich.Proxies{Networks: c.trusted, UnixSocket: len(c.trusted) > 0}
			r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": c.lines}}
			want := c.want
			if peer == "@" && len(c.trusted) == 0 {
				want = "invalid IP" // there is none
			}
			if got, _ := proxies.ClientAddr(r); got.String() != want {
				t.Errorf("%s, peer %s: the visitor's address is %v, want %s", c.name, peer, got, want)
			}
		}
	}
}
