package cookie

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"sync"
)

// A KeyRing signs cookies with its first secret and verifies them with all, in
// the format of Express's cookie-parser: "s:" value "." base64 of the
// HMAC-SHA256 of the value, percent-encoded.
type KeyRing []*signingKey

// A signingKey keeps HMAC states for reuse: a new one costs 500 ns, a reset one
// 200.
type signingKey struct{ states sync.Pool }

// NewKeyRing returns the ring of some secrets.
func NewKeyRing(secrets []string) KeyRing {
	ring := make(KeyRing, len(secrets))
	for i, s := range secrets {
		key := []byte(s)
		ring[i] = &signingKey{states: sync.Pool{New: func() any { return &macState{Hash: hmac.New(sha256.New, key)} }}}
	}
	return ring
}

type macState struct {
	hash.Hash
	in  [MaxLength]byte // what is hashed: a caller's buffer would escape to the heap
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

// Sign returns the cookie value, as it goes on the wire, of a value.
func (k KeyRing) Sign(value string) string { return string(k.appendSigned(nil, []byte(value))) }

func (k KeyRing) appendSigned(b, value []byte) []byte {
	s := k[0].states.Get().(*macState)
	defer k[0].states.Put(s)
	b = appendEscaped(append(b, "s%3A"...), value)
	return appendEscaped(append(b, '.'), s.mac(value))
}

// Verify returns the value that a cookie's wire value signs, in buf, and
// whether it was signed with another than the first secret.
func (k KeyRing) Verify(buf []byte, wire string) (value []byte, old, ok bool) {
	if len(wire) > MaxLength {
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
func appendEscaped(b, s []byte) []byte {
	const upperHex = "0123456789ABCDEF"
	for _, c := range s {
		if plain[c] {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// plain are the characters that encodeURIComponent leaves as they are.
var plain = func() (all [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()") {
		all[c] = true
	}
	return all
}()

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
