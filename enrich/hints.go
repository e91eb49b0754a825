package enrich

import (
	"net/http"
	"strings"
)

// hints are the Client Hints that every Chromium sends without being asked, and
// the form factors, which it sends if asked. They have precedence over the
// User-Agent, which Chromium has frozen: every Android is 10 with the model K,
// every Windows is 10, and Brave, Vivaldi and others appear as Chrome.
type hints struct {
	brands      string // Sec-CH-UA
	mobile      string // Sec-CH-UA-Mobile
	platform    string // Sec-CH-UA-Platform
	formFactors string // Sec-CH-UA-Form-Factors
}

// askedHints are the hints that browsers send only if they are asked, over HTTPS.
const askedHints = "Sec-CH-UA-Form-Factors"

// AskForHints has an answer ask the browser for the Client Hints that it does not send
// by itself and that [Agents.Lookup] uses. What the shop asks for stays.
func AskForHints(header http.Header) {
	for _, line := range header["Accept-Ch"] {
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(name), askedHints) {
				return
			}
		}
	}
	header["Accept-Ch"] = append(header["Accept-Ch"], askedHints)
}

// brandNames maps brands of Sec-CH-UA to names of browsers. Other brands are
// ignored, because they are a client's own text.
var brandNames = map[string]string{
	"Google Chrome": "Chrome", "Microsoft Edge": "Edge", "Microsoft Edge WebView2": "Edge", "Opera": "Opera",
	"Opera GX": "Opera", "Opera Mobile": "Opera", "Opera Mini": "Opera", "Opera Mini Android": "Opera", "Opera Air": "Opera",
	"OperaMobile": "Opera", "Brave": "Brave", "Brave Browser": "Brave", "Vivaldi": "Vivaldi",
	"Samsung Internet": "Samsung Internet", "YaBrowser": "Yandex Browser", "Yandex": "Yandex Browser",
	"YaSearchBrowser": "Yandex Browser", "DuckDuckGo": "DuckDuckGo", "Whale": "Whale", "Naver Whale": "Whale",
	"CocCoc": "Coc coc", "Coc Coc": "Coc coc", "HuaweiBrowser": "Huawei Browser", "Huawei Browser": "Huawei Browser",
	"UCBrowser": "UC Browser", "UC Browser": "UC Browser", "Amazon Silk": "Amazon Silk", "Silk": "Amazon Silk",
	"Miui Browser": "MIUI Browser", "MIUI Browser": "MIUI Browser", "MiuiBrowser": "MIUI Browser", "XiaoMiBrowser": "MIUI Browser",
	"QQBrowser": "QQ Browser", "QQ Browser": "QQ Browser", "Maxthon": "Maxthon", "Oculus Browser": "Oculus Browser",
	"Avast Secure Browser": "Avast Secure Browser", "AVG Secure Browser": "AVG Secure Browser", "Ecosia": "Ecosia",
	"CCleaner Browser": "CCleaner Browser", "Norton Private Browser": "Norton Private Browser",
	"Norton Secure Browser": "Norton Private Browser", "Avira Secure Browser": "Avira Secure Browser",
	"Sogou Explorer": "Sogou Explorer", "Iron": "Iron", "Google App": "Google app", "Facebook": "Facebook",
	"Instagram": "Instagram", "TikTok": "TikTok", "Aloha Browser": "Aloha Browser", "Vivo Browser": "Vivo Browser",
	"HeyTapBrowser": "HeyTap Browser", "Android WebView": "Chrome", "Chromium": "Chromium",
}

var platformNames = map[string]string{
	"Windows": "Windows", "macOS": "macOS", "Mac OS X": "macOS", "Linux": "Linux", "Android": "Android", "iOS": "iOS",
	"Chrome OS": "ChromeOS", "ChromeOS": "ChromeOS", "Chromium OS": "ChromeOS",
}

// apply corrects the result for the user agent by the hints.
func (h hints) apply(a Agent) Agent {
	if h == (hints{}) {
		return a
	}
	if browser, headless := h.browser(); headless {
		a.Bot = BotHeadless
	} else if browser != "" && (!generic[browser] || generic[a.Browser]) {
		a.Browser = browser
	}
	os := platformNames[unquote(h.platform)]
	moved := os != "" && os != a.OS
	if moved {
		a.OS = os
	}
	a.Device = h.device(a, moved)
	return a
}

// generic are the names that tell little. If the user agent gives a more specific
// name (an app's WebView), that name is kept, whatever the hints say. If it gives
// one of these, the hints decide.
var generic = map[string]bool{
	"Chrome": true, "Chromium": true, "Safari": true, "Firefox": true, "Internet Explorer": true, "Android Browser": true, Other: true,
}

// browser returns the most specific brand's name, "" if none is known.
func (h hints) browser() (name string, headless bool) {
	best := 3
	for brand := range stringItems(h.brands) {
		if strings.EqualFold(brand, "HeadlessChrome") {
			return "", true
		}
		n, ok := brandNames[brand]
		if !ok {
			continue
		}
		rank := 0
		switch n {
		case "Chrome":
			rank = 1
		case "Chromium":
			rank = 2
		}
		if rank < best {
			name, best = n, rank
		}
	}
	return name, false
}

// device returns the device class. moved means that the hints and the user agent
// name different operating systems; then the user agent's class is not used.
func (h hints) device(a Agent, moved bool) string {
	for f := range stringItems(h.formFactors) {
		switch f {
		case "Desktop":
			return "desktop"
		case "Tablet":
			return "tablet"
		case "Mobile":
			return "mobile"
		case "XR", "Watch", "Automotive", "EInk":
			return "other"
		}
	}
	if a.Device == "tv" || a.Device == "other" && !moved {
		return a.Device
	}
	switch strings.TrimSpace(h.mobile) {
	case "?1":
		return "mobile"
	case "?0":
		switch a.OS {
		case "Android", "iOS":
			return "tablet"
		case "Windows", "macOS", "Linux", "ChromeOS":
			return "desktop"
		}
	}
	if moved {
		switch a.OS {
		case "Windows", "macOS", "Linux", "ChromeOS":
			return "desktop"
		}
	}
	return a.Device
}

// stringItems yields the strings of a structured field's list (RFC 8941):
// "Chromium";v="124", "Google Chrome";v="124". It skips parameters, decodes
// escapes, and stops at malformed text.
func stringItems(s string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for s = strings.TrimLeft(s, " \t,"); s != ""; s = strings.TrimLeft(s, " \t,") {
			item, rest, ok := quoted(s)
			if !ok || !yield(item) {
				return
			}
			for s = rest; s != "" && s[0] != ','; {
				if s[0] != '"' {
					s = s[1:]
				} else if _, s, ok = quoted(s); !ok {
					return
				}
			}
		}
	}
}

// quoted reads a quoted string at the beginning of s.
func quoted(s string) (item, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	escaped := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			if item = s[1:i]; escaped {
				item = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(item)
			}
			return item, s[i+1:], true
		}
	}
	return "", "", false
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if item, _, ok := quoted(s); ok {
		return item
	}
	return s
}
