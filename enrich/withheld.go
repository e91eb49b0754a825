package enrich

import (
	"net/http"
	"strings"
)

// CookiesWithheld reports whether a browser held back the shop's cookies, which are
// SameSite=Lax, from a request: another site made it, and it is no top-level
// navigation with a safe method. The return from a bank by POST is one, so is a frame
// of the shop on another site's page, its image there, a widget's fetch. That such a
// request has no cookies does not mean that the browser has none.
//
// Fetch metadata say it; without them a foreign Origin does. own is as in
// [PageFromRequest].
func CookiesWithheld(r *http.Request, own func(host string) bool) bool {
	if site := r.Header["Sec-Fetch-Site"]; len(site) > 0 && site[0] != "" {
		return site[0] == "cross-site" && !isTopNavigation(r)
	}
	origin := r.Header["Origin"]
	if len(origin) == 0 || origin[0] == "" {
		return false
	}
	from, ok := splitURL(origin[0])
	return !ok || !isSameSite(from.host, r.Host, own) // "null" is nobody's
}

// isTopNavigation reports whether Fetch metadata say that a window's user navigates,
// and with a method for which Lax cookies are sent.
func isTopNavigation(r *http.Request) bool {
	if mode := r.Header["Sec-Fetch-Mode"]; len(mode) == 0 || mode[0] != "navigate" {
		return false
	}
	if dest := r.Header["Sec-Fetch-Dest"]; len(dest) > 0 && dest[0] != "" && dest[0] != "document" {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// isSameSite reports whether a host is the shop's or shares its domain: one of the two
// is the other's parent. Browsers send Lax cookies between such hosts.
func isSameSite(host, shop string, own func(string) bool) bool {
	if isOwn(host, shop, own) {
		return true
	}
	shop = hostname(shop)
	return host != "" && shop != "" && (strings.HasSuffix(host, "."+shop) || strings.HasSuffix(shop, "."+host))
}
