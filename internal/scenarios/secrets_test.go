package scenarios_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/store"
)

func TestConfig_SecretsAreHiddenHoweverAConfigIsPrinted(t *testing.T) {
	t.Parallel()
	const secret = "s3cret of a test, of 32 bytes or more"
	c := footfall.Config{Secrets: store.Secrets("another s3cret of 32 bytes or more", secret), JournalDir: "journal"}
	type embedding struct {
		footfall.Config
		Name string
	}
	for what, v := range map[string]any{
		"a Config": c, "a pointer": &c, "its secrets": c.Secrets, "one secret": c.Secrets[1], "a list": []footfall.Config{c}, "a map": map[string]footfall.Config{"c": c},
		"an exported field": struct{ Config footfall.Config }{c}, "an exported pointer": &struct{ Config *footfall.Config }{&c},
		"an embedded field": embedding{c, "shop"}, "an embedded field, by pointer": &embedding{c, "shop"},
		"an unexported field": struct{ c footfall.Config }{c}, "an unexported pointer": struct{ c *footfall.Config }{&c},
		"unexported, two deep": struct{ e struct{ c footfall.Config } }{struct{ c footfall.Config }{c}},
	} {
		all := map[string]string{}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			all[verb] = fmt.Sprintf(verb, v)
		}
		b, err := json.Marshal(v)
		all["JSON"] = fmt.Sprint(string(b), err)
		var text, lines bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&lines, nil)).Info("m", "v", v)
		all["slog text"], all["slog JSON"] = text.String(), lines.String()
		for form, text := range all {
			if lower := strings.ToLower(text); strings.Contains(lower, "s3cret") || strings.Contains(lower, hex.EncodeToString([]byte("s3cret"))) {
				t.Errorf("%s printed as %s shows a cookie secret: %s", what, form, text)
			}
		}
	}
}
