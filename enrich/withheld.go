package enrich

import (
	"net/http"
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// CookiesWithheld reports whether a browser held back the shop's cookies, which are
// SameSite=Lax, from a request: another site made it, and it is no top-level
// navigation with a safe method. The return from a bank by POST is one, so is a frame
// of the shop on another site's page, its image there, a widget's fetch. That such a
// request has no cookies does not mean that the browser has none.
//
// Fetch metadata say it. Without them a foreign Origin does; and without that a foreign
// Referer, if the request is no navigation: it has another method than GET and HEAD, or
// asks for an image, a style sheet or a medium. own is as in [PageFromRequest].
func CookiesWithheld(r *http.Request, own func(host string) bool) bool {
	if site := r.Header["Sec-Fetch-Site"]; len(site) > 0 && site[0] != "" {
		return site[0] == "cross-site" && !isTopNavigation(r)
	}
	if origin := r.Header["Origin"]; len(origin) > 0 && origin[0] != "" {
		from, ok := splitURL(origin[0])
		return !ok || !isSameSite(from.host, r.Host, own) // "null" is nobody's
	}
	referer := r.Header["Referer"]
	if len(referer) == 0 || (r.Method == http.MethodGet || r.Method == http.MethodHead) && !acceptsAsset(r.Header) {
		return false
	}
	from, ok := splitURL(referer[0])
	return ok && from.web() && !isSameSite(from.host, r.Host, own)
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

// isSameSite reports whether a host is the shop's or is registered under the same
// domain, as www.shop.example and checkout.shop.example are. Browsers send Lax cookies
// between such hosts.
func isSameSite(host, shop string, own func(string) bool) bool {
	if isOwn(host, shop, own) {
		return true
	}
	domain := registered(host)
	return domain != "" && domain == registered(hostname(shop))
}

// registered is the part of a host that somebody registered, "" for an address and for a
// name of one word.
func registered(host string) string {
	if _, err := netip.ParseAddr(host); err == nil || strings.IndexByte(host, ':') >= 0 {
		return ""
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	return domain
}
