package enrich

import "strings"

// location is the parts of a URL. It is parsed by hand because browsers send URLs
// that net/url refuses, such as those with a stray %.
type location struct {
	scheme string // lower case
	host   string // lower case, without user, port and trailing dot
	rest   string // path, query and fragment, unchanged
}

func (l location) web() bool { return l.scheme == "http" || l.scheme == "https" }

// splitURL reads an absolute URL with a host.
func splitURL(s string) (location, bool) {
	i := strings.Index(s, "://")
	if i <= 0 || i > 32 {
		return location{}, false
	}
	l := location{scheme: strings.ToLower(s[:i])}
	for j := 0; j < i; j++ {
		if c := s[j]; !isAlnum(c) && c != '-' && c != '+' && c != '.' {
			return location{}, false
		}
	}
	authority := s[i+3:]
	if j := strings.IndexAny(authority, `/\?#`); j >= 0 {
		authority, l.rest = authority[:j], authority[j:]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	l.host = hostname(authority)
	return l, l.host != ""
}

// hostname returns the host of "host" or "host:port" in lower case, without
// brackets and trailing dot, or "" if it cannot be a host.
func hostname(hostport string) string {
	if len(hostport) > 262 { // 253 for the name, and a port
		return ""
	}
	host := hostport
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return ""
		}
		host = host[1:end]
	} else if i := strings.IndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	if len(host) > 253 {
		return ""
	}
	for i := 0; i < len(host); i++ {
		switch c := host[i]; {
		case isAlnum(c), c == '-', c == '.', c == '_', c == ':', c >= 0x80:
		default:
			return ""
		}
	}
	return strings.ToLower(host)
}

// parseReferrer returns a referrer in the form to store, and its parts, or "" if
// it is not one.
func parseReferrer(s string) (string, location) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", location{}
	}
	l, ok := splitURL(s)
	if !ok || !l.web() && l.scheme != "android-app" {
		return "", location{}
	}
	return tidyURL(s), l
}

// isOwn reports whether host is the shop's: the page's own host, with or without
// www., or a host that own accepts.
func isOwn(host, page string, own func(string) bool) bool {
	if host == "" {
		return false
	}
	if page = hostname(page); page != "" && strings.TrimPrefix(host, "www.") == strings.TrimPrefix(page, "www.") {
		return true
	}
	return own != nil && own(host)
}
