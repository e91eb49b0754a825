package doubts

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// usual are values that nobody should be warned about.
func usual() Values {
	return Values{
		StoreTimeout: 50 * time.Millisecond, JournalSync: 100 * time.Millisecond, IdleTimeout: 30 * time.Minute, MaxAge: 24 * time.Hour, VisitorTTL: 365 * 24 * time.Hour, NewSessionsPerMinute: 6000,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")},
		OwnHosts:       []string{"shop.example.com", "shop.example.com:8443", "localhost"},
	}
}

func TestOf_UsualValuesAreNotDoubted(t *testing.T) {
	for name, change := range map[string]func(*Values){
		"the defaults":             func(*Values) {},
		"stores over REST":         func(v *Values) { v.StoreTimeout = 500 * time.Millisecond },
		"commands":                 func(v *Values) { v.StoreTimeout = time.Second },
		"a bank's short sessions":  func(v *Values) { v.IdleTimeout, v.MaxAge = 5*time.Minute, time.Hour },
		"idle as long as absolute": func(v *Values) { v.IdleTimeout = v.MaxAge },
		"no cap":                   func(v *Values) { v.NewSessionsPerMinute = -1 },
		"sync always":              func(v *Values) { v.JournalSync = -1 },
		"sync each second":         func(v *Values) { v.JournalSync = time.Second },
	} {
		v := usual()
		change(&v)
		if all := Of(v); len(all) != 0 {
			t.Errorf("%s: %+v: what is usual is not doubted", name, all)
		}
	}
}

func TestOf_ValuesThatAreSurelyWrongAreNamedWithWhatWasMeant(t *testing.T) {
	for name, c := range map[string]struct {
		change      func(*Values)
		field, says string
	}{
		"10 for 10ms":              {func(v *Values) { v.StoreTimeout = 10 * time.Second }, "StoreTimeout", "was 10ms meant?"},
		"2500ms":                   {func(v *Values) { v.StoreTimeout = 2500 * time.Millisecond }, "StoreTimeout", "50ms is usual"},
		"30 for 30m":               {func(v *Values) { v.IdleTimeout = 30 * time.Second }, "IdleTimeout", "was 30m meant?"},
		"absolute below idle":      {func(v *Values) { v.MaxAge = 20 * time.Minute }, "MaxAge", "idle timeout of 30m is never reached"},
		"milliseconds for seconds": {func(v *Values) { v.IdleTimeout = 1_800_000 * time.Second }, "MaxAge", "never reached"},
		"a visitor's short life":   {func(v *Values) { v.VisitorTTL = 365 * time.Second }, "VisitorTTL", "365d is usual"},
		"a tiny cap":               {func(v *Values) { v.NewSessionsPerMinute = 6 }, "NewSessionsPerMinute", "6000 is usual"},
		"everybody is a proxy":     {func(v *Values) { v.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} }, "TrustedProxies", "0.0.0.0/0 contains visitors"},
		"also by version 6":        {func(v *Values) { v.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("::/0")} }, "TrustedProxies", "::/0 contains visitors"},
		"half of everybody":        {func(v *Values) { v.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("128.0.0.0/1")} }, "TrustedProxies", "128.0.0.0/1"},
		"a host with a scheme":     {func(v *Values) { v.OwnHosts = []string{"https://shop.example"} }, "OwnHosts", "use names like shop.example.com"},
		"10 for 10ms to the disk":  {func(v *Values) { v.JournalSync = 10 * time.Second }, "JournalSync", "was 10ms meant?"},
	} {
		v := usual()
		c.change(&v)
		all := Of(v)
		if len(all) != 1 || all[0].Field != c.field || !strings.Contains(all[0].Says, c.says) || strings.Contains(all[0].Says, "\n") {
			t.Errorf("%s: %+v, want one doubt of %s that says %q", name, all, c.field, c.says)
		}
	}
}
