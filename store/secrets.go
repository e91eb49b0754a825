package store

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Secrets are texts that must not be shown, such as the keys that sign cookies. They
// print as "(hidden)" in every form: with each verb of package fmt, also as a field of
// another value, in JSON, as text and in logs. One that is taken out of the list is a
// text like any other.
type Secrets []string

const hidden = "(hidden)"

// String returns "(hidden)".
func (Secrets) String() string { return hidden }

// Format implements [fmt.Formatter].
func (Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText implements [encoding.TextMarshaler].
func (Secrets) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON implements [json.Marshaler].
func (Secrets) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// LogValue implements [slog.LogValuer].
func (Secrets) LogValue() slog.Value { return slog.StringValue(hidden) }
