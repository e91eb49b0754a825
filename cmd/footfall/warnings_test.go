package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWarnings_SettingsThatAreSurelyWrong(t *testing.T) {
	for name, c := range map[string]struct {
		settings Settings
		setting  string
		says     string
	}{
		"10 seconds for 10ms":        {Settings{StoreTimeout: "10"}, "STORE_TIMEOUT", "was 10ms meant?"},
		"30 seconds for 30m":         {Settings{SessionTTL: "30"}, "SESSION_TTL", "was 30m meant?"},
		"absolute below idle":        {Settings{SessionMaxAge: "10m"}, "SESSION_MAX_AGE", "idle timeout of 30m is never reached"},
		"a visitor's life":           {Settings{VisitorTTL: "365"}, "VISITOR_TTL", "365d is usual"},
		"everybody is trusted":       {Settings{TrustedProxies: "10.0.0.0/8,0.0.0.0/0"}, "TRUSTED_PROXIES", "0.0.0.0/0 contains visitors"},
		"everybody of IPv6":          {Settings{TrustedProxies: "::/0"}, "TRUSTED_PROXIES", "::/0 contains visitors"},
		"a tiny cap":                 {Settings{NewSessionsPerMinute: "6"}, "NEW_SESSIONS_PER_MINUTE", "6000 is usual"},
		"10 seconds to the disk":     {Settings{JournalSync: "10"}, "JOURNAL_SYNC", "was 10ms meant?"},
		"development for the world":  {Settings{AppEnv: "development", Addr: "0.0.0.0:3000"}, "ADDR", "is reached from the whole network"},
		"development, short":         {Settings{AppEnv: "development", Addr: ":3000"}, "ADDR", "is reached from the whole network"},
		"development on IPv6":        {Settings{AppEnv: "development", Addr: "[::]:3000"}, "ADDR", "is reached from the whole network"},
		"an adoption that was":       {Settings{LegacyUntil: "2020-01-31", RedisURL: "redis://127.0.0.1:1"}, "LEGACY_UNTIL", "it is in the past"},
		"nothing":                    {Settings{}, "", ""},
		"production for the world":   {Settings{Addr: "0.0.0.0:3000"}, "", ""},
		"development for itself":     {Settings{AppEnv: "development", Addr: "127.0.0.1:3000"}, "", ""},
		"no cap":                     {Settings{NewSessionsPerMinute: "0"}, "", ""},
		"a shop behind a proxy":      {Settings{TrustedProxies: "10.0.0.0/8,172.16.0.0/12,fc00::/7,unix", OwnHosts: "shop.example"}, "", ""},
		"over REST":                  {Settings{UpstashURL: "https://x.example", UpstashToken: "t"}, "", ""},
		"durable to the last record": {Settings{JournalSync: "always"}, "", ""},
	} {
		s, err := c.settings.compile("production")
		if err != nil {
			t.Fatalf("%s: %v: it is to be used, and warned about", name, err)
		}
		all := s.warnings(nil)
		if c.setting == "" && len(all) != 0 {
			t.Errorf("%s: %v: what is usual is not warned about", name, all)
		}
		if c.setting != "" && (len(all) != 1 || all[0].name != c.setting || !strings.Contains(all[0].says, c.says)) {
			t.Errorf("%s: %v; want one warning of %s that says %q", name, all, c.setting, c.says)
		}
	}
}

func TestWarnings_ServeNeedsAnArchiveThatOthersUse(t *testing.T) {
	for uri, want := range map[string]int{"": 1, "mongodb://127.0.0.1:1/footfall": 0} {
		c, err := (&Settings{MongoDBURI: uri, RedisURL: "redis://127.0.0.1:1"}).compile("production")
		if err != nil {
			t.Fatal(err)
		}
		if all := c.aloneWarnings(); len(all) != want {
			t.Errorf("serve with MONGODB_URI=%q: %v; want %d warnings", uri, all, want)
		}
	}
}

// Each doubt of the tracker is named as the operator knows it.
func TestWarnings_AreNamedAsSettings(t *testing.T) {
	names := settingNames()
	for field, name := range settingOf {
		if !slices.Contains(names, name) {
			t.Errorf("%s is %s, which is no setting", field, name)
		}
	}
}
