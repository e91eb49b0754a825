package store

import (
	"fmt"
	"io"
	"log/slog"
)

// hiddenSecret is what is printed of a secret.
const hiddenSecret = "(hidden)"

// A Secret is a text that must not be shown, such as a key that signs cookies. It
// prints as "(hidden)" in every form: with each verb of package fmt, in JSON, as text
// and in logs. Inside an unexported field, where none of its methods is called,
// printing shows an address. [Secret.Reveal] alone returns the text.
type Secret struct {
	// A function, because reflection, by which values are printed, cannot look into one.
	reveal func() string
}

// NewSecret returns a secret of this text.
func NewSecret(text string) Secret { return Secret{func() string { return text }} }

// Secrets returns secrets of these texts, in their order.
func Secrets(texts ...string) []Secret {
	secrets := make([]Secret, len(texts))
	for i, text := range texts {
		secrets[i] = NewSecret(text)
	}
	return secrets
}

// Reveal returns the text itself. The text of the zero value is empty.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// String returns "(hidden)".
func (s Secret) String() string { return hiddenSecret }

// GoString returns "(hidden)".
func (s Secret) GoString() string { return hiddenSecret }

// Format writes "(hidden)", whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenSecret) }

// MarshalText returns "(hidden)", also for JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hiddenSecret), nil }

// LogValue returns "(hidden)".
func (s Secret) LogValue() slog.Value { return slog.StringValue(hiddenSecret) }
