package footfall

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// A tracker starts with what is most likely a mistake, and says so.
func TestNew_LogsWhatIsMostLikelyAMistake(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"the defaults": {func(*Config) {}, ""},
		"a short idle": {func(c *Config) { c.IdleTimeout = 30 * time.Second }, "footfall: Config.IdleTimeout: a session ends after 30s without a request, and customers are logged out: was 30m meant?"},
		"a URL":        {func(c *Config) { c.OwnHosts = []string{"https://shop.example"} }, "footfall: Config.OwnHosts: "},
	} {
		archive, err := sqlitearchive.Open(t.TempDir()+"/footfall.db", sqlitearchive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		config := Config{
			Secrets: []string{"Zr6Qw2Yx8Tn4Vb1Kc5Mh7Lp9Jd3Gs0Fa"}, Hot: memstore.New(0), Archive: archive, JournalDir: t.TempDir(),
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		}
		c.change(&config)
		tracker, err := New(config)
		if err != nil {
			t.Fatalf("%s: %v: it is to be used, and warned about", name, err)
		}
		if err := tracker.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := archive.Close(); err != nil {
			t.Error(err)
		}
		if c.says == "" && log.Len() > 0 || !strings.Contains(log.String(), c.says) {
			t.Errorf("%s: the log is %q, want %q in it", name, log.String(), c.says)
		}
	}
}

func TestErrNoRequest_SaysWhatToDo(t *testing.T) {
	if text := ErrNoRequest.Error(); !strings.Contains(text, "pass r.Context()") || !strings.Contains(text, "TrackFor or PlaceOrderFor") {
		t.Errorf("%q: who gets it has another context, or no request: it has to say what to do in either case", text)
	}
}

func TestConfig_DurationsInErrorsReadAsPeopleWriteThem(t *testing.T) {
	_, err := New(Config{RetentionSessions: time.Hour, VisitorTTL: 500 * 24 * time.Hour})
	if err == nil || strings.Contains(err.Error(), "0m0s") || !strings.Contains(err.Error(), "Config.RetentionSessions: 1h is too short: use 24h or more") || !strings.Contains(err.Error(), "500d is too long") {
		t.Errorf("%v", err)
	}
}
