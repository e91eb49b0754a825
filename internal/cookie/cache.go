package cookie

import (
	"net/http"
	"slices"
	"strings"
)

// KeepPrivate keeps an answer that sets cookies out of every cache, unless the handler
// was as strict already.
func KeepPrivate(h http.Header) {
	if !slices.Contains(directives(h["Cache-Control"]), "no-store") {
		h.Set("Cache-Control", "private, no-store")
	}
	dropSharedCacheControl(h)
	varyByCookie(h)
}

// KeepCustomers keeps an answer that a customer got out of shared caches. The
// customer's own browser may still keep it, if the handler said so.
func KeepCustomers(h http.Header) {
	said := directives(h["Cache-Control"])
	if !slices.Contains(said, "no-store") {
		kept := slices.DeleteFunc(said, func(d string) bool {
			name, _, _ := strings.Cut(d, "=")
			return name == "public" || name == "s-maxage" || name == "private"
		})
		h.Set("Cache-Control", strings.Join(append([]string{"private"}, kept...), ", "))
	}
	dropSharedCacheControl(h)
	varyByCookie(h)
}

// directives are those of a Cache-Control header, in lower case.
func directives(lines []string) (found []string) {
	for _, line := range lines {
		for line != "" {
			var d string
			if d, line = cutDirective(line); d != "" {
				found = append(found, strings.ToLower(d))
			}
		}
	}
	return found
}

// cutDirective takes the first directive off a line. Commas within quotes divide
// nothing: private="a, b" is one.
func cutDirective(line string) (directive, rest string) {
	quoted := false
	for i := range len(line) {
		switch line[i] {
		case '"':
			quoted = !quoted
		case ',':
			if !quoted {
				return strings.TrimSpace(line[:i]), line[i+1:]
			}
		}
	}
	return strings.TrimSpace(line), ""
}

// dropSharedCacheControl removes what shared caches obey rather than Cache-Control:
// the targeted fields of RFC 9213 (CDN-Cache-Control, and Cloudflare's, Vercel's,
// Netlify's and others' of the form *-Cache-Control), Surrogate-Control of the Edge Architecture
// Specification, Akamai's Edge-Control, nginx' X-Accel-Expires, and LiteSpeed's
// X-LiteSpeed-Cache-Control.
func dropSharedCacheControl(h http.Header) {
	for name := range h {
		switch {
		case name == "Surrogate-Control", name == "Edge-Control", name == "X-Accel-Expires", endsInCacheControl(name):
			delete(h, name)
		}
	}
}

func endsInCacheControl(name string) bool {
	const ending = "-cache-control"
	return len(name) > len(ending) && strings.EqualFold(name[len(name)-len(ending):], ending)
}

func varyByCookie(h http.Header) {
	for _, line := range h["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if f := strings.TrimSpace(field); f == "*" || strings.EqualFold(f, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}
