package cookie

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

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

// SetSession adds a Set-Cookie line with a token, signed, for a time to live.
func (a Attributes) SetSession(h http.Header, keys KeyRing, t *Token, age time.Duration) {
	var value [sessionValueLength]byte
	a.set(h, keys, t.appendValue(value[:0]), age)
}

// SetVisitor adds a Set-Cookie line with a visitor's id, signed, for a time to live.
func (a Attributes) SetVisitor(h http.Header, keys KeyRing, id uuid.UUID, age time.Duration) {
	var value [visitorValueLength]byte
	a.set(h, keys, appendVisitor(value[:0], id), age)
}

// Clear adds a Set-Cookie line that removes the cookie.
func (a Attributes) Clear(h http.Header) {
	var line [lineLength]byte
	a.add(h, append(append(line[:0], a.Name...), '='), 0, time.Unix(1, 0))
}

// lineLength is longer than a line whose name is no longer than usual.
const lineLength = MaxLength

func (a Attributes) set(h http.Header, keys KeyRing, value []byte, age time.Duration) {
	var line [lineLength]byte
	b := append(append(line[:0], a.Name...), '=')
	a.add(h, keys.appendSigned(b, value), (age+time.Second-1)/time.Second, clock.Now().Add(age))
}

// add completes a line that begins with the cookie's name and value, as
// [http.Cookie.String] writes it: neither needs quotes.
func (a Attributes) add(h http.Header, line []byte, maxAge time.Duration, expires time.Time) {
	line = append(line, "; Path=/; Expires="...)
	line = expires.UTC().AppendFormat(line, http.TimeFormat)
	line = append(line, "; Max-Age="...)
	line = strconv.AppendInt(line, max(int64(maxAge), 0), 10)
	if a.HTTPOnly {
		line = append(line, "; HttpOnly"...)
	}
	if a.Secure {
		line = append(line, "; Secure"...)
	}
	line = append(line, "; SameSite=Lax"...)
	lines := h["Set-Cookie"]
	if lines == nil {
		lines = make([]string, 0, 2)
	}
	h["Set-Cookie"] = append(lines, string(line))
}
