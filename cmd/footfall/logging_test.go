package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/loglimit"
)

// What requests cause to be logged, by Footfall, the demo shop or net/http, is one line a
// second of each kind.
func TestLogging_AClientFillsNoDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, format := range []string{"text", "json"} {
			var out bytes.Buffer
			c := config{logFormat: format}
			log := c.logger(&out, slog.LevelInfo)
			server := slog.NewLogLogger(log.Handler(), slog.LevelWarn)
			for i := range 400 {
				server.Printf("http: panic serving 192.0.2.1:%d: a mistake of the shop\n", i)
				log.Warn("shop: a store does not answer", "error", fmt.Sprint("attempt ", i))
			}
			time.Sleep(3 * loglimit.Every)
			synctest.Wait()
			if n := strings.Count(out.String(), "\n"); n != 4 {
				t.Errorf("%s: 400 requests that go wrong in two ways at once write %d lines, want the first and the latest of each kind:\n%.500s", format, n, &out)
			}
			if !strings.Contains(out.String(), "398") {
				t.Errorf("%s: the log does not say how many lines are left out:\n%s", format, &out)
			}
		}
	})
}
