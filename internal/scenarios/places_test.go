package scenarios_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/geoip"
	"github.com/footfall-go/footfall/internal/mmdbtest"
	"github.com/footfall-go/footfall/internal/stage"
)

// A session has the country and city of its address, which is stored masked.
func TestPlaces_OfASessionsAddress(t *testing.T) {
	t.Parallel()
	db, err := geoip.Read(mmdbtest.Write("GeoLite2-City", map[netip.Prefix]map[string]any{
		netip.MustParsePrefix("203.0.113.77/32"): {"country": map[string]any{"iso_code": "FR"}, "city": map[string]any{"names": map[string]any{"en": "Paris"}}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	s := stage.New(t, func(c *footfall.Config) { c.Locate = db.Locate })
	for address, want := range map[string]string{"203.0.113.77": "203.0.113.0 FR/Paris", "203.0.113.78": "203.0.113.0 /"} {
		b := stage.NewBrowser(t, s.Site())
		b.Addr = address + ":4711"
		b.Do("GET", "/")
		stored := s.Stored(stage.SessionOf(t, b))
		if got := stored.IPAddress + " " + stored.Country + "/" + stored.City; got != want {
			t.Errorf("the session of %s is stored with %s, want %s", address, got, want)
		}
	}
}

// What a shop's own function says of a place is bounded like all texts.
func TestPlaces_AreBounded(t *testing.T) {
	t.Parallel()
	s := stage.New(t, func(c *footfall.Config) {
		c.Locate = func(netip.Addr) (country, city string) { return "FR\x00", strings.Repeat("é", 1000) }
	})
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	if stored := s.Stored(stage.SessionOf(t, b)); stored.Country != "FR" || stored.City != strings.Repeat("é", 32) {
		t.Errorf("country %q, city %q: want them bounded", stored.Country, stored.City)
	}
}
