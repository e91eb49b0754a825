package store_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/store"
)

const secretText = "s3cret-pw-of-a-test-0123456789ab"

// printed is everything that printing makes of a value.
func printed(t *testing.T, v any) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%p", "%T", "%t", "%#q", "%.3s"} {
		all[verb] = fmt.Sprintf(verb, v)
	}
	all["Sprint"], all["Sprintln"], all["Errorf"] = fmt.Sprint(v), fmt.Sprintln(v), fmt.Errorf("%v", v).Error()
	if b, err := json.Marshal(v); err == nil {
		all["JSON"] = string(b)
	} else {
		all["JSON"] = err.Error()
	}
	var text, lines bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v)
	slog.New(slog.NewJSONHandler(&lines, nil)).Info("m", "v", v)
	all["slog text"], all["slog JSON"] = text.String(), lines.String()
	return all
}

func wantHidden(t *testing.T, what string, v any) {
	t.Helper()
	for form, text := range printed(t, v) {
		lower := strings.ToLower(strings.ReplaceAll(text, " ", ""))
		for _, needle := range []string{secretText, hex.EncodeToString([]byte(secretText)), secretText[:3]} {
			if strings.Contains(lower, needle) {
				t.Errorf("%s printed as %s is %q: a secret is never shown", what, form, text)
			}
		}
	}
}

func TestSecret_IsHiddenHoweverItIsPrinted(t *testing.T) {
	s := store.NewSecret(secretText)
	for what, v := range map[string]any{
		"a secret": s, "a pointer": &s, "a list": store.Secrets(secretText, secretText), "a map": map[string]store.Secret{"a": s},
		"a key of a map": struct{ M map[string]any }{map[string]any{"a": s}}, "an exported field": struct{ S store.Secret }{s}, "a pointer in a field": &struct{ S *store.Secret }{&s},
		"an embedded field": struct{ store.Secret }{s}, "an unexported field": struct{ s store.Secret }{s}, "a list in an unexported field": struct{ s []store.Secret }{store.Secrets(secretText)},
		"an interface in an unexported field": struct{ v any }{s},
	} {
		wantHidden(t, what, v)
	}
	for form, text := range printed(t, s) {
		if form != "%T" && form != "%p" && !strings.Contains(text, "(hidden)") {
			t.Errorf("a secret printed as %s is %q: it says that it is hidden", form, text)
		}
	}
	if s.Reveal() != secretText || (store.Secret{}).Reveal() != "" {
		t.Errorf("a secret reveals %q, and the zero value %q: Reveal returns the text itself", s.Reveal(), store.Secret{}.Reveal())
	}
}
