package cookie

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/secret"
)

// MaxLifetime is the longest that browsers keep a cookie.
const MaxLifetime = 400 * 24 * time.Hour

// CheckSecret says what is wrong with a secret that is to sign cookies: too short,
// printed in documentation, or easy to guess ([secret.Bits]).
func CheckSecret(s string) error {
	if len(s) < 32 {
		return fmt.Errorf("%d bytes are too few: use 32 or more (openssl rand -base64 32)", len(s))
	}
	lower := strings.ToLower(s)
	for _, known := range []string{"your-super-secret-key", "your-secret-key", "change-me", "changeme", "replace-me", "insert-your", "example-secret"} {
		if strings.Contains(lower, known) {
			return errors.New("it is a known placeholder: make one of your own (openssl rand -base64 32)")
		}
	}
	if secret.Bits(s) < secret.MinKeyBits {
		return errors.New("it can be guessed, because it repeats itself or is made of common words or rows of keys: make a random one (openssl rand -base64 32)")
	}
	return nil
}

// CheckName says what is wrong with a cookie's name. Without Secure it cannot have
// the prefixes that browsers keep for secure cookies.
func CheckName(name string, secure bool) error {
	if err := (&http.Cookie{Name: name, Value: "v"}).Valid(); err != nil {
		return fmt.Errorf("%q is no cookie name: use letters, digits, - and _", name)
	}
	if !secure && (strings.HasPrefix(name, "__Host-") || strings.HasPrefix(name, "__Secure-")) {
		return fmt.Errorf("%q needs secure cookies: use another name in development", name)
	}
	return nil
}
