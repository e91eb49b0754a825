package footfall

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// A secret is what authenticates a session: 256 random bits that only its
// cookie holds. Stores know its SecretHash, which is another type so that one
// can never be taken for the other.
type secret [32]byte

func newSecret() (s secret) {
	_, _ = rand.Read(s[:]) // never fails: crypto/rand
	return s
}

func (s *secret) hash() SecretHash { return sha256.Sum256(s[:]) }

// A sessionToken is what a session cookie says: which session, and proof.
type sessionToken struct {
	id     uuid.UUID
	secret secret
}

// The grammars of signed values are disjoint, since the signature does not
// cover the cookie's name: a session value is 36 characters, a dot and 43
// more; a visitor value begins with "v1.".
const (
	uuidLength         = 36
	secretLength       = 43
	sessionValueLength = uuidLength + 1 + secretLength
	visitorPrefix      = "v1."
	visitorValueLength = len(visitorPrefix) + uuidLength

	maxCookieLength     = 512 // longer ones are absent
	maxCookieCandidates = 8   // of duplicates, how many are tried
)

func (t *sessionToken) value() string {
	b := make([]byte, sessionValueLength)
	copy(b, t.id.String())
	b[uuidLength] = '.'
	base64.RawURLEncoding.Encode(b[uuidLength+1:], t.secret[:])
	return string(b)
}

func parseSessionValue(v []byte) (t sessionToken, ok bool) {
	if len(v) != sessionValueLength || v[uuidLength] != '.' {
		return t, false
	}
	id, err := parseCanonicalUUID(v[:uuidLength])
	if err != nil || id.Version() != 7 {
		return t, false
	}
	t.id = id
	n, err := base64.RawURLEncoding.Strict().Decode(t.secret[:], v[uuidLength+1:])
	return t, err == nil && n == len(t.secret)
}

func visitorValue(id uuid.UUID) string { return visitorPrefix + id.String() }

func parseVisitorValue(v []byte) (uuid.UUID, bool) {
	if len(v) != visitorValueLength || string(v[:len(visitorPrefix)]) != visitorPrefix {
		return uuid.Nil, false
	}
	id, err := parseCanonicalUUID(v[len(visitorPrefix):])
	return id, err == nil && (id.Version() == 7 || id.Version() == 4) // 4: adopted from the former service
}

// parseCanonicalUUID accepts the one way this package writes a UUID. It keeps no
// hold of b, which uuid.ParseBytes sends to the heap.
func parseCanonicalUUID(b []byte) (id uuid.UUID, err error) {
	if len(b) != uuidLength {
		return uuid.Nil, errWire
	}
	half := 0
	for i, c := range b {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return uuid.Nil, errWire
			}
			continue
		}
		digit := unhex(c)
		if digit > 15 || 'A' <= c && c <= 'F' {
			return uuid.Nil, errWire
		}
		id[half/2] = id[half/2]<<4 | digit
		half++
	}
	return id, nil
}

// A keyRing signs cookies with its first secret and verifies them with all, in
// the format of Express's cookie-parser: "s:" value "." base64 of the
// HMAC-SHA256 of the value, percent-encoded.
type keyRing []*signingKey

// A signingKey keeps HMAC states for reuse: a new one costs 500 ns, a reset one
// 200.
type signingKey struct{ states sync.Pool }

func newKeyRing(secrets []string) keyRing {
	ring := make(keyRing, len(secrets))
	for i, s := range secrets {
		key := []byte(s)
		ring[i] = &signingKey{states: sync.Pool{New: func() any { return &macState{Hash: hmac.New(sha256.New, key)} }}}
	}
	return ring
}

type macState struct {
	hash.Hash
	in  [maxCookieLength]byte // what is hashed: a caller's buffer would escape to the heap
	sum [sha256.Size]byte
	b64 [secretLength]byte
}

// mac is the signature of a value in unpadded base64. It is valid until the
// state is put back.
func (s *macState) mac(value []byte) []byte {
	s.Reset()
	for len(value) > 0 {
		n := copy(s.in[:], value)
		s.Write(s.in[:n])
		value = value[n:]
	}
	s.Sum(s.sum[:0])
	base64.RawStdEncoding.Encode(s.b64[:], s.sum[:])
	return s.b64[:]
}

// sign returns the cookie value, as it goes on the wire, of a value.
func (k keyRing) sign(value string) string {
	s := k[0].states.Get().(*macState)
	defer k[0].states.Put(s)
	mac := s.mac([]byte(value))
	b := make([]byte, 0, len(value)+len(mac)+24)
	b = append(b, "s%3A"...)
	b = appendEscaped(b, value)
	b = append(b, '.')
	b = appendEscaped(b, mac)
	return string(b)
}

// verify returns the value that a cookie's wire value signs, in buf, and
// whether it was signed with another than the first secret.
func (k keyRing) verify(buf []byte, wire string) (value []byte, old, ok bool) {
	if len(wire) > maxCookieLength {
		return nil, false, false
	}
	text, ok := appendUnescaped(buf, wire)
	if !ok || len(text) < 2 || text[0] != 's' || text[1] != ':' {
		return nil, false, false
	}
	text = text[2:]
	dot := -1
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '.' {
			dot = i
			break
		}
	}
	if dot < 0 {
		return nil, false, false
	}
	value, sum := text[:dot], text[dot+1:]
	for i, key := range k {
		s := key.states.Get().(*macState)
		same := hmac.Equal(s.mac(value), sum)
		key.states.Put(s)
		if same {
			return value, i > 0, true
		}
	}
	return nil, false, false
}

// appendEscaped escapes like JavaScript's encodeURIComponent.
func appendEscaped[T ~string | ~[]byte](b []byte, s T) []byte {
	const upperHex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// appendUnescaped undoes percent-encoding.
func appendUnescaped(b []byte, s string) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '%' {
			b = append(b, c)
			continue
		}
		if i+2 >= len(s) {
			return nil, false
		}
		hi, lo := unhex(s[i+1]), unhex(s[i+2])
		if hi > 15 || lo > 15 {
			return nil, false
		}
		b = append(b, hi<<4|lo)
		i += 2
	}
	return b, true
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// eachCookie calls f with the wire value of each cookie of that name, in order,
// until f returns true. It looks at the header itself: net/http parses every
// cookie, and none at all past 3,000 of them.
func eachCookie(h http.Header, name string, f func(wire string) bool) {
	tried := 0
	for _, line := range h["Cookie"] {
		for len(line) > 0 {
			var part string
			part, line, _ = strings.Cut(line, ";")
			part = strings.Trim(part, " \t")
			if len(part) <= len(name) || part[len(name)] != '=' || part[:len(name)] != name {
				continue
			}
			if tried++; tried > maxCookieCandidates {
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
