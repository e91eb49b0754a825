package enrich

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddr returns the address of the client that made a request.
//
// Unless the peer (remoteAddr, as in [http.Request.RemoteAddr]) is in one of the
// trusted ranges, the peer is the client. Otherwise the hops in all
// X-Forwarded-For lines are read from right to left, as long as they are trusted.
// The first hop that is not trusted is the client; hops further left were written
// by the client and are ignored. If a hop is not an address, the search ends at
// the last good one, because whoever wrote it may have invented the rest too. If
// every hop is trusted, the left-most one is the client. No other header
// (X-Real-IP, Forwarded, …) is read.
//
// The result has no zone and no port, and an IPv4-mapped IPv6 address
// (::ffff:192.0.2.1) is returned as IPv4. It is the zero Addr if remoteAddr is
// not an address, as behind a Unix socket.
func ClientAddr(remoteAddr string, h http.Header, trusted []netip.Prefix) netip.Addr {
	addr, ok := parseHop(remoteAddr)
	if !ok || !contains(trusted, addr) {
		return addr
	}
	lines := h["X-Forwarded-For"]
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
				return addr
			}
			addr = next
			if !contains(trusted, addr) {
				return addr
			}
		}
	}
	return addr
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
	if err != nil {
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
