package enrich

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

// headers builds a header from a user agent and further names and values.
func headers(ua string, more ...string) http.Header {
	h := http.Header{}
	h.Set("User-Agent", ua)
	for i := 0; i < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

const (
	chromeWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"
	chromeAndroid = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36"
	chromeTablet  = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"
	safariIPhone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
)

// people are agents that people use; names are those of DEFINITIONS.
var people = []struct{ device, browser, os, ua string }{
	{"desktop", "Chrome", "Windows", chromeWindows},
	{"mobile", "Chrome", "Android", chromeAndroid},
	{"tablet", "Chrome", "Android", chromeTablet},
	{"mobile", "Safari", "iOS", safariIPhone},
	{"desktop", "Chrome", "macOS", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"},
	{"desktop", "Chrome", "ChromeOS", "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"},
	{"desktop", "Chrome", "Linux", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"},
	{"desktop", "Chromium", "Linux", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/80.0.3987.87 Chrome/80.0.3987.87 Safari/537.36"},
	{"desktop", "Safari", "macOS", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15"},
	{"tablet", "Safari", "iOS", "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1"},
	{"mobile", "Chrome", "iOS", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/124.0.6367.68 Mobile/15E148 Safari/604.1"},
	{"mobile", "Firefox", "iOS", "Mozilla/5.0 (iPhone; CPU iPhone OS 14_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/125.0 Mobile/15E148 Safari/605.1.15"},
	{"mobile", "Edge", "iOS", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 EdgiOS/123.0.2420.72 Mobile/15E148 Safari/604.1"},
	{"desktop", "Firefox", "Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0"},
	{"desktop", "Firefox", "Linux", "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"},
	{"mobile", "Firefox", "Android", "Mozilla/5.0 (Android 14; Mobile; rv:125.0) Gecko/125.0 Firefox/125.0"},
	{"tablet", "Firefox", "Android", "Mozilla/5.0 (Android 14; Tablet; rv:125.0) Gecko/125.0 Firefox/125.0"},
	{"desktop", "Edge", "Windows", chromeWindows + " Edg/124.0.2478.51"},
	{"desktop", "Edge", "Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763"},
	{"desktop", "Opera", "Windows", chromeWindows + " OPR/109.0.0.0"},
	{"mobile", "Opera", "Android", chromeAndroid + " OPR/81.0.0.0"},
	{"mobile", "Opera", "Other", "Opera/9.80 (J2ME/MIDP; Opera Mini/9.80 (S60; SymbOS; Opera Mobi/23.348; U; en) Presto/2.5.25 Version/10.54"},
	{"mobile", "Samsung Internet", "Android", "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36"},
	{"desktop", "Internet Explorer", "Windows", "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; Touch; .NET4.0C; Tablet PC 2.0; rv:11.0) like Gecko"},
	{"mobile", "Edge", "Windows Phone", "Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.14977"},
	{"mobile", "Internet Explorer", "Windows Phone", "Mozilla/5.0 (Mobile; Windows Phone 8.1; Android 4.0; ARM; Trident/7.0; Touch; rv:11.0; IEMobile/11.0; NOKIA; Lumia 520) like iPhone OS 7_0_3 Mac OS X AppleWebKit/537 (KHTML, like Gecko) Mobile Safari/537"},
	{"mobile", "UC Browser", "Android", "Mozilla/5.0 (Linux; U; Android 11; en-US; RMX2195) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.4.0.1306 Mobile Safari/537.36"},
	{"desktop", "Yandex Browser", "Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 YaBrowser/24.4.0.0 Safari/537.36"},
	{"mobile", "Android Browser", "Android", "Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; GT-I9100 Build/IML74K) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30"},
	{"tablet", "Amazon Silk", "Android", "Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/122.4.1 like Chrome/122.0.6261.119 Safari/537.36"},
	{"mobile", "MIUI Browser", "Android", "Mozilla/5.0 (Linux; U; Android 13; en-us; M2101K6G) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.8.0-gn"},
	{"mobile", "Huawei Browser", "Android", "Mozilla/5.0 (Linux; Android 10; HarmonyOS; ANA-NX9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.5735.196 HuaweiBrowser/15.0.4.302 Mobile Safari/537.36"},
	{"mobile", "QQ Browser", "Android", "Mozilla/5.0 (Linux; U; Android 12; zh-cn; M2012K11AC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/98.0.4758.102 MQQBrowser/13.7 Mobile Safari/537.36"},
	{"desktop", "Vivaldi", "Linux", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.114 Safari/537.36 Vivaldi/4.0"},
	{"desktop", "Whale", "Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Whale/3.25.232.19 Safari/537.36"},
	{"desktop", "Maxthon", "Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/89.0.4389.82 Safari/537.36 Maxthon/6.1"},
	{"desktop", "Coc coc", "Windows", "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) coc_coc_browser/86.0.180 Chrome/80.0.3987.180 Safari/537.36"},
	{"mobile", "DuckDuckGo", "Android", "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/122.0.6261.119 Mobile DuckDuckGo/5 Safari/537.36"},
	{"mobile", "Facebook", "iOS", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/458.0.0.41.109;FBDV/iPhone15,2;FBMD/iPhone]"},
	{"mobile", "Facebook", "Android", "Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/122.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/457.0.0.44.84;]"},
	{"mobile", "Instagram", "Android", "Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/122.0.0.0 Mobile Safari/537.36 Instagram 325.0.0.35.91 Android (33/13; 450dpi; 1080x2177; samsung; SM-A536B)"},
	{"mobile", "Instagram", "iOS", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 325.0.0.27.91 (iPhone15,2; iOS 17_4; de_DE; de; scale=3.00; 1179x2556)"},
	{"mobile", "TikTok", "Android", "Mozilla/5.0 (Linux; Android 12; M2007J20CG; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/122.0.0.0 Mobile Safari/537.36 trill_2023306050 BytedanceWebview/d8a21c6"},
	{"mobile", "Google app", "iOS", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/311.0.626109633 Mobile/15E148 Safari/604.1"},
	{"mobile", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36"},
	{"mobile", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 8.1.0; CUBOT X18 Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36"},
	{"tablet", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"},
	{"tv", "Amazon Silk", "Android", "Mozilla/5.0 (Linux; Android 9; AFTKA) AppleWebKit/537.36 (KHTML, like Gecko) Silk/122.4.1 like Chrome/122.0.6261.119 Safari/537.36"},
	{"tv", "Samsung Internet", "Other", "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/2.1 Chrome/76.0.3809.146 TV Safari/537.36"},
	{"tv", "Chrome", "Other", "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 WebAppManager"},
	{"tv", "Chrome", "Android", "Mozilla/5.0 (Linux; Android 12; BRAVIA 4K VH2) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"},
}

func TestAgents_people(t *testing.T) {
	a := NewAgents(0)
	for _, p := range people {
		want := Agent{Device: p.device, Browser: p.browser, OS: p.os}
		if got := a.Lookup(headers(p.ua)); got != want {
			t.Errorf("%s\n got  %+v\n want %+v", p.ua, got, want)
		}
	}
}

func TestSeedDefect28_AndroidIsNotLinux(t *testing.T) {
	a := NewAgents(0)
	for _, tt := range []struct{ defect, ua, got, want string }{
		{"Android is not Linux", chromeAndroid, a.Lookup(headers(chromeAndroid)).OS, "Android"},
		{"an iPhone is not a Mac", safariIPhone, a.Lookup(headers(safariIPhone)).OS, "iOS"},
		{"axios has no iOS in it", "axios/1.6.8", a.Lookup(headers("axios/1.6.8")).OS, "Other"},
		{"axios is a tool", "axios/1.6.8", a.Lookup(headers("axios/1.6.8")).Bot, BotTool},
		{"Opera is not Chrome", "OPR/", a.Lookup(headers(chromeWindows + " OPR/109.0.0.0")).Browser, "Opera"},
		{"Chrome on iOS is not Safari", "CriOS/", a.Lookup(headers(strings.Replace(safariIPhone, "Version/17.4", "CriOS/124.0", 1))).Browser, "Chrome"},
		{"Android without Mobile is a tablet", chromeTablet, a.Lookup(headers(chromeTablet)).Device, "tablet"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q (%s)", tt.defect, tt.got, tt.want, tt.ua)
		}
	}
}

func TestAgents_clientHints(t *testing.T) {
	const chrome = `"Chromium";v="124", "Google Chrome";v="124", "Not-A.Brand";v="99"`
	a := NewAgents(0)
	for _, tt := range []struct {
		rule string
		h    http.Header
		want Agent
	}{
		{"hints that agree change nothing", headers(chromeWindows, "Sec-CH-UA", chrome, "Sec-CH-UA-Mobile", "?0", "Sec-CH-UA-Platform", `"Windows"`), Agent{"desktop", "Chrome", "Windows", ""}},
		{"Brave is seen only here", headers(chromeWindows, "Sec-CH-UA", `"Chromium";v="124", "Brave";v="124", "Not-A.Brand";v="99"`), Agent{"desktop", "Brave", "Windows", ""}},
		{"in any order", headers(chromeWindows, "Sec-CH-UA", `"Not/A)Brand";v="8", "Vivaldi";v="6.7", "Chromium";v="124"`), Agent{"desktop", "Vivaldi", "Windows", ""}},
		{"a name with quotes and separators in it", headers(chromeWindows, "Sec-CH-UA", `"(Not;\"A, Brand";v="8", "Opera";v="109", "Chromium";v="124"`), Agent{"desktop", "Opera", "Windows", ""}},
		{"Chromium alone is Chromium", headers(chromeWindows, "Sec-CH-UA", `"Chromium";v="124", "Not-A.Brand";v="99"`), Agent{"desktop", "Chromium", "Windows", ""}},
		{"a WebView is no Chromium", headers(chromeAndroid, "Sec-CH-UA", `"Chromium";v="124", "Android WebView";v="124"`, "Sec-CH-UA-Mobile", "?1"), Agent{"mobile", "Chrome", "Android", ""}},
		{"an application keeps its name", headers(chromeAndroid+" [FB_IAB/FB4A;]", "Sec-CH-UA", `"Android WebView";v="124", "Chromium";v="124"`), Agent{"mobile", "Facebook", "Android", ""}},
		{"the platform wins", headers(chromeWindows, "Sec-CH-UA-Platform", `"macOS"`), Agent{"desktop", "Chrome", "macOS", ""}},
		{"Chrome OS has its own spelling", headers(chromeWindows, "Sec-CH-UA-Platform", `"Chrome OS"`), Agent{"desktop", "Chrome", "ChromeOS", ""}},
		{"Android that is not mobile is a tablet", headers(chromeAndroid, "Sec-CH-UA-Mobile", "?0", "Sec-CH-UA-Platform", `"Android"`), Agent{"tablet", "Chrome", "Android", ""}},
		{"a tablet that is mobile is a phone", headers(chromeTablet, "Sec-CH-UA-Mobile", "?1"), Agent{"mobile", "Chrome", "Android", ""}},
		{"a desktop site on a tablet", headers("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36", "Sec-CH-UA-Mobile", "?0", "Sec-CH-UA-Platform", `"Android"`), Agent{"tablet", "Chrome", "Android", ""}},
		{"form factors win", headers(chromeAndroid, "Sec-CH-UA-Mobile", "?1", "Sec-CH-UA-Form-Factors", `"Tablet"`), Agent{"tablet", "Chrome", "Android", ""}},
		{"headless says so", headers(chromeWindows, "Sec-CH-UA", `"HeadlessChrome";v="124", "Chromium";v="124"`), Agent{"bot", "Chrome", "Windows", BotHeadless}},
		{"an unknown brand is no name", headers(chromeWindows, "Sec-CH-UA", `"My Own Browser";v="1"`), Agent{"desktop", "Chrome", "Windows", ""}},
		{"an unknown platform is none", headers(chromeWindows, "Sec-CH-UA-Platform", `"Plan 9"`), Agent{"desktop", "Chrome", "Windows", ""}},
		{"malformed hints change nothing", headers(chromeWindows, "Sec-CH-UA", `"Brave`, "Sec-CH-UA-Platform", `"`, "Sec-CH-UA-Mobile", "yes"), Agent{"desktop", "Chrome", "Windows", ""}},
		{"hints make no person of a tool", headers("curl/8.5.0", "Sec-CH-UA", chrome), Agent{"bot", "Chrome", "Other", BotTool}},
	} {
		if got := a.Lookup(tt.h); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.rule, got, tt.want)
		}
	}
}

func TestAskForHints(t *testing.T) {
	for _, tt := range []struct{ rule, before, want string }{
		{"asked", "", "Sec-CH-UA-Form-Factors"},
		{"the shop's stay", "Sec-CH-DPR", "Sec-CH-DPR, Sec-CH-UA-Form-Factors"},
		{"once", "Sec-CH-DPR,sec-ch-ua-form-factors ", "Sec-CH-DPR,sec-ch-ua-form-factors "},
	} {
		h := http.Header{}
		if tt.before != "" {
			h.Set("Accept-CH", tt.before)
		}
		AskForHints(h)
		if got := strings.Join(h.Values("Accept-CH"), ", "); got != tt.want {
			t.Errorf("%s: Accept-CH is %q, want %q", tt.rule, got, tt.want)
		}
	}
}

func TestAgents_oddOnes(t *testing.T) {
	a := NewAgents(0)
	got := a.Lookup(headers("Mozilla/5.0 (Unknown; Thing) AppleWebKit/537.36 (KHTML, like Gecko) Evil<script>Name/1.0"))
	if got != (Agent{Device: "other", Browser: Other, OS: Other}) {
		t.Errorf("an agent's own text never becomes a name: %+v", got)
	}
	got = a.Lookup(headers("Mozilla/5.0 (Unknown; Thing) AppleWebKit/537.36 (KHTML, like Gecko) NetFront/4.2"))
	if got.Browser != "NetFront" {
		t.Errorf("what the tokens do not know uap-go may: %+v", got)
	}
}

func TestAgents_oddNamesAreNotGuessed(t *testing.T) {
	a := NewAgents(0)
	if got := a.Lookup(headers("Roku/DVP-9.10 (519.10E04111A)")); got != (Agent{"tv", Other, Other, ""}) {
		t.Errorf("a Roku is no Mac: %+v", got)
	}
	if got := a.Lookup(headers("Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A)")); got != (Agent{"mobile", Other, "Android", ""}) {
		t.Errorf("an application's own HTTP client is no browser: %+v", got)
	}
}

func TestAgents_capIsForAll(t *testing.T) {
	a := NewAgents(0)
	long := chromeWindows + strings.Repeat(" x", 1<<20)
	if got := a.Lookup(headers(long)); got.Browser != "Chrome" || got.Bot != "" {
		t.Errorf("a long agent is read up to the cap: %+v", got)
	}
}

func TestAgents_boundedCache(t *testing.T) {
	const entries = 64
	a := NewAgents(entries)
	for i := range 10 * entries {
		a.Lookup(headers(fmt.Sprintf("%s v%d", chromeWindows, i)))
	}
	n := 0
	for i := range a.shards {
		n += len(a.shards[i].young) + len(a.shards[i].old)
	}
	if n > entries || n == 0 {
		t.Errorf("the cache holds %d answers, its bound is %d", n, entries)
	}
}

func TestAgents_missesAreBudgeted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAgents(0)
		odd := func(i int) http.Header {
			return headers(fmt.Sprintf("Mozilla/5.0 (Thing) AppleWebKit/1.0 (KHTML, like Gecko) Odd%d", i))
		}
		for i := range namesBurst {
			a.Lookup(odd(i))
		}
		if n := a.OverBudget(); n != 0 {
			t.Errorf("within the burst %d look-ups were over budget, want 0", n)
		}
		for i := range 10 {
			a.Lookup(odd(namesBurst + i))
		}
		if n := a.OverBudget(); n != 10 {
			t.Errorf("past the burst %d look-ups were over budget, want 10", n)
		}
		a.Lookup(odd(0))
		a.Lookup(headers(chromeWindows))
		a.Lookup(headers("curl/8"))
		if n := a.OverBudget(); n != 10 {
			t.Errorf("remembered, usual and bot agents need no budget, yet it is %d", n)
		}
		time.Sleep(time.Second)
		for i := range 10 {
			a.Lookup(odd(namesBurst + i))
		}
		if n := a.OverBudget(); n != 10 {
			t.Errorf("a second later there is budget again, and an answer past it was not remembered as final: %d", n)
		}
	})
}

func TestAgents_thorough(t *testing.T) {
	a := NewAgents(0).Thorough()
	for i := range 2 * namesBurst {
		a.Lookup(headers(fmt.Sprintf("Mozilla/5.0 (Thing) AppleWebKit/1.0 (KHTML, like Gecko) Odd%d", i)))
	}
	if n := a.OverBudget(); n != 0 {
		t.Errorf("%d look-ups were over budget, want none", n)
	}
}

func TestAgents_concurrent(t *testing.T) {
	a := NewAgents(32)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 300 {
				p := people[(i+g)%len(people)]
				if got := a.Lookup(headers(p.ua)); got.Browser != p.browser || got.Device != p.device {
					t.Errorf("%s: %+v", p.ua, got)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzLookup(f *testing.F) {
	for _, p := range people {
		f.Add(p.ua, "", "")
	}
	f.Add("\xff", `"a";v="\`, `"`)
	a := NewAgents(128)
	names := map[string]bool{"desktop": true, "mobile": true, "tablet": true, "tv": true, "bot": true, "other": true}
	f.Fuzz(func(t *testing.T, ua, brands, platform string) {
		h := headers(ua, "Sec-CH-UA", brands, "Sec-CH-UA-Platform", platform)
		got := a.Lookup(h)
		if !names[got.Device] || (got.Bot != "") != (got.Device == "bot") {
			t.Errorf("%+v", got)
		}
		if got.Browser == "" || got.OS == "" || len(got.Browser) > 32 {
			t.Errorf("%+v", got)
		}
		mustBeText(t, got.Browser+got.OS)
		if a.OverBudget() == 0 && a.Lookup(h) != got {
			t.Errorf("%q: %+v, and again another", ua, got)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	full := []string{"Sec-CH-UA", `"Chromium";v="124", "Google Chrome";v="124", "Not-A.Brand";v="99"`, "Sec-CH-UA-Mobile", "?0", "Sec-CH-UA-Platform", `"Windows"`}
	b.Run("hit", func(b *testing.B) {
		a := NewAgents(0)
		h := headers(chromeWindows)
		b.ReportAllocs()
		for b.Loop() {
			a.Lookup(h)
		}
	})
	b.Run("hit with hints", func(b *testing.B) {
		a := NewAgents(0)
		h := headers(chromeWindows, full...)
		b.ReportAllocs()
		for b.Loop() {
			a.Lookup(h)
		}
	})
	b.Run("hit parallel", func(b *testing.B) {
		a := NewAgents(0)
		h := headers(chromeWindows, full...)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				a.Lookup(h)
			}
		})
	})
	for name, ua := range map[string]string{
		"miss":           chromeWindows,
		"miss bot":       "Mozilla/5.0 (compatible; Examplebot/1.0; +https://bot.example/)",
		"miss 512 bytes": strings.Repeat("Mozilla/5.0 (Windows NT 10.0) ", 18)[:512],
	} {
		b.Run(name, func(b *testing.B) {
			a := NewAgents(0)
			key := agentKey{ua: ua}
			b.ReportAllocs()
			for b.Loop() {
				a.parse(key)
			}
		})
	}
	b.Run("miss odd", func(b *testing.B) {
		uapTables()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			uapNames(fmt.Sprintf("Mozilla/5.0 (Thing) AppleWebKit/1.0 (KHTML, like Gecko) Odd%d", i), Agent{Browser: Other, OS: Other})
		}
	})
}

// The text is what Text makes of the whole header, and one string for all who send it.
func TestLookupText_IsSharedAndClean(t *testing.T) {
	agents := NewAgents(0)
	for _, ua := range []string{"", "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0", "x\x00y\x1b", strings.Repeat("é", MaxUserAgent), "a" + strings.Repeat("é", MaxUserAgent)} {
		h := http.Header{"User-Agent": {strings.Clone(ua)}}
		_, text := agents.LookupText(h)
		if want := Text(ua, MaxUserAgent); text != want {
			t.Errorf("the text of %q is %q, want %q", ua, text, want)
		}
		_, again := agents.LookupText(http.Header{"User-Agent": {strings.Clone(ua)}})
		if unsafe.StringData(again) != unsafe.StringData(text) {
			t.Errorf("two requests with the agent %.20q do not share its text", ua)
		}
		if ua != "" && unsafe.StringData(h["User-Agent"][0]) == unsafe.StringData(text) {
			t.Errorf("the text of %.20q is a part of the request's memory", ua)
		}
	}
}
