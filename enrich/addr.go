package enrich

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the peers whose X-Forwarded-For is believed. The zero value trusts
// nobody.
type Proxies struct {
	Networks   []netip.Prefix
	UnixSocket bool // peers on a Unix socket
}

// An Identity says how far an address tells visitors apart.
type Identity int

const (
	// OneVisitor is an address of one visitor, or of a few who share a connection.
	OneVisitor Identity = iota
	// Forwarder is the public address of one who forwards for others and is not trusted:
	// a proxy that is not listed, or a client that makes the headers up.
	Forwarder
	// ForgottenProxy is the private address of one who does so: a proxy that somebody
	// forgot to list.
	ForgottenProxy
	// Nobody is no visitor's address: it is unknown, or that of a trusted proxy, or of its
	// machine, that does not say for whom it forwards.
	Nobody
)

// TellsApart reports whether the address may stand for a visitor where abuse is
// limited. If not, what a stranger does would limit everybody.
func (i Identity) TellsApart() bool { return i == OneVisitor || i == Forwarder }

// ClientAddr returns the address of the client that made a request, and whom it
// stands for.
//
// Unless the peer ([http.Request.RemoteAddr]) is trusted, the peer is the client.
// Otherwise the hops in all X-Forwarded-For lines are read from right to left, as long
// as they are trusted. The first hop that is not trusted is the client; hops further
// left were written by the client and are ignored. If a hop is not an address, the
// search ends at the last good one, because whoever wrote it may have invented the
// rest too. If every hop is trusted, the left-most one is the client. No other header
// (X-Real-IP, Forwarded, …) is believed. That a request has one shows, though, that who
// sends it forwards for others: then its address tells nobody apart. So do hops to the left
// of the client's.
//
// The address has no zone and no port, and an IPv4-mapped IPv6 address
// (::ffff:192.0.2.1) is returned as IPv4. It is the zero Addr if the peer has no
// address, as on a Unix socket, and is not trusted or says nothing.
func (p *Proxies) ClientAddr(r *http.Request) (netip.Addr, Identity) {
	peer, ok := parseHop(r.RemoteAddr)
	lines := r.Header["X-Forwarded-For"]
	switch {
	case !ok && !(p.UnixSocket && isUnixSocket(r.RemoteAddr)):
		return netip.Addr{}, Nobody
	case ok && !contains(p.Networks, peer):
		return peer, whoSends(peer, forwards(r.Header))
	}
	addr, forwards := p.forwarded(peer, lines)
	if !addr.IsValid() || contains(p.Networks, addr) || addr.IsLoopback() && !forwards {
		return addr, Nobody
	}
	return addr, whoSends(addr, forwards)
}

// whoSends says whom an address stands for that is not trusted.
func whoSends(addr netip.Addr, forwards bool) Identity {
	switch {
	case !forwards:
		return OneVisitor
	case addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || carrierNetwork.Contains(addr):
		return ForgottenProxy
	}
	return Forwarder
}

// The headers that only who forwards for others adds to a request.
var forwardingHeaders = [...]string{
	"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via", "X-Forwarded-Proto", "X-Forwarded-Host",
	"X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip", "Fly-Client-Ip", "X-Envoy-External-Address",
}

func forwards(h http.Header) bool {
	for _, name := range &forwardingHeaders {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}

// carrierNetwork is shared address space (RFC 6598): of carriers, and of clouds' own
// proxies.
var carrierNetwork = netip.MustParsePrefix("100.64.0.0/10")

// forwarded is the client that a trusted peer forwards for, and whether that one says
// that it forwards for another.
func (p *Proxies) forwarded(peer netip.Addr, lines []string) (addr netip.Addr, forwards bool) {
	addr = peer
	for i := len(lines) - 1; i >= 0; i-- {
		rest := lines[i]
		for rest != "" {
			hop := rest
			if j := strings.LastIndexByte(rest, ','); j >= 0 {
				hop, rest = rest[j+1:], rest[:j]
			} else {
				rest = ""
			}
			hop = strings.Trim(hop, " \t")
			if hop == "" {
				continue // an empty list element has no meaning (RFC 9110, 5.6.1)
			}
			next, ok := parseHop(hop)
			if !ok {
				return addr, false
			}
			addr = next
			if !contains(p.Networks, addr) {
				return addr, i > 0 || strings.Trim(rest, " \t,") != ""
			}
		}
	}
	return addr, false
}

// isUnixSocket reports whether a peer's address is that of a Unix socket: a path, or
// "@" for one without a name.
func isUnixSocket(remoteAddr string) bool {
	return remoteAddr == "" || remoteAddr[0] == '@' || remoteAddr[0] == '/' || remoteAddr[0] == '.'
}

// parseHop reads 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1] and
// [2001:db8::1]:80, each with or without a zone.
func parseHop(s string) (netip.Addr, bool) {
	if len(s) > 96 { // the longest address with a zone and a port is shorter
		return netip.Addr{}, false
	}
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || strings.IndexByte(s[:end], ':') < 0 {
			return netip.Addr{}, false
		}
		host = s[1:end]
		if rest := s[end+1:]; rest != "" {
			if rest[0] != ':' {
				return netip.Addr{}, false
			}
			port = rest[1:]
		}
	} else if i := strings.IndexByte(s, ':'); i >= 0 && strings.IndexByte(s[i+1:], ':') < 0 {
		host, port = s[:i], s[i+1:]
	}
	for i := 0; i < len(port); i++ {
		if port[i] < '0' || port[i] > '9' || i == 5 {
			return netip.Addr{}, false
		}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Unmap().IsUnspecified() { // 0.0.0.0 stands for an address that is not known
		return netip.Addr{}, false
	}
	return addr.Unmap().WithZone(""), true
}

// contains reports whether addr (unmapped, without zone) is in one of the ranges.
func contains(ranges []netip.Prefix, addr netip.Addr) bool {
	for _, p := range ranges {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// MaskAddr returns the address as it is stored: the /24 of an IPv4 address
// ("203.0.113.0"), the /48 of an IPv6 one ("2001:db8:1::"), "" for the zero
// Addr.
func MaskAddr(a netip.Addr) string {
	p := prefix(a, 24, 48)
	if !p.IsValid() {
		return ""
	}
	return p.Addr().String()
}

// Subnet returns the range that shares one rate cap: the /24 of an IPv4
// address, the /64 of an IPv6 one (what one household or one server gets). The
// zero Addr has the zero Prefix.
func Subnet(a netip.Addr) netip.Prefix {
	return prefix(a, 24, 64)
}

func prefix(a netip.Addr, bits4, bits6 int) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := bits6
	if a.Is4() {
		bits = bits4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
