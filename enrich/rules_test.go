package enrich

import (
	"fmt"
	"strings"
	"testing"
)

func readRules(t *testing.T, file string) *Rules {
	t.Helper()
	r, err := ReadRules(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReadRules_sites(t *testing.T) {
	s := readRules(t, "# ours\r\nsocial forum.example  forum\r\nnone google.com # not for us\nAI\tassistant.example\nprovider bank.example\n").Sites()
	for referrer, want := range map[string]Origin{
		"https://www.forum.example/a": {Channel: "Organic Social", Source: "forum"},
		"https://www.google.com/":     {Channel: "Referral", Source: "google.com"},
		"https://www.google.de/":      {Channel: "Organic Search", Source: "google"},
		"https://assistant.example/":  {Channel: "AI Assistants", Source: "assistant.example"},
		"https://pay.bank.example/":   {Channel: "Direct"},
	} {
		got := s.Origin(s.PageFromScript("https://shop.example/", referrer, nil))
		if got.Channel != want.Channel || got.Source != want.Source {
			t.Errorf("the operator's file wins: %s is %s of %q, want %s of %q", referrer, got.Channel, got.Source, want.Channel, want.Source)
		}
		r := request("/", "Sec-Fetch-Mode", "navigate", "Referer", referrer)
		if got := s.Channel(s.PageFromRequest(r, nil)); got != want.Channel {
			t.Errorf("from a request %s is %s, want %s", referrer, got, want.Channel)
		}
	}
	if got := s.Channel(utm("forum", "cpc", "")); got != "Paid Social" {
		t.Errorf("a name in utm_source is %s, want Paid Social", got)
	}
	if got := Channel(from("https://www.google.com/")); got != "Organic Search" {
		t.Errorf("the built-in sites stay as they are: %s", got)
	}
}

func TestReadRules_agents(t *testing.T) {
	r := readRules(t, "bot ShopWatch\nbot Price*Compare\nown MyShop/\nown Tills*CFNetwork\nbot MyShop/9\n")
	a := r.WithOwn("Other App/").Agents(0)
	for ua, want := range map[string]string{
		chromeWindows + " shopwatch/2":                        BotRule,
		chromeWindows + " Price (x) Compare":                  BotRule,
		chromeWindows + " Compare Price":                      "",
		"MyShop/3.2.1 (Android 14; Pixel 8) okhttp/4.12.0":    "",
		"MyShop/9 okhttp/4.12.0":                              "",
		"Tills/7 (x) CFNetwork/1494.0.7 Darwin/23.4.0":        "",
		"Other App/1 python-requests/2":                       "",
		"okhttp/4.12.0":                                       BotTool,
		"ShopWatch/1 Googlebot/2.1":                           BotRule,
		"OtherShop/3.2.1 (Android 14; Pixel 8) okhttp/4.12.0": BotTool,
	} {
		if got := a.Lookup(headers(ua)); got.Bot != want || (want != "") != (got.Device == "bot") {
			t.Errorf("%s is %+v, want the reason %q", ua, got, want)
		}
	}
	if got := NewAgents(0).Lookup(headers(chromeWindows + " shopwatch/2")); got.Bot != "" {
		t.Errorf("the built-in rules stay as they are: %+v", got)
	}
}

// A shadow rule counts visits of people and changes nothing.
func TestReadRules_shadows(t *testing.T) {
	a := readRules(t, "shadow NewThing\nshadow Chrome/124*Safari # everybody, to see how many\nown MyShop/\n").Agents(0)
	for ua, want := range map[string]string{
		chromeWindows:                                  "Chrome/124*Safari",
		safariIPhone + " NewThing/1":                   "NewThing",
		safariIPhone:                                   "",
		"curl/8 NewThing":                              "", // software as it is
		"MyShop/3 NewThing okhttp":                     "",
		safariIPhone + " DebugBear":                    "debugbear", // built in
		strings.ReplaceAll(chromeWindows, "124", "99"): "",
	} {
		got := ""
		if s := a.Shadow(headers(ua)); s != nil {
			got = s.Pattern()
		}
		if got != want {
			t.Errorf("%s is in the shadow of %q, want %q", ua, got, want)
		}
		for range 2 {
			a.Visited(headers(ua))
		}
	}
	if got := a.Lookup(headers(safariIPhone + " NewThing/1")); got.Bot != "" || got.Device != "mobile" {
		t.Errorf("a shadow rule is enforced: %+v", got)
	}
	for _, s := range a.Shadows() {
		want := uint64(0)
		switch s.Pattern {
		case "NewThing", "Chrome/124*Safari", "debugbear":
			want = 2
		}
		if s.Visits != want {
			t.Errorf("%q would have taken %d visits, want %d", s.Pattern, s.Visits, want)
		}
	}
}

func TestReadRules_mistakes(t *testing.T) {
	for file, want := range map[string]string{
		"search a.example\nsoical b.example\n": "line 2: unknown kind \"soical\"",
		"bot\n":                                "line 1: nothing follows \"bot\"",
		"\n\nbot Chrome/":                      "line 3: \"Chrome/\" is a part of browsers'",
		"bot Mobile Safari":                    "a part of browsers'",
		"bot ab":                               "line 1: \"ab\" is too short",
		"own Mozilla":                          "a part of browsers' and crawlers'",
		"shadow *":                             "is too short",
		"own Firefox\nbot Firefox":             "; line 2: ",
		manyShadows():                          "line 65: there are more than 64 shadow rules",
		strings.Repeat("#", maxRulesFile+1):    "more than",
		"x\x1b[31m" + strings.Repeat("y", 100) + " a.example":       "unknown kind",
		strings.Repeat("nonsense a.example\n", 1000) + "bot Chrome": "line 8: ",
	} {
		_, err := ReadRules(strings.NewReader(file))
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 2000 {
			t.Errorf("%.40q: the error is %v, want one with %q", file, err, want)
		}
	}
}

func manyShadows() string {
	var b strings.Builder
	for i := range maxShadows + 1 {
		fmt.Fprintf(&b, "shadow abc%d\n", i)
	}
	return b.String()
}

func TestReadRules_equalShadowsAreOne(t *testing.T) {
	if got, want := len(readRules(t, "shadow abc\nshadow abc # again\n").Agents(0).Shadows()), len(NewAgents(0).Shadows())+1; got != want {
		t.Errorf("%d shadow rules, want %d", got, want)
	}
}

func FuzzReadRules(f *testing.F) {
	f.Add("bot x\nsearch a.example b\n#\n")
	f.Fuzz(func(t *testing.T, file string) {
		r, err := ReadRules(strings.NewReader(file))
		if err != nil {
			mustBeText(t, err.Error())
			return
		}
		r.Agents(16).Lookup(headers(file))
		mustBeText(t, fmt.Sprint(r.Sites().Channel(from("https://a.example/"))))
	})
}
