package cookie

import (
	"net/http"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
)

const (
	// MaxLength is the longest cookie in bytes, as sent; longer ones are absent.
	MaxLength = 512

	maxCandidates = 8 // of cookies with one name, how many are looked at
)

// Each calls f with the value, as sent, of each cookie of that name, in order,
// until f returns true. It looks at the header itself: net/http parses every
// cookie, and none at all past 3,000 of them.
func Each(h http.Header, name string, f func(wire string) bool) {
	tried := 0
	for _, line := range h["Cookie"] {
		for len(line) > 0 {
			var part string
			part, line, _ = strings.Cut(line, ";")
			part = strings.Trim(part, " \t")
			if len(part) <= len(name) || part[len(name)] != '=' || part[:len(name)] != name {
				continue
			}
			if tried++; tried > maxCandidates {
				return
			}
			wire := part[len(name)+1:]
			if len(wire) > 1 && wire[0] == '"' && wire[len(wire)-1] == '"' {
				wire = wire[1 : len(wire)-1]
			}
			if f(wire) {
				return
			}
		}
	}
}

// Attributes are what a Set-Cookie line says beside the value.
type Attributes struct {
	Name     string
	Secure   bool
	HTTPOnly bool // page scripts cannot read it
}

// Set adds a Set-Cookie line with a value that [KeyRing.Sign] returned, for a
// time to live.
func (a Attributes) Set(h http.Header, wire string, age time.Duration) {
	a.add(h, wire, int((age+time.Second-1)/time.Second), clock.Now().Add(age))
}

// Clear adds a Set-Cookie line that removes the cookie.
func (a Attributes) Clear(h http.Header) { a.add(h, "", -1, time.Unix(1, 0)) }

func (a Attributes) add(h http.Header, wire string, maxAge int, expires time.Time) {
	c := http.Cookie{
		Name: a.Name, Value: wire, Path: "/", MaxAge: maxAge, Expires: expires,
		Secure: a.Secure, HttpOnly: a.HTTPOnly, SameSite: http.SameSiteLaxMode,
	}
	h.Add("Set-Cookie", c.String())
}
