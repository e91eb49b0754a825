package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/store"
)

func TestSeedDefect22_TimesAreReadWholeAndFromOnePlace(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1800": 30 * time.Minute, "30m": 30 * time.Minute, "1h30m": 90 * time.Minute, "400d": 400 * 24 * time.Hour, "0": 0, "2s": 2 * time.Second,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "30x", "30 m", "m30", "-1", "-5m0", "1e3", "1800s1", "99999999999999999999", "9223372036854775807", "d", "1.5d"} {
		if got, err := parseDuration(text); err == nil && got >= 0 {
			t.Errorf("%q is read as %v", text, got)
		}
	}
	c, err := (&Settings{SessionTTL: "45m", SessionMaxAge: "12h", VisitorTTL: "10d"}).compile("development")
	if err != nil {
		t.Fatal(err)
	}
	if c.IdleTimeout != 45*time.Minute || c.MaxAge != 12*time.Hour || c.VisitorTTL != 240*time.Hour || c.lifetimes() != (store.Lifetimes{Idle: c.IdleTimeout, Absolute: c.MaxAge}) {
		t.Errorf("the settings mean %+v", c.Config)
	}
}

// Several mistakes are reported together, one line each, with the setting's name.
func TestSettings_AllMistakesAtOnce(t *testing.T) {
	_, err := (&Settings{SessionTTL: "x", Addr: "nowhere", IPMask: "maybe", CookieSecret: "short"}).compile("development")
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 4 {
		t.Errorf("four mistakes make %d lines:\n%v", len(lines), err)
	}
	for i, name := range []string{"ADDR", "COOKIE_SECRET", "SESSION_TTL", "IP_MASK"} {
		if i < len(lines) && !strings.HasPrefix(lines[i], name+": ") {
			t.Errorf("line %d is %q, want one that begins with %s", i+1, lines[i], name)
		}
	}
	if strings.Contains(err.Error(), "short\"") {
		t.Error("an error shows a secret")
	}
}

func TestSettings_Sizes(t *testing.T) {
	for text, want := range map[string]int64{"1048576": 1 << 20, "1GiB": 1 << 30, "2 MiB": 2 << 20, "5MB": 5e6} {
		c := &compiler{}
		if got := c.size("X", text, "", 0); got != want || len(c.mistakes) != 0 {
			t.Errorf("%q is %d, %v; want %d", text, got, c.mistakes, want)
		}
	}
	for _, text := range []string{"x", "1XB", "-1", "9999999999GiB", "1.5GiB"} {
		c := &compiler{}
		if c.size("X", text, "", 0); len(c.mistakes) == 0 {
			t.Errorf("%q is a size", text)
		}
	}
}

func TestMoney(t *testing.T) {
	for want, m := range map[string]footfall.Money{
		"23.60 EUR": {Amount: 2360, Currency: "EUR"}, "0.05 EUR": {Amount: 5, Currency: "EUR"}, "0.00 EUR": {Currency: "EUR"},
		"1999 JPY": {Amount: 1999, Currency: "JPY"}, "1.999 KWD": {Amount: 1999, Currency: "KWD"}, "-1.50 USD": {Amount: -150, Currency: "USD"},
	} {
		if got := money(m); got != want {
			t.Errorf("%+v is written %q, want %q", m, got, want)
		}
	}
}

func TestSettings_LegacyUntilIsTheEndOfTheShopsDay(t *testing.T) {
	for zone, want := range map[string]string{"": "2026-09-06T00:00:00Z", "America/Santiago": "2026-09-06T04:00:00Z", "Asia/Tokyo": "2026-09-05T15:00:00Z"} {
		c, err := (&Settings{Timezone: zone, LegacyUntil: "2026-09-05", RedisURL: "redis://127.0.0.1:1"}).compile("development")
		if err != nil {
			t.Fatal(err)
		}
		if got := c.LegacyUntil.UTC().Format(time.RFC3339); got != want {
			t.Errorf("LEGACY_UNTIL=2026-09-05 with TIMEZONE=%q ends at %s, want %s: the named day is included, and it is the shop's", zone, got, want)
		}
	}
}

func TestSettings_TimeZonesAreInTheCommand(t *testing.T) {
	src, err := parser.ParseFile(token.NewFileSet(), "settings.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(src.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"time/tzdata"` }) {
		t.Error("the command does not import time/tzdata: TIMEZONE fails on a machine without zone files")
	}
}
