package geoip_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/geoip"
	"github.com/footfall-go/footfall/internal/mmdbtest"
)

type record = map[string]any

func open(t *testing.T, kind string, records map[string]record) *geoip.DB {
	t.Helper()
	networks := map[netip.Prefix]record{}
	for network, r := range records {
		networks[netip.MustParsePrefix(network)] = r
	}
	file := filepath.Join(t.TempDir(), "test.mmdb")
	if err := os.WriteFile(file, mmdbtest.Write(kind, networks), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := geoip.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if db.Type() != kind {
		t.Errorf("the type is %q, want %q", db.Type(), kind)
	}
	return db
}

func check(t *testing.T, db *geoip.DB, want map[string]string) {
	t.Helper()
	for addr, place := range want {
		a, _ := netip.ParseAddr(addr)
		country, city := db.Locate(a)
		if got := country + "/" + city; got != place {
			t.Errorf("%s is in %s, want %s", addr, got, place)
		}
	}
}

func TestLocate_maxMind(t *testing.T) {
	names := func(en, de string) record { return record{"names": record{"en": en, "de": de}} }
	db := open(t, "GeoLite2-City", map[string]record{
		"203.0.113.0/24": {"country": record{"iso_code": "FR", "names": record{"en": "France"}}, "city": names("Paris", "Paris")},
		"203.0.113.7/32": {"country": record{"iso_code": "DE"}, "city": names("Munich", "München")},
		"198.51.100.0/24": {"country": record{"iso_code": "US"},
			"location": record{"time_zone": "America/Chicago"}},
		"2001:db8::/32": {"country": record{"iso_code": "JP"}, "city": names("Tokyo", "Tokio")},
		"192.0.2.0/24":  {"registered_country": record{"iso_code": "GB"}},
	})
	check(t, db, map[string]string{
		"203.0.113.1": "FR/Paris", "203.0.113.7": "DE/Munich", "::ffff:203.0.113.7": "DE/Munich", "203.0.113.255": "FR/Paris", "203.0.114.0": "/",
		"198.51.100.23": "US/", "2001:db8:1::2": "JP/Tokyo", "fe80::1%eth0": "/", "192.0.2.1": "/", "10.0.0.1": "/", "no address": "/",
	})
}

func TestLocate_flat(t *testing.T) {
	check(t, open(t, "dbip-city", map[string]record{
		"203.0.113.0/24":  {"country_code": "FR", "city": "Paris", "state1": "Île-de-France", "timezone": "Europe/Paris"},
		"2001:db8::/32":   {"country_code": "BR", "city": "São Paulo"},
		"198.51.100.0/24": {"country_code": "ZZZ", "city": "a\x00b" + strings.Repeat("é", 100)},
	}), map[string]string{"203.0.113.1": "FR/Paris", "2001:db8::1": "BR/São Paulo", "198.51.100.1": "/ab" + strings.Repeat("é", 31)})

	check(t, open(t, "DBIP-Country", map[string]record{"203.0.113.0/24": {"country_code": "FR"}}), map[string]string{"203.0.113.1": "FR/"})
	check(t, open(t, "ipinfo country.mmdb", map[string]record{
		"203.0.113.0/24":  {"country": "FR", "country_name": "France"},
		"198.51.100.0/24": {"country": "France", "country_code": "FR"},
	}), map[string]string{"203.0.113.1": "FR/", "198.51.100.1": "FR/"})
}

func TestOpen_whatIsNoDatabase(t *testing.T) {
	if _, err := geoip.Open(filepath.Join(t.TempDir(), "none.mmdb")); err == nil {
		t.Error("a file that is not there was opened")
	}
	for _, data := range []string{"", "no database", "\xab\xcd\xefMaxMind.com", "\xab\xcd\xefMaxMind.com\xe0"} {
		if _, err := geoip.Read([]byte(data)); err == nil || !strings.Contains(err.Error(), "it is no MaxMind DB") {
			t.Errorf("%q was read, or the error does not say what is wrong: %v", data, err)
		}
	}
}

// A damaged database costs what it knows, and no more.
func TestLocate_damaged(t *testing.T) {
	whole := mmdbtest.Write("GeoLite2-Country", map[netip.Prefix]record{
		netip.MustParsePrefix("203.0.113.0/24"): {"country": record{"iso_code": "FR"}, "city": record{"names": record{"en": "Paris"}}},
	})
	for i := range whole {
		data := append([]byte(nil), whole...)
		data[i] ^= 0xff
		if db, err := geoip.Read(data); err == nil {
			country, city := db.Locate(netip.MustParseAddr("203.0.113.1"))
			if len(country) != 0 && len(country) != 2 || len(city) > 64 {
				t.Errorf("with byte %d turned over it is in %q %q", i, country, city)
			}
		}
	}
}
