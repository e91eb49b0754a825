package enrich

import (
	"strings"
	"sync"

	"github.com/ua-parser/uap-go/uaparser"
	"gopkg.in/yaml.v3"
)

// uapTables loads uap-go's tables of browsers and operating systems, or returns
// nil if they cannot be read. The tables of devices, three quarters of the data,
// are left out: they contain models but no device classes.
var uapTables = sync.OnceValue(func() *uaparser.Parser {
	var def uaparser.RegexDefinitions
	if err := yaml.Unmarshal(uaparser.DefinitionYaml, &def); err != nil {
		return nil
	}
	def.Device = nil
	// uap-go's own caches cannot be turned off, and ours comes first.
	p, err := uaparser.New(uaparser.WithRegexDefinitions(def), uaparser.WithCacheSize(1))
	if err != nil {
		return nil
	}
	return p
})

// uapNames fills in the names that the tokens left open.
func uapNames(ua string, a Agent) Agent {
	p := uapTables()
	if p == nil {
		return a
	}
	if a.Browser == Other {
		a.Browser = uapBrowser(p.ParseUserAgent(ua).Family)
	}
	if a.OS == Other && !strings.Contains(ua, "OpenHarmony") { // some name Windows too
		a.OS = uapOS(p.ParseOs(ua).Family)
	}
	return a
}

// uapBrowsers maps families to names of browsers. Other families are ignored:
// some rules of the tables copy text from the user agent into the family, and
// clients must not be able to invent browsers.
var uapBrowsers = map[string]string{
	"Chrome": "Chrome", "Chrome Mobile": "Chrome", "Chrome Mobile iOS": "Chrome", "Chrome Mobile WebView": "Chrome", "Chrome Frame": "Chrome",
	"Chromium": "Chromium", "Safari": "Safari", "Mobile Safari": "Safari", "Mobile Safari UI/WKWebView": "Safari", "WebKit Nightly": "Safari",
	"Firefox": "Firefox", "Firefox Mobile": "Firefox", "Firefox iOS": "Firefox", "Firefox Beta": "Firefox", "Firefox Alpha": "Firefox",
	"Edge": "Edge", "Edge Mobile": "Edge", "Opera": "Opera", "Opera Mobile": "Opera", "Opera Mini": "Opera", "Opera Tablet": "Opera",
	"Opera Neon": "Opera", "Opera Coast": "Opera", "Opera Touch": "Opera", "Samsung Internet": "Samsung Internet",
	"IE": "Internet Explorer", "IE Mobile": "Internet Explorer", "IE Large Screen": "Internet Explorer", "UC Browser": "UC Browser",
	"Yandex Browser": "Yandex Browser", "YandexSearch": "Yandex Browser", "Amazon Silk": "Amazon Silk",
	"MiuiBrowser": "MIUI Browser", "Huawei Browser": "Huawei Browser", "QQ Browser": "QQ Browser", "QQ Browser Mobile": "QQ Browser",
	"QQ Browser Mini": "QQ Browser", "Vivaldi": "Vivaldi", "Brave": "Brave", "Whale": "Whale", "Maxthon": "Maxthon", "Coc Coc": "Coc coc",
	"Facebook": "Facebook", "Facebook Messenger": "Facebook", "Instagram": "Instagram", "TikTok": "TikTok", "Google": "Google app",
	"DuckDuckGo": "DuckDuckGo", "DuckDuckGo Mobile": "DuckDuckGo", "Snapchat": "Snapchat", "Pinterest": "Pinterest", "Twitter": "Twitter", "LinkedIn": "LinkedIn", "WeChat": "WeChat",
	"Konqueror": "Konqueror", "Epiphany": "Epiphany", "SeaMonkey": "SeaMonkey", "Pale Moon": "Pale Moon", "Puffin": "Puffin",
	"BlackBerry": "BlackBerry Browser", "BlackBerry WebKit": "BlackBerry Browser", "NetFront": "NetFront", "Nokia Browser": "Nokia Browser",
	"Nokia OSS Browser": "Nokia Browser", "Iceweasel": "Firefox", "Dolphin": "Dolphin", "Baidu Browser": "Baidu Browser", "Baidu Explorer": "Baidu Browser",
	"Sogou Explorer": "Sogou Explorer", "Iron": "Iron", "Dragon": "Dragon", "Polaris": "Polaris", "Obigo": "Obigo", "Tizen Browser": "Samsung Internet",
	"webOS Browser": "webOS Browser", "NetFront NX": "NetFront",
}

func uapBrowser(family string) string {
	if name, ok := uapBrowsers[family]; ok {
		return name
	}
	return Other
}

// uapOS maps operating systems: distributions to Linux, and builds of Android to
// Android. Macs are not in it, because the tokens recognize every Mac; what the
// tables call one beyond that is a guess by build number, and wrong for a Roku.
func uapOS(family string) string {
	switch family {
	case "Windows Phone", "Windows Mobile":
		return "Windows Phone"
	case "iOS", "iPadOS", "ATV OS X", "tvOS":
		return "iOS"
	case "Android", "Fire OS", "LineageOS", "CyanogenMod":
		return "Android"
	case "Chrome OS", "Chromecast":
		return "ChromeOS"
	case "Linux", "Ubuntu", "Kubuntu", "Debian", "Fedora", "Red Hat", "CentOS", "SUSE", "openSUSE", "Gentoo", "Mandriva", "Linux Mint",
		"Slackware", "Arch Linux", "Mageia", "PCLinuxOS", "Puppy", "VectorLinux":
		return "Linux"
	}
	if strings.HasPrefix(family, "Windows") {
		return "Windows"
	}
	return Other
}
