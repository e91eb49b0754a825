package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/store"
)

func TestSecrets_PrintAsHiddenInEveryForm(t *testing.T) {
	const text = "s3cret-of-the-shop"
	secrets := store.Secrets{text}
	type config struct {
		Name    string
		Secrets store.Secrets
	}
	c := config{"shop", secrets}
	for _, v := range []any{secrets, &secrets, c, &c, []config{c}, map[string]config{"a": c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, text) || strings.Contains(got, fmt.Sprintf("%x", text)) || strings.Contains(got, fmt.Sprintf("%X", text)) {
				t.Errorf("%s of a %T shows the secret: %s", verb, v, got)
			}
		}
		if b, err := json.Marshal(v); err != nil || bytes.Contains(b, []byte(text)) {
			t.Errorf("a %T in JSON shows the secret: %s %v", v, b, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("settings", "value", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("settings", "value", v)
		if strings.Contains(log.String(), text) {
			t.Errorf("a %T in a log shows the secret: %s", v, log.String())
		}
	}
}
