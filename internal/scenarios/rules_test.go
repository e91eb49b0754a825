package scenarios_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/stage"
)

// The operator's rules decide whom a shop takes for software, and what is a referrer.
func TestRules_OfAnOperator(t *testing.T) {
	t.Parallel()
	rules, err := enrich.ReadRules(strings.NewReader("bot ShopWatch\nshadow PriceThing\nown MyShop/\nsocial forum.example forum\nprovider bank.example\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := stage.New(t, func(c *footfall.Config) { c.Rules = rules })
	visit := func(agent, referrer string, views int) *stage.Browser {
		b := stage.NewBrowser(t, s.Site())
		b.Header.Set("User-Agent", agent)
		b.Header.Set("Sec-Fetch-Mode", "navigate")
		b.Header.Set("Referer", referrer)
		for range views {
			b.Do("GET", "/")
		}
		return b
	}
	visit(stage.Firefox+" ShopWatch/1", "", 1)
	if n := s.Count("bot_views"); n != 1 {
		t.Errorf("%d views are taken for software's, want that of the bot in the rules", n)
	}
	visit(stage.Firefox+" PriceThing/2", "", 3)
	visit(stage.Firefox, "", 1)
	if got, want := s.Tracker.Status(t.Context()).ShadowBots, []enrich.ShadowCount{{Pattern: "PriceThing", Visits: 1}}; !slices.Equal(got, want) {
		t.Errorf("the shadow rules counted %+v, want %+v: a visit counts once", got, want)
	}
	if n := s.Count("bot_views"); n != 1 {
		t.Errorf("a shadow rule was enforced: %d views of bots", n)
	}
	for referrer, want := range map[string]string{"https://forum.example/t/1": "Organic Social", "https://pay.bank.example/": "Direct"} {
		b := visit("MyShop/3 okhttp/4.12.0", referrer, 1)
		if got := s.Stored(stage.SessionOf(t, b)).Channel; got != want {
			t.Errorf("from %s the channel is %s, want %s", referrer, got, want)
		}
	}
}
