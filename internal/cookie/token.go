package cookie

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/uuidtext"
	"github.com/footfall-go/footfall/store"
)

// A Secret is what authenticates a session: 256 random bits that only its cookie
// holds. Stores know its [store.SecretHash], which is another type, so that one
// can never be taken for the other.
type Secret [32]byte

// NewSecret returns a new random secret.
func NewSecret() (s Secret) {
	_, _ = rand.Read(s[:]) // never fails: crypto/rand
	return s
}

// Hash is what stores keep of the secret.
func (s *Secret) Hash() store.SecretHash { return sha256.Sum256(s[:]) }

// Format keeps a secret out of whatever it is printed to.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// A Token is what a session cookie says: which session, and the proof.
type Token struct {
	ID     uuid.UUID
	Secret Secret
}

// The grammars of signed values are disjoint, since the signature does not
// cover the cookie's name: a session value is 36 characters, a dot and 43
// more; a visitor value begins with "v1.".
const (
	uuidLength         = uuidtext.Length
	secretLength       = 43
	sessionValueLength = uuidLength + 1 + secretLength
	visitorPrefix      = "v1."
	visitorValueLength = len(visitorPrefix) + uuidLength
)

// Value is the token as a session cookie's value.
func (t *Token) Value() string { return string(t.appendValue(nil)) }

func (t *Token) appendValue(b []byte) []byte {
	return base64.RawURLEncoding.AppendEncode(append(uuidtext.Append(b, t.ID), '.'), t.Secret[:])
}

// ParseSession reads a session cookie's value.
func ParseSession(v []byte) (t Token, ok bool) {
	if len(v) != sessionValueLength || v[uuidLength] != '.' {
		return t, false
	}
	id, ok := ParseUUID(v[:uuidLength])
	if !ok || id.Version() != 7 {
		return t, false
	}
	t.ID = id
	n, err := base64.RawURLEncoding.Strict().Decode(t.Secret[:], v[uuidLength+1:])
	return t, err == nil && n == len(t.Secret)
}

// VisitorValue is a visitor cookie's value.
func VisitorValue(id uuid.UUID) string { return string(appendVisitor(nil, id)) }

func appendVisitor(b []byte, id uuid.UUID) []byte {
	return uuidtext.Append(append(b, visitorPrefix...), id)
}

// ParseVisitor reads a visitor cookie's value. The id has version 7, or 4 if it
// was adopted from the Express service.
func ParseVisitor(v []byte) (id uuid.UUID, ok bool) {
	if len(v) != visitorValueLength || string(v[:len(visitorPrefix)]) != visitorPrefix {
		return uuid.Nil, false
	}
	id, ok = ParseUUID(v[len(visitorPrefix):])
	return id, ok && (id.Version() == 7 || id.Version() == 4)
}

// VisitorEnd is the fixed end of a visitor's cookie, which visits do not move. The
// id of a visitor who was adopted from the Express service does not say when it
// was made, and only the browser knows the end of its cookie: a new lifetime
// begins now.
func VisitorEnd(id uuid.UUID, lifetime time.Duration) time.Time {
	if id.Version() != 7 {
		return clock.Now().Add(lifetime)
	}
	return clock.IDTime(id).Add(lifetime)
}

// ParseUUID accepts the one way in which cookies write a UUID.
func ParseUUID(b []byte) (id uuid.UUID, ok bool) { return uuidtext.Parse(b) }
