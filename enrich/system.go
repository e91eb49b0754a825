package enrich

import "strings"

// osOf returns the operating system. A Windows Phone claims to be Android and an
// iPhone, an iPhone claims to be like Mac OS X, and Android claims to be Linux.
func osOf(ua string) string {
	switch {
	case has(ua, "Windows Phone", "WPDesktop", "XBLWP7", "ZuneWP7", "Windows Mobile", "; wds "):
		return "Windows Phone"
	case has(ua, "OpenHarmony", "ArkWeb/"):
		return Other // HarmonyOS from version 5 on; before, it is a build of Android
	case has(ua, "Tizen", "Web0S", "webOS", "hpwOS", "KAIOS", "Symbian", "SymbOS", "Series60", "BlackBerry", "BB10",
		"PlayBook", "PlayStation", "PLAYSTATION", "Playstation", "Nintendo", "FreeBSD", "OpenBSD", "NetBSD", "DragonFly", "SunOS", "IRIX", "OSF1", "HP-UX", "Haiku", "Bada", "MIDP"):
		if has(ua, "Android", "; Adr ", ";Adr ") && !has(ua, "Tizen", "KAIOS") {
			break // here it is the name of a model
		}
		return Other
	case has(ua, "Windows NT", "Windows;", "Windows 9", "Win64", "Win32", "WinNT", "Win9", "Windows XP", "Windows CE", "Xbox", "Windows/", "Windows_NT", "compatible; Windows", "CYGWIN_NT", "(win10 ", "(win7 "):
		return "Windows"
	case has(ua, "CrOS", "Chromebook", "Pixelbook", "CrosArc/"):
		return "ChromeOS" // it runs Android's applications too
	}
	switch {
	case has(ua, "Android", "Andr0id", "Adr ", "; Silk/", "FB4A;") && !onlyLikeAndroid(ua):
		return "Android"
	case has(ua, "iPhone", "iPad", "iPod", "CPU OS ", "AppleTV", "Apple TV", "AppleCoreMedia", "watchOS", "Watch OS", "tvOS", "dv(iPh", "iOS/", "iOS ", "; iOS", "FBIOS"), posesAsMac(ua):
		return "iOS"
	case strings.Contains(ua, " Darwin/"):
		// An application's own HTTP client. Macs name their processor or model.
		if has(ua, "(x86_64)", "(i386)", "Macintosh", "(Mac", "(iMac") || strings.HasPrefix(ua, "Safari") {
			return "macOS"
		}
		return "iOS"
	case has(ua, "Macintosh", "Mac OS X", "Mac_PowerPC", "MacOS", "Mac OS"):
		return "macOS"
	case has(ua, "Linux", "X11", "Ubuntu", "Fedora", "Debian", "Gentoo", "CentOS", "Red Hat", "linux-gnu"):
		return "Linux"
	case has(ua, "Windows", "Win "):
		return "Windows"
	case has(ua, "android"):
		return "Android"
	}
	return Other
}

// posesAsMac reports whether a browser on iOS, asked for a desktop site, says that it is
// on a Mac: its engine or its name exist only on iOS.
func posesAsMac(ua string) bool {
	return strings.Contains(ua, "Macintosh") &&
		has(ua, "CriOS/", "EdgiOS/", "FxiOS/", " GSA/", "OPiOS/", "OPT/", "DuckDuckGo/7", " Mobile/")
}

// onlyLikeAndroid reports whether a user agent names Android only to say that it is
// like it, as Tizen and readers of books do.
func onlyLikeAndroid(ua string) bool {
	return strings.Contains(ua, "like Android") && strings.Count(ua, "Android") == strings.Count(ua, "like Android")
}
