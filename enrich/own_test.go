package enrich

import (
	"net/http"
	"testing"
)

func TestOwnAgents_AreNoSoftware(t *testing.T) {
	agents := NewAgents(0, "MyShop/", "Tills*CFNetwork", "  spaced app  ")
	for ua, want := range map[string]Agent{
		"MyShop/3.2.1 (Android 14; Pixel 8) okhttp/4.12.0":    {Device: "mobile", Browser: "Other", OS: "Android"},
		"myshop/12 CFNetwork/1494.0.7 Darwin/23.4.0":          {Device: "other"},
		"Tills/7 (x) CFNetwork/1494.0.7 Darwin/23.4.0":        {Device: "other"},
		"Dart/3.1 (dart:io) MyShop/1":                         {Device: "other"},
		"Spaced App 2":                                        {Device: "other"},
		"CFNetwork/1494.0.7 Tills/7 Darwin/23.4.0":            {Device: "bot", Bot: BotImplausible},
		"okhttp/4.12.0":                                       {Device: "bot", Bot: BotTool},
		"OtherShop/3.2.1 (Android 14; Pixel 8) okhttp/4.12.0": {Device: "bot", Bot: BotTool},
	} {
		got := agents.Lookup(http.Header{"User-Agent": {ua}})
		if got.Bot != want.Bot {
			t.Errorf("%s is a bot for the reason %q, want %q: the shop's own apps are people, others' are not", ua, got.Bot, want.Bot)
		}
		if want.OS != "" && (got.OS != want.OS || got.Device != want.Device) {
			t.Errorf("%s is %+v, want %+v", ua, got, want)
		}
	}
}

func TestCheckAgentPattern(t *testing.T) {
	for _, bad := range []string{"", "*", " a* ", "Mozilla", "firefox*", "Googlebot", "Gecko", "*Safari", "Android", "iPhone", "Mobile", "Macintosh", "Edg/", "bot", "spider", "http"} {
		if CheckAgentPattern(bad) == nil {
			t.Errorf("the pattern %q is accepted: it would make everybody one of the shop's own apps", bad)
		}
	}
	for _, good := range []string{"MyShop/", "okhttp*MyShop"} {
		if err := CheckAgentPattern(good); err != nil {
			t.Errorf("the pattern %q is refused: %v", good, err)
		}
	}
}
