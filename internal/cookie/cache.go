package cookie

import (
	"net/http"
	"slices"
	"strings"
)

// KeepPrivate keeps an answer that sets cookies out of every cache, unless the handler
// was as strict already.
func KeepPrivate(h http.Header) {
	if saysNothingOfCaches(h) { // as most answers
		lines := [...]string{"private, no-store", "Cookie"}
		h["Cache-Control"], h["Vary"] = lines[0:1:1], lines[1:2:2]
		return
	}
	gatherCacheControl(h)
	if !slices.Contains(directives(h["Cache-Control"]), "no-store") {
		h.Set("Cache-Control", "private, no-store")
	}
	dropSharedCacheControl(h)
	varyByCookie(h)
}

// saysNothingOfCaches reports whether none of a header's fields can be one that caches obey,
// or Vary.
func saysNothingOfCaches(h http.Header) bool {
	for name := range h {
		if endsIn(name, "control") || endsIn(name, "expires") || strings.EqualFold(name, "vary") {
			return false
		}
	}
	return true
}

// KeepCustomers keeps an answer that a customer got out of shared caches. The
// customer's own browser may still keep it, if the handler said so.
func KeepCustomers(h http.Header) {
	gatherCacheControl(h)
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

// gatherCacheControl puts Cache-Control that a handler wrote past [http.Header.Set], in
// another case, under its usual name. It would go out beside ours.
func gatherCacheControl(h http.Header) {
	const usual = "Cache-Control"
	for name, lines := range h {
		if name != usual && strings.EqualFold(name, usual) {
			delete(h, name)
			h[usual] = append(h[usual], lines...)
		}
	}
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
		case name == "Cache-Control":
		case endsIn(name, "cache-control"), endsIn(name, "surrogate-control"), endsIn(name, "edge-control"), endsIn(name, "x-accel-expires"):
			delete(h, name)
		}
	}
}

// endsIn reports whether a header's name is another or, as the targeted fields do, ends
// in a hyphen and that.
func endsIn(name, other string) bool {
	at := len(name) - len(other)
	return at >= 0 && strings.EqualFold(name[at:], other) && (at == 0 || name[at-1] == '-')
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
