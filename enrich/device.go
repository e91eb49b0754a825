package enrich

import "strings"

// deviceOf returns the device class. Android says Mobile on a phone and leaves it
// out on a tablet. Televisions leave it out too, so they are checked first.
func deviceOf(ua, os, browser string) string {
	switch {
	case has(ua, "(PC; "): // HarmonyOS: "(PC; OpenHarmony 5.0)"
		return "desktop"
	case os == "Android" && has(ua, "/apad"): // the Yandex app says on what it is
		return "tablet"
	case isTV(ua), os == "Android" && boxModel(ua):
		return "tv"
	case has(ua, "PlayStation", "PLAYSTATION", "Nintendo", "Xbox", "XBOX", "OculusBrowser", "Apple Watch", "watchOS", "; SM-R", " SM-R"):
		return "other"
	case os == "iOS" && posesAsMac(ua):
		return "tablet" // tablets ask for desktop sites unless told otherwise, telephones only if told
	case os == "Windows":
		if has(ua, "IEMobile", "Windows CE", "Lumia") {
			return "mobile"
		}
		return "desktop" // "Tablet PC 2.0" is a component of Windows on desktops
	case strings.Contains(ua, "iPad"):
		return "tablet"
	case has(ua, "iPhone", "iPod"):
		return "mobile"
	case os == "ChromeOS":
		return "desktop"
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
	case has(ua, "Mobi", "Opera Mini", "MIDP", "Symbian", "SymbOS", "Series60", "BlackBerry", "BB10", "Nokia", "KAIOS", "UCWEB", "UP.Browser/", "Phone"):
		return "mobile"
	case os == "iOS":
		return "mobile"
	case os == Other && !has(ua, "BSD", "SunOS", "Haiku", "DragonFly", "IRIX", "OSF1", "HP-UX", "Amiga", "BeOS", "(OS/2"):
		return "other"
	}
	return "desktop"
}

var tvTokens = []string{"SmartTV", "SMART-TV", "Smart-TV", "Smart TV", "SmartTv", "smart-tv", "GoogleTV", "Google TV", "Android TV", "AndroidTV",
	"AppleTV", "Apple TV", "HbbTV", "BRAVIA", "Bravia", "Roku", "CrKey", "NetCast", "NETTV", "Web0S", "webOS.TV", "Viera", "VIERA", "VIDAA", "Hisense",
	"MiTV", "MiBOX", "MIBOX", "DTV", "SHIELD Android", "Nexus Player", "Freebox", "InettvBrowser", "POV_TV", "PhilipsTV", "Chromecast", "AQUOS", "TSBNetTV", "ADT-", "OMI/", "Andr0id"}

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

// tabletModel recognizes tablets that say Mobile nevertheless: by their makers' model
// numbers (Samsung SM-T and SM-X, Amazon KF, Lenovo TB, Huawei AGS and BAH), or because
// the model's name says so.
func tabletModel(ua string) bool {
	if has(ua, "SM-T", "SM-X", "SM-P", "GT-P", "; KF", "Lenovo TB", "Lenovo YT-", "; TB-", "; TB3", "; YT3-", "Nexus 7", "Nexus 9", "Nexus 10", "Pixel C", "Pixel Tablet", "MediaPad", "MatePad", "; Pad ", "iPlay", " Pad ", "Tab ", "OPD2", "; X500",
		"; AGS", "; AGR-", "; BAH", "; KOB", "; JDN", "; SCM-", "; SHT-", "; VRD-", "; CMR-", "; BZT", "; BG2-", "; PMT", "; MID") {
		return !strings.Contains(ua, "GT-P1000M")
	}
	model := androidModel(ua)
	return has(model, "TAB", "-Tab", "_Tab", " tab", "_tab", "PAD", "Pad") && !has(model, "Padfone", "PadFone", "TABO")
}

// boxModel recognizes televisions and boxes beside them on Android by the model's name.
func boxModel(ua string) bool {
	model := androidModel(ua)
	if model == "" {
		return false
	}
	if has(model, "box", "Box", "BOX", "STB", " Shell ", " shell ", "_shell_", "-LED", "Stick", "STICK", "ATV", "MXQ", "A95X", "X88pro",
		"UGOOS", "Ugoos", "ZIDOO", "VONTAR", "Vontar", "Vorke", "VORKE", "MECOOL", "Mecool", "Formuler", "NEO-X", "NEO-U", "MyGica", "pendoo", "Beelink", "POLAR_", "Polar_", "POLARLINE", "YNDX-0007", "YNDX-0008", "YNDX-0009") {
		return !has(model, "Turbox", "TURBOX", "Joybox")
	}
	// A build that makers of televisions share, and sizes of screens: "50LEX-8173".
	return strings.Contains(ua, "PPR2.180905.006.A1") || strings.HasPrefix(model, "X96") || strings.HasPrefix(model, "H96") || strings.HasPrefix(model, "T95") || len(model) > 3 && screenSizes[model[:2]] && isUpper(model[2])
}

var screenSizes = map[string]bool{
	"24": true, "28": true, "32": true, "39": true, "40": true, "42": true, "43": true, "48": true, "49": true, "50": true, "55": true, "58": true,
	"65": true, "70": true, "75": true, "82": true, "85": true, "86": true, "98": true,
}

// androidModel returns the name of the device in a user agent of the usual form,
// "(Linux; Android 9; 50LEX-8173 Build/PTT1)", or "". A language may stand before it.
func androidModel(ua string) string {
	_, rest, ok := strings.Cut(ua, "; Android ")
	if !ok {
		return ""
	}
	end := strings.IndexByte(rest, ')')
	if end < 0 {
		return ""
	}
	_, model, _ := strings.Cut(rest[:end], "; ")
	if len(model) > 6 && (model[2] == '-' || model[2] == '_') && model[5] == ';' { // en-us;
		model = strings.TrimLeft(model[6:], " ")
	}
	model, _, _ = strings.Cut(model, " Build/")
	model, _, _ = strings.Cut(model, ";")
	return model
}
