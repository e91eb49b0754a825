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
	case os == "macOS" && strings.Contains(ua, "AppleWebKit"):
		return "Safari"
	}
	return Other
}

// osOf returns the operating system. A Windows Phone claims to be Android and an
// iPhone, an iPhone claims to be like Mac OS X, and Android claims to be Linux.
func osOf(ua string) string {
	switch {
	case has(ua, "Windows Phone", "WPDesktop", "XBLWP7", "ZuneWP7", "Windows Mobile"):
		return "Windows Phone"
	case has(ua, "Tizen", "Web0S", "webOS", "hpwOS", "KAIOS", "Symbian", "SymbOS", "Series60", "BlackBerry", "BB10",
		"PlayBook", "PlayStation", "PLAYSTATION", "Nintendo", "FreeBSD", "OpenBSD", "NetBSD", "DragonFly", "SunOS", "Haiku", "Bada", "MIDP"):
		if strings.Contains(ua, "Android") && !strings.Contains(ua, "Tizen") {
			break // here it is the name of a model
		}
		return Other
	case has(ua, "Windows NT", "Windows;", "Windows 9", "Win64", "Win32", "WinNT", "Win9", "Windows XP", "Windows CE", "WOW64", "Xbox", "Windows/", "Windows_NT", "compatible; Windows"):
		return "Windows"
	case has(ua, "CrOS"):
		return "ChromeOS"
	}
	switch {
	case has(ua, "Android", "Adr ", "; Silk/"):
		return "Android"
	case has(ua, "iPhone", "iPad", "iPod", "CPU OS ", "AppleTV", "Apple TV", "AppleCoreMedia"):
		return "iOS"
	case has(ua, "Macintosh", "Mac OS X", "Mac_PowerPC", "MacOS", "Mac OS"):
		return "macOS"
	case has(ua, "Linux", "X11", "Ubuntu", "Fedora", "Debian", "Gentoo", "CentOS", "Red Hat", "linux-gnu"):
		return "Linux"
	case has(ua, "Windows", "Win "):
		return "Windows"
	}
	return Other
}

// deviceOf returns the device class. Android says Mobile on a phone and leaves it
// out on a tablet. Televisions leave it out too, so they are checked first.
func deviceOf(ua, os, browser string) string {
	switch {
	case isTV(ua):
		return "tv"
	case has(ua, "PlayStation", "PLAYSTATION", "Nintendo", "Xbox", "OculusBrowser"):
		return "other"
	case os == "Windows":
		if has(ua, "IEMobile", "Windows CE", "Lumia") {
			return "mobile"
		}
		return "desktop" // "Tablet PC 2.0" is a component of Windows on desktops
	case strings.Contains(ua, "iPad"):
		return "tablet"
	case has(ua, "iPhone", "iPod"):
		return "mobile"
	case has(ua, "PlayBook", "Kindle", "Tablet", "tablet"):
		return "tablet"
	case os == "Android":
		if tabletModel(ua) {
			return "tablet"
		}
		if has(ua, "Mobile", "Opera Mini", "Opera Mobi", "mobile", "UCWEB", "Dalvik/", "Instagram", "FB4A", "MicroMessenger") {
			return "mobile"
		}
		return "tablet"
	case os == "Windows Phone":
		return "mobile"
	case has(ua, "Mobi", "Opera Mini", "MIDP", "Symbian", "SymbOS", "Series60", "BlackBerry", "BB10", "Nokia", "KAIOS", "UCWEB", "Phone"):
		return "mobile"
	case os == "iOS":
		return "mobile"
	case os == Other && !has(ua, "BSD", "SunOS", "Haiku", "DragonFly"):
		return "other"
	}
	return "desktop"
}

var tvTokens = []string{"SmartTV", "SMART-TV", "Smart-TV", "Smart TV", "SmartTv", "smart-tv", "GoogleTV", "Google TV", "Android TV", "AndroidTV",
	"AppleTV", "Apple TV", "HbbTV", "BRAVIA", "Bravia", "Roku", "CrKey", "NetCast", "NETTV", "Web0S", "webOS.TV", "Viera", "VIERA", "VIDAA", "Hisense",
	"MiTV", "MiBOX", "MIBOX", "DTV", "SHIELD Android", "Nexus Player", "Freebox", "InettvBrowser", "POV_TV", "PhilipsTV", "Chromecast", "AQUOS", "TSBNetTV", "ADT-"}

func isTV(ua string) bool {
	for _, t := range tvTokens {
		if strings.Contains(ua, t) {
			// Hisense and AQUOS are also names of telephones.
			if (t == "Hisense" || t == "AQUOS") && strings.Contains(ua, "Mobile") {
				continue
			}
			return true
		}
	}
	// Fire TV models are AFT and one to five capitals: "; AFTSSS Build".
	if i := strings.Index(ua, "; AFT"); i >= 0 && i+5 < len(ua) && isUpper(ua[i+5]) {
		return true
	}
	// TV counts only as a word of its own, as in "4K TV" but not in "BeyondTV".
	for i := 0; ; i += 2 {
		j := strings.Index(ua[i:], "TV")
		if j < 0 {
			return false
		}
		i += j
		if (i == 0 || !isAlnum(ua[i-1])) && (i+2 == len(ua) || !isAlnum(ua[i+2])) {
			return true
		}
	}
}

// tabletModel recognizes tablets that say Mobile nevertheless, by their makers'
// model numbers: Samsung SM-T and SM-X, Amazon KF, Lenovo TB.
func tabletModel(ua string) bool {
	if has(ua, "SM-T", "SM-X", "SM-P", "GT-P", "; KF", "Lenovo TB", "Lenovo YT-", "; TB-", "; TB3", "Nexus 7", "Nexus 9", "Nexus 10", "Pixel C", "Pixel Tablet", "MediaPad", "MatePad", "; Pad ", "iPlay", " Pad ", "Tab ", "OPD2", "; X500") {
		return !strings.Contains(ua, "GT-P1000M")
	}
	return false
}

func has(s string, tokens ...string) bool {
	for _, t := range tokens {
		if strings.Contains(s, t) {
			return true
		}
	}
	return false
}
