package enrich

import "testing"

// macOS is how iOS begins a user agent when it asks for a desktop site.
const macOS = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "

// Agents that pose as another, with what they are.
func TestAgents_posers(t *testing.T) {
	a := NewAgents(0)
	for _, tt := range []struct{ device, browser, os, ua string }{
		// A desktop site asked for on iOS.
		{"tablet", "Chrome", "iOS", macOS + "CriOS/138 Version/11.1.1 Safari/605.1.15"},
		{"tablet", "Edge", "iOS", macOS + "Version/17.0 EdgiOS/138.0.3351.65 Safari/605.1.15"},
		{"tablet", "Firefox", "iOS", macOS + "FxiOS/140.0 Safari/605.1.15"},
		{"tablet", "Google app", "iOS", macOS + "GSA/375.0.774395588 Safari/605.1.15"},
		{"tablet", "DuckDuckGo", "iOS", macOS + "Version/17.4 Mobile DuckDuckGo/7 Safari/605.1.15"},
		{"tablet", "Facebook", "iOS", macOS + "Mobile/15E148 [FBAN/FBIOS;FBAV/458.0.0.41.109;FBDV/iPad13,1]"},
		{"desktop", "Safari", "macOS", macOS + "Version/17.4 Safari/605.1.15"},
		{"desktop", "DuckDuckGo", "macOS", macOS + "Version/17.4 Safari/605.1.15 Ddg/17.4"},
		{"mobile", "Google app", "Android", "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/138.0.0.0 Mobile Safari/537.36 GSA/15.2"},
		// HarmonyOS.
		{"desktop", "Huawei Browser", "Other", "Mozilla/5.0 (PC; OpenHarmony 6.1; Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 ArkWeb/6.1.0.100 HuaweiBrowser/6.1.3.321"},
		{"desktop", "Chrome", "Other", "Mozilla/5.0 (PC; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1"},
		{"mobile", "Chrome", "Other", "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile"},
		{"tablet", "Chrome", "Other", "Mozilla/5.0 (Tablet; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1"},
		{"mobile", "Huawei Browser", "Android", "Mozilla/5.0 (Linux; Android 12; HarmonyOS; ANA-AN00) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.5735.196 HuaweiBrowser/15.0.4.302 Mobile Safari/537.36"},
		// Android that says otherwise.
		{"desktop", "Chrome", "ChromeOS", "Mozilla/5.0 (Linux; Android 9; HP Chromebook 13 G1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80.0.3987.162 Safari/537.36"},
		{"tablet", "Yandex Browser", "Android", "Mozilla/5.0 (Linux; arm_64; Android 13; DT1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.6261.869 YaSearchBrowser/24.42/apad BroPP/1.0 YaSearchApp/24.42/apad SA/3 Mobile Safari/537.36"},
		{"tablet", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 9; AGS2-W09) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36"},
		{"tv", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 9; 50LEX-8173/UTS2C Build/PTT1.190222.001) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/69.0.3497.91 Safari/537.36"},
		{"tv", "Yandex Browser", "Android", "Mozilla/5.0 (Linux; arm; Android 9; SberBox) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/104.0.5112.124 YaBrowser/22.9.7.43.00 SA/3 Mobile Safari/537.36"},
		{"tv", "Opera", "Android", "Mozilla/5.0 (Linux; Andr0id 11; TVPLUS BOX) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0.6533.120 Safari/537.36 OMI/4.25.1.92.StableAVB.5 Model/TV HbbTV/1.6.1"},
		{"mobile", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 14; BlackBerry Key2) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/123.0.6345.223 Mobile Safari/537.36"},
		{"mobile", "UC Browser", "Android", "UCWEB/2.0 (MIDP-2.0; U; Adr 9; ru; Redmi_Note_8_Pro) U2/1.0.0 UCBrowser/11.0.6.1040 U2/1.0.0 Mobile"},
		{"mobile", "UC Browser", "Windows Phone", "UCWEB/2.0 (Windows; U; wds 8.10; en-US; NOKIA; RM-914) U2/1.0.0 UCBrowser/4.2.1.541 U2/1.0.0 Mobile"},
		{"mobile", "Firefox", "Other", "Mozilla/5.0 (Mobile; LYF/F90M/LYF-F90M-000-02-28-130318; Android; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.0"},
		// Something on the way wrote it in small letters.
		{"mobile", "Chrome", "Android", "mozilla/5.0 (linux; android 10; k) applewebkit/537.36 (khtml, like gecko) chrome/124.0.0.0 mobile safari/537.36"},
		{"desktop", "Firefox", "Windows", "mozilla/5.0 (windows nt 10.0; win64; x64; rv:125.0) gecko/20100101 firefox/125.0"},
		// Telephones with names of crawlers.
		{"mobile", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 13; Spider 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36"},
		{"mobile", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 13; Discovery SE) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0.0.0 Mobile Safari/537.36"},
		{"mobile", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 7.0; M bot 54) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/78.0.3904.96 Mobile Safari/537.36"},
		{"tv", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 11; Xming Google TV Build/RTM7.230903.079; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/129.0.6668.102 Mobile Safari/537.36"},
	} {
		want := Agent{Device: tt.device, Browser: tt.browser, OS: tt.os}
		if got := a.Lookup(headers(tt.ua)); got != want {
			t.Errorf("%s\n got  %+v\n want %+v", tt.ua, got, want)
		}
	}
}

// Crawlers that pose as a telephone name themselves in the model's place, or behind it.
func TestBots_posers(t *testing.T) {
	a := NewAgents(0)
	for _, ua := range []string{
		"Mozilla/5.0 (Linux; Android 8.0; Pixel 2 Build/OPD3.170816.012; Storebot-Google/1.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/81.0.4044.138 Mobile Safari/537.36",
		"Mozilla/5.0 (Linux; Android 10; K; compatible; Examplebot; +https://bot.example/) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Linux; Android 7.0;) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
		"Mozilla/5.0 (Linux; Android 5.0; SM-G920A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome Mobile Safari (compatible; AdsBot-Google-Mobile; +http://www.google.com/mobile/adsbot.html)",
	} {
		if got := a.Lookup(headers(ua)); got.Bot != BotCrawler {
			t.Errorf("%s: %+v, want a crawler", ua, got)
		}
	}
}

// What measures, watches and previews pages for others is no visitor.
func TestBots_monitorsAndPreviews(t *testing.T) {
	const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/117.0.0.0 Safari/537.36"
	a := NewAgents(0)
	for _, ua := range []string{
		"NodePing", chrome + " GTmetrix", "Mozilla/5.0 (X11; Linux x86_64; GTmetrix https://gtmetrix.com/) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/75.0.3770.100 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; trendictionbot0.5.0; trendiction search; http://www.trendiction.de/bot; please let us know of any problems; web at trendiction.com) Gecko/20170101 Firefox/67.0",
		"Mozilla/5.0 (Windows; U; trendiction search) Gecko/20071127 Firefox/3.0.0.11",
		chrome + " PTST/210820.210259", chrome + " Chrome-Lighthouse", chrome + " DatadogSynthetics", chrome + " SpeedCurve", chrome + " Site24x7", chrome + " StatusCake",
		"Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "updown.io daemon 2.11", "Uptime-Kuma/1.18.0",
		"TelegramBot (like TwitterBot)", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)", "Viber/13.3.0",
		"Iframely/1.3.1 (+https://iframely.com/docs/about)", "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
	} {
		if got := a.Lookup(headers(ua)); got.Bot == "" || got.Device != "bot" {
			t.Errorf("%s: %+v, want a bot", ua, got)
		}
	}
}

func TestAgents_applicationsOnApplesSystems(t *testing.T) {
	for ua, want := range map[string]string{
		"Podcasts/1410.53 CFNetwork/1111 Darwin/19.0.0 (x86_64)":             "macOS",
		"Safari/18615.1.21.11.5 CFNetwork/1406.0.2 Darwin/22.4.0":            "macOS",
		"Juice/1 CFNetwork/1333.0.4 Darwin/21.5.0":                           "iOS",
		"Laughable iOS/3.1 (com.example; build:3.1.0.3; iOS 16.3.1)":         "iOS",
		"atc/1.0 watchOS/6.0 model/Watch5,4 hwp/t8006 build/17R561a (6; dt)": "iOS",
	} {
		if got := classify(ua).OS; got != want {
			t.Errorf("%s runs on %s, want %s", ua, got, want)
		}
		if got := NewAgents(0).Lookup(headers("Juice/1 CFNetwork/1333.0.4 Darwin/21.5.0")); got.Bot != BotImplausible {
			t.Errorf("an application's own HTTP client is %+v, want no person unless the shop says that it is its own", got)
		}
	}
}
