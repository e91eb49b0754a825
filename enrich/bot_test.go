package enrich

import "testing"

func TestBots(t *testing.T) {
	a := NewAgents(0)
	for _, tt := range []struct{ bot, ua string }{
		{BotNoAgent, ""},
		{BotNoAgent, "   "},
		{BotCrawler, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
		{BotCrawler, "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
		{BotCrawler, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"},
		{BotCrawler, "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0; +https://openai.com/gptbot)"},
		{BotCrawler, "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"},
		{BotCrawler, "WhatsApp/2.23.20.0"},
		{BotCrawler, "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"},
		{BotTool, "curl/8.5.0"},
		{BotTool, "Wget/1.21.4"},
		{BotTool, "python-requests/2.31.0"},
		{BotTool, "Python/3.11 aiohttp/3.9.3"},
		{BotTool, "axios/1.6.8"},
		{BotTool, "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"},
		{BotTool, "node"},
		{BotTool, "undici"},
		{BotTool, "Go-http-client/1.1"},
		{BotTool, "okhttp/4.12.0"},
		{BotTool, "Java/17.0.1"},
		{BotTool, "Apache-HttpClient/4.5.14 (Java/17.0.1)"},
		{BotTool, "PostmanRuntime/7.37.0"},
		{BotTool, "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.4291"},
		{BotTool, "GuzzleHttp/7"},
		{BotHeadless, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/124.0.0.0 Safari/537.36"},
		{BotHeadless, "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1"},
		{BotImplausible, "Mozilla/5.0"},
		{BotImplausible, "x"},
		{BotImplausible, "() { :; }; echo"},
		{BotImplausible, "日本語 テスト"},
	} {
		got := a.Lookup(headers(tt.ua))
		if got.Bot != tt.bot || got.Device != "bot" {
			t.Errorf("%q: bot %q device %q, want %q bot", tt.ua, got.Bot, got.Device, tt.bot)
		}
	}
	if got := a.Lookup(nil); got.Bot != BotNoAgent {
		t.Errorf("no headers at all: %+v", got)
	}
}

func TestBots_everyPatternRuns(t *testing.T) {
	table := botTable()
	if len(table.skipped) != 0 {
		t.Errorf("Go cannot run these patterns of data/isbot.json; write their look-arounds as functions: %q", table.skipped)
	}
	if n := len(table.declared) + len(table.shapes); n < 200 {
		t.Errorf("%d patterns, want the whole list", n)
	}
	known := map[string]bool{}
	for _, r := range append(append([]rule{}, table.declared...), table.shapes...) {
		known[r.pattern] = true
	}
	for p := range lookarounds {
		if !known[p] {
			t.Errorf("%q is no longer in the list: its function may go", p)
		}
	}
}

func TestBots_lookarounds(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{`(?:^|[^g])news(?!sapphire)`, "news", true},
		{`(?:^|[^g])news(?!sapphire)`, "gnews", false},
		{`(?:^|[^g])news(?!sapphire)`, "newssapphire", false},
		{`(?:^|[^g])news(?!sapphire)`, "gnews news", true},
		{`(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))`, "google", true},
		{`(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))`, "google pixel 6", false},
		{`(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))`, "google/google", false},
		{`(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))`, "x channel/google", false},
		{`(?<! cu)bots?(?:\b|_)`, "robots", true},
		{`(?<! cu)bots?(?:\b|_)`, "bot_x", true},
		{`(?<! cu)bots?(?:\b|_)`, "x cubot", false},
		{`(?<! cu)bots?(?:\b|_)`, "bottle", false},
		{`(?<!cam)scan`, "scanner", true},
		{`(?<!cam)scan`, "camscanner", false},
		{`(?<!lib)http`, "http", true},
		{`(?<!lib)http`, "libhttp", false},
		{`java(?!;)`, "java/1", true},
		{`java(?!;)`, "java; u", false},
	} {
		if got := lookarounds[tt.pattern](tt.text); got != tt.want {
			t.Errorf("%s on %q: %v, want %v", tt.pattern, tt.text, got, tt.want)
		}
	}
}
