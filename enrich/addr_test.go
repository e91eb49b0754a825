package enrich

import (
	"net/http"
	"net/netip"
	"testing"
)

func prefixes(list ...string) (p []netip.Prefix) {
	for _, s := range list {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

// clientAddr is the address of a client behind proxies on the network.
func clientAddr(peer string, h http.Header, trusted []netip.Prefix) netip.Addr {
	addr, _ := (&Proxies{Networks: trusted}).ClientAddr(&http.Request{RemoteAddr: peer, Header: h})
	return addr
}

func TestClientAddr(t *testing.T) {
	proxies := prefixes("10.0.0.0/8", "fd00::/8")
	for _, tt := range []struct {
		rule, peer string
		lines      []string
		want       string
	}{
		{"no proxy: the peer", "203.0.113.7:1234", nil, "203.0.113.7"},
		{"an untrusted peer's header is not read", "203.0.113.7:1234", []string{"198.51.100.1"}, "203.0.113.7"},
		{"behind a proxy: the hop it saw", "10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"right-most untrusted, not left-most", "10.0.0.1:80", []string{"6.6.6.6, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"all lines, in order", "10.0.0.1:80", []string{"6.6.6.6", "198.51.100.1", "10.0.0.3,10.0.0.2"}, "198.51.100.1"},
		{"all trusted: the left-most", "10.0.0.1:80", []string{"10.0.0.9, 10.0.0.2"}, "10.0.0.9"},
		{"no header: the proxy", "10.0.0.1:80", nil, "10.0.0.1"},
		{"garbage: the last good hop", "10.0.0.1:80", []string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"garbage alone: the proxy", "10.0.0.1:80", []string{"1.2.3.4.5"}, "10.0.0.1"},
		{"empty elements carry nothing", "10.0.0.1:80", []string{"198.51.100.1, , 10.0.0.2,"}, "198.51.100.1"},
		{"hops with ports", "10.0.0.1:80", []string{"198.51.100.1:4321"}, "198.51.100.1"},
		{"IPv6 hops", "[fd00::1]:80", []string{"2001:db8::1"}, "2001:db8::1"},
		{"in brackets", "[fd00::1]:80", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"with a port", "[fd00::1]:80", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv4 in IPv6 is IPv4", "[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"zones go", "[fe80::1%eth0]:80", nil, "fe80::1"},
		{"a trusted peer with a zone", "[fd00::1%eth0]:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"tabs and spaces", "10.0.0.1:80", []string{"\t 198.51.100.1 \t"}, "198.51.100.1"},
		{"a peer without a port", "203.0.113.7", nil, "203.0.113.7"},
		{"a bad port is garbage", "10.0.0.1:80", []string{"198.51.100.1:http"}, "10.0.0.1"},
		{"leading zeros are garbage", "10.0.0.1:80", []string{"198.051.100.001"}, "10.0.0.1"},
		{"no address at all", "@", []string{"198.51.100.1"}, "invalid IP"},
		{"nothing", "", nil, "invalid IP"},
	} {
		h := http.Header{"X-Forwarded-For": tt.lines}
		if got := clientAddr(tt.peer, h, proxies).String(); got != tt.want {
			t.Errorf("%s: ClientAddr(%q, %q) = %s, want %s", tt.rule, tt.peer, tt.lines, got, tt.want)
		}
	}
}

func TestSeedDefect10_ForwardedHeadersAreNotBelieved(t *testing.T) {
	h := http.Header{
		"X-Forwarded-For":  {"6.6.6.6"},
		"X-Real-Ip":        {"6.6.6.6"},
		"Forwarded":        {"for=6.6.6.6"},
		"True-Client-Ip":   {"6.6.6.6"},
		"Cf-Connecting-Ip": {"6.6.6.6"},
	}
	if got := clientAddr("203.0.113.7:1", h, nil).String(); got != "203.0.113.7" {
		t.Errorf("none trusted by default: got %s, want the peer", got)
	}
	if got := clientAddr("10.0.0.1:1", h, nil).String(); got != "10.0.0.1" {
		t.Errorf("a private peer is not trusted by itself: got %s, want the peer", got)
	}
	h.Set("X-Forwarded-For", "6.6.6.6, 198.51.100.1")
	if got := clientAddr("10.0.0.1:1", h, prefixes("10.0.0.0/8")).String(); got != "198.51.100.1" {
		t.Errorf("what a client wrote itself counts for nothing: got %s, want 198.51.100.1", got)
	}
	delete(h, "X-Forwarded-For")
	if got := clientAddr("10.0.0.1:1", h, prefixes("10.0.0.0/8")).String(); got != "10.0.0.1" {
		t.Errorf("only X-Forwarded-For is read: got %s, want the proxy", got)
	}
}

func TestClientAddr_mappedRange(t *testing.T) {
	h := http.Header{"X-Forwarded-For": {"198.51.100.1"}}
	if got := clientAddr("10.0.0.1:1", h, prefixes("::ffff:10.0.0.0/104")).String(); got != "198.51.100.1" {
		t.Errorf("a range in IPv6 clothes is one of IPv4: got %s", got)
	}
}

func TestClientAddr_BehindAUnixSocket(t *testing.T) {
	unix := &Proxies{Networks: prefixes("10.0.0.0/8"), UnixSocket: true}
	for _, tt := range []struct {
		rule, peer, forwarded string
		proxies               *Proxies
		want                  string
		whom                  Identity
	}{
		{"a trusted socket's client is who it forwards for", "@", "198.51.100.1", unix, "198.51.100.1", OneVisitor},
		{"a socket with a name", "/run/shop.sock", "198.51.100.1", unix, "198.51.100.1", OneVisitor},
		{"who is seen there to forward for another", "/run/shop.sock", "6.6.6.6, 198.51.100.1", unix, "198.51.100.1", Forwarder},
		{"a proxy behind the socket is trusted by its network", "@", "198.51.100.1, 10.0.0.2", unix, "198.51.100.1", OneVisitor},
		{"a trusted socket that says nothing is nobody's address", "@", "", unix, "invalid IP", Nobody},
		{"what it says is no address", "@", "unknown", unix, "invalid IP", Nobody},
		{"a socket that nobody trusts", "@", "198.51.100.1", &Proxies{}, "invalid IP", Nobody},
		{"a peer on the network is not on the socket", "203.0.113.7:1", "198.51.100.1", unix, "203.0.113.7", Forwarder},
		{"a peer whose address nobody can read", "pipe", "198.51.100.1", unix, "invalid IP", Nobody},
	} {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{}}
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if addr, whom := tt.proxies.ClientAddr(r); addr.String() != tt.want || whom != tt.whom {
			t.Errorf("%s: peer %q that forwards for %q is %s, for whom: %d; want %s, %d", tt.rule, tt.peer, tt.forwarded, addr, whom, tt.want, tt.whom)
		}
	}
}

func TestClientAddr_WhomItStandsFor(t *testing.T) {
	trusting := &Proxies{Networks: prefixes("10.0.0.0/8")}
	for _, tt := range []struct {
		rule, peer, forwarded string
		want                  Identity
	}{
		{"a peer that forwards for nobody is the visitor", "203.0.113.7:1", "", OneVisitor},
		{"on a private network too", "192.168.1.7:1", "", OneVisitor},
		{"a private peer that forwards and is not listed is a forgotten proxy", "172.17.0.1:1", "198.51.100.1", ForgottenProxy},
		{"likewise on the machine itself", "127.0.0.1:1", "198.51.100.1", ForgottenProxy},
		{"likewise in a cloud's shared address space", "100.64.0.9:1", "198.51.100.1", ForgottenProxy},
		{"likewise by IPv6", "[fd00::1]:1", "198.51.100.1", ForgottenProxy},
		{"a public peer that forwards may make that up", "203.0.113.7:1", "198.51.100.1", Forwarder},
		{"who is behind a trusted proxy", "10.0.0.1:1", "198.51.100.1", OneVisitor},
		{"a trusted proxy that does not say for whom", "10.0.0.1:1", "", Nobody},
		{"a trusted proxy that hides for whom", "10.0.0.1:1", "unknown", Nobody},
		{"a network of delivery in front of a trusted proxy, which nobody listed", "10.0.0.1:1", "203.0.113.7, 172.68.1.1", Forwarder},
		{"a private proxy between that nobody listed", "10.0.0.1:1", "203.0.113.7, 192.168.1.1", ForgottenProxy},
		{"an empty element in front is nobody", "10.0.0.1:1", ", 203.0.113.7", OneVisitor},
		{"a trusted proxy that forwards for its own machine", "10.0.0.1:1", "127.0.0.1", Nobody},
		{"a trusted proxy that does not know for whom", "10.0.0.1:1", "0.0.0.0", Nobody},
		{"a peer that has no address", "0.0.0.0:0", "", Nobody},
		{"likewise by IPv6", "[::]:0", "", Nobody},
		{"a trusted proxy behind a trusted gateway that rewrites addresses", "10.0.0.1:1", "10.0.0.254", Nobody},
	} {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{}}
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if _, whom := trusting.ClientAddr(r); whom != tt.want {
			t.Errorf("%s: peer %q that forwards for %q stands for %d, want %d", tt.rule, tt.peer, tt.forwarded, whom, tt.want)
		}
	}
}

// A proxy that sends another header than X-Forwarded-For forwards for others all the same.
func TestClientAddr_WhoForwardsSaysSo(t *testing.T) {
	for _, name := range []string{"X-Real-IP", "Forwarded", "Via", "X-Forwarded-Proto", "X-Forwarded-Host", "CF-Connecting-IP", "True-Client-IP", "Fly-Client-IP", "X-Envoy-External-Address"} {
		for peer, want := range map[string]Identity{"172.17.0.1:1": ForgottenProxy, "203.0.113.7:1": Forwarder} {
			r := &http.Request{RemoteAddr: peer, Header: http.Header{}}
			r.Header.Set(name, "198.51.100.1")
			addr, whom := (&Proxies{}).ClientAddr(r)
			if whom != want || addr.String()+":1" != peer {
				t.Errorf("a request from %s with %s is %s's and stands for %d, want the peer's and %d", peer, name, addr, whom, want)
			}
		}
	}
}

func TestMaskAddr(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.77": "203.0.113.0", "2001:db8:1:2:3::4": "2001:db8:1::", "::ffff:203.0.113.77": "203.0.113.0", "fe80::1%eth0": "fe80::",
	} {
		if got := MaskAddr(netip.MustParseAddr(in)); got != want {
			t.Errorf("MaskAddr(%s) = %q, want %q", in, got, want)
		}
	}
	if got := MaskAddr(netip.Addr{}); got != "" {
		t.Errorf("MaskAddr of no address = %q, want nothing", got)
	}
}

func TestSubnet(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "::ffff:203.0.113.77": "203.0.113.0/24",
	} {
		if got := Subnet(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("Subnet(%s) = %s, want %s", in, got, want)
		}
	}
	if Subnet(netip.Addr{}).IsValid() {
		t.Error("Subnet of no address is a range")
	}
}

func FuzzClientAddr(f *testing.F) {
	f.Add("10.0.0.1:1", "6.6.6.6, 198.51.100.1", "10.0.0.2")
	f.Add("[::1%x]:1", "[", "]:,")
	f.Fuzz(func(t *testing.T, peer, a, b string) {
		trusted := prefixes("10.0.0.0/8", "::/1")
		got := clientAddr(peer, http.Header{"X-Forwarded-For": {a, b}}, trusted)
		if got.Zone() != "" || got.Is4In6() {
			t.Errorf("%s has a zone or is mapped", got)
		}
		mustBeText(t, MaskAddr(got))
		Subnet(got)
		// Nothing to the left of an untrusted hop may change the result.
		h := http.Header{"X-Forwarded-For": {a, b, "203.0.113.9"}}
		if got := clientAddr("10.0.0.1:1", h, prefixes("10.0.0.0/8")).String(); got != "203.0.113.9" {
			t.Errorf("%q, %q in front of 203.0.113.9 made it %s", a, b, got)
		}
	})
}
