package enrich

import (
	_ "embed"
	"strings"
	"sync"
)

// Other is the name for anything unknown.
const Other = "Other"

//go:embed data/browsers.txt
var browsersTxt string

// named is a browser with the tokens that identify it.
type named struct {
	name   string
	tokens []string
}

var browserTable = sync.OnceValue(func() []named {
	var table []named
	for line := range lines(browsersTxt) {
		name, tokens, _ := strings.Cut(line, "\t")
		table = append(table, named{name, strings.Split(tokens, " | ")})
	}
	return table
})

// lines yields the lines of a data file that are neither empty nor comments.
func lines(file string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.SplitSeq(file, "\n") {
			if line = strings.TrimSuffix(line, "\r"); line == "" || line[0] == '#' {
				continue
			}
			if !yield(line) {
				return
			}
		}
	}
}

// classify finds browser, operating system and device class by ordered tokens.
// The order is essential: nearly every user agent claims to be several others
// too, and the token that comes first in this order is the true one. classify
// does not detect bots.
func classify(ua string) Agent {
	ua = usualCase(ua)
	a := Agent{OS: osOf(ua)}
	a.Browser = browserOf(ua, a.OS)
	if a.Browser == "Amazon Silk" && a.OS != "Android" {
		a.OS = "Android" // Silk's desktop mode claims to be a Mac or Linux
	}
	a.Device = deviceOf(ua, a.OS, a.Browser)
	return a
}

func browserOf(ua, os string) string {
	for _, b := range browserTable() {
		if b.name == "BlackBerry Browser" && os == "Android" {
			continue // a telephone of that make
		}
		for _, token := range b.tokens {
			if strings.Contains(ua, token) {
				return b.name
			}
		}
	}
	switch {
	case strings.Contains(ua, "Chrome/"):
		return "Chrome" // an unnamed Android WebView ("; wv)") too
	case os == "Android" && strings.Contains(ua, "AppleWebKit"):
		return "Android Browser"
	case strings.Contains(ua, "Safari/") && strings.Contains(ua, "Version/"):
		return "Safari"
	case os == "iOS" && strings.Contains(ua, "AppleWebKit"):
		return "Safari" // WebViews have no token of their own
	case os == "macOS" && (strings.Contains(ua, "AppleWebKit") || strings.HasPrefix(ua, "Safari")):
		return "Safari"
	}
	return Other
}

// usualCase restores the usual case of a user agent that something on its way wrote in
// small letters.
func usualCase(ua string) string {
	if !strings.HasPrefix(ua, "mozilla/") {
		return ua
	}
	return smallNames.Replace(ua)
}

var smallNames = strings.NewReplacer(
	"mozilla/", "Mozilla/", "applewebkit", "AppleWebKit", "khtml", "KHTML", "gecko", "Gecko", "chrome/", "Chrome/", "safari/", "Safari/",
	"version/", "Version/", "firefox/", "Firefox/", "edg/", "Edg/", "opr/", "OPR/", "samsungbrowser", "SamsungBrowser", "ucbrowser", "UCBrowser",
	"yandexsearch/", "YandexSearch/", "linux", "Linux", "android", "Android", "windows", "Windows", " nt ", " NT ", "macintosh", "Macintosh",
	"mac os x", "Mac OS X", "iphone", "iPhone", "ipad", "iPad", "mobile", "Mobile", "; wv", "; wv",
)

func has(s string, tokens ...string) bool {
	for _, t := range tokens {
		if strings.Contains(s, t) {
			return true
		}
	}
	return false
}
