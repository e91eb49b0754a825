package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/doubts"
)

// A warning is a setting that can be used but is most likely a mistake, with what
// follows from it and what to do. The command goes on.
type warning struct{ name, says string }

// settingOf names the settings behind the fields of the tracker's Config that doubts may
// be about.
var settingOf = map[string]string{
	"StoreTimeout": "STORE_TIMEOUT", "IdleTimeout": "SESSION_TTL", "MaxAge": "SESSION_MAX_AGE", "VisitorTTL": "VISITOR_TTL", "JournalSync": "JOURNAL_SYNC",
	"NewSessionsPerMinute": "NEW_SESSIONS_PER_MINUTE", "TrustedProxies": "TRUSTED_PROXIES", "OwnHosts": "OWN_HOSTS",
}

// warnings are all of the settings and of the environment, which is in the form of
// os.Environ.
func (c *config) warnings(environ []string) (all []warning) {
	for _, d := range doubts.Of(doubts.Values{
		StoreTimeout: c.StoreTimeout, IdleTimeout: c.IdleTimeout, MaxAge: c.MaxAge, VisitorTTL: c.VisitorTTL, JournalSync: c.JournalSync,
		NewSessionsPerMinute: c.NewSessionsPerMinute, TrustedProxies: c.TrustedProxies, OwnHosts: c.OwnHosts,
	}) {
		all = append(all, warning{settingOf[d.Field], d.Says})
	}
	return append(all, c.commandWarnings(environ)...)
}

// commandWarnings are those that the tracker does not log itself.
func (c *config) commandWarnings(environ []string) (all []warning) {
	if c.development && everyInterface(c.addr) {
		all = append(all, warning{"ADDR", c.addr + " is reached from the whole network, where in development cookies are not Secure and /metrics is open: use 127.0.0.1, or APP_ENV=production"})
	}
	if !c.LegacyUntil.IsZero() && c.LegacyUntil.Before(time.Now()) {
		all = append(all, warning{"LEGACY_UNTIL", "it is in the past, so that no session of the Express service is adopted any more: unset it, or correct the date"})
	}
	return append(all, misspelt(environ, c.effective)...)
}

// aloneWarnings are those of serve, which is of use beside other processes only.
func (c *config) aloneWarnings() []warning {
	if c.shared.mongodbURI != "" {
		return nil
	}
	return []warning{{"MONGODB_URI", fmt.Sprintf("it is not set, so that serve sees what is in %s alone, and nothing of another process: set it to the shops' (and REDIS_URL too), or run what uses this DATA_DIR", c.database())}}
}

func everyInterface(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// printWarnings prints a line for each, beside the output of a command.
func printWarnings(w io.Writer, all []warning) {
	for _, one := range all {
		fmt.Fprintf(w, "footfall: warning: %s: %s\n", one.name, one.says)
	}
}

func logWarnings(log *slog.Logger, all []warning) {
	for _, one := range all {
		log.Warn("footfall: " + one.name + ": " + one.says)
	}
}

// inSettings names settings in a line of the log where the tracker names fields of its
// Config, which an operator does not know.
func inSettings(_ []string, a slog.Attr) slog.Attr {
	if a.Key != slog.MessageKey || !strings.Contains(a.Value.String(), "Config.") {
		return a
	}
	text := a.Value.String()
	for field, name := range settingOf {
		text = strings.ReplaceAll(text, "Config."+field+":", name+":")
	}
	return slog.String(a.Key, text)
}
