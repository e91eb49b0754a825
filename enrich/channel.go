package enrich

import "strings"

// Channel returns the channel that brought a visitor to the page: GA4's default
// channel group, with a row for AI assistants, and with click ids first. It uses
// the built-in sites; see [Sites.Channel].
func Channel(p Page) string { return DefaultSites().Channel(p) }

// Channel returns the channel that brought a visitor to the page. The rows are
// checked in order and the first match counts. Case does not matter.
//
// The source is utm_source; without one it is the click id's network; without
// one the referrer's host. So a campaign's own words beat where its link was
// clicked: a newsletter opened in a web mailer is not that mailer's referral.
func (s *Sites) Channel(p Page) string {
	switch p.ClickID.Name { // row 0
	case "gclid", "gbraid", "wbraid", "msclkid":
		return "Paid Search"
	case "ttclid", "twclid", "li_fat_id":
		return "Paid Social"
	case "dclid":
		return "Display"
	}
	var (
		source   = fold(p.UTM.Source)
		medium   = fold(p.UTM.Medium)
		campaign = fold(p.UTM.Campaign)
		site     string // the source's kind
		referral bool   // only the referrer shows where the visit came from
	)
	switch {
	case source != "":
		site = s.source(source)
	case p.ClickID.Name == "fbclid": // every link on Facebook has it: alone it is not paid
		source, site = networks[p.ClickID.Name], siteSocial
	case p.Referrer != "":
		if l, ok := splitURL(p.Referrer); ok {
			source, site, referral = l.host, s.host(l.host), true
		}
	}
	none := medium == "" || medium == "(none)" || medium == "(not set)" || medium == "none"
	paid := isPaid(medium)
	shop := site == siteShopping || isShop(campaign)
	switch {
	case (source == "" || source == directSource) && none:
		return "Direct"
	case strings.Contains(campaign, "cross-network"):
		return "Cross-network"
	case shop && paid:
		return "Paid Shopping"
	case site == siteSearch && paid:
		return "Paid Search"
	case site == siteSocial && paid:
		return "Paid Social"
	case site == siteVideo && paid:
		return "Paid Video"
	case oneOf(medium, "display", "banner", "expandable", "interstitial", "cpm"):
		return "Display"
	case paid:
		return "Paid Other"
	case shop:
		return "Organic Shopping"
	case site == siteSocial || oneOf(medium, "social", "social-network", "social-media", "sm", "social network", "social media"):
		return "Organic Social"
	case site == siteVideo || strings.Contains(medium, "video"):
		return "Organic Video"
	case site == siteAI:
		return "AI Assistants"
	case site == siteSearch || medium == "organic":
		return "Organic Search"
	case isEmail(source) || isEmail(medium):
		return "Email"
	case medium == "affiliate":
		return "Affiliates"
	case medium == "audio":
		return "Audio"
	case source == "sms" || medium == "sms":
		return "SMS"
	case strings.HasSuffix(medium, "push") || strings.Contains(medium, "mobile") || strings.Contains(medium, "notification") || source == "firebase":
		return "Mobile Push"
	case referral || oneOf(medium, "referral", "app", "link"):
		return "Referral"
	}
	return "Unassigned"
}

// networks are the sources that click ids stand for.
var networks = map[string]string{
	"gclid": "google", "gbraid": "google", "wbraid": "google", "dclid": "google", "msclkid": "bing",
	"ttclid": "tiktok", "twclid": "twitter", "li_fat_id": "linkedin", "fbclid": "facebook",
}

// directSource is how Google Analytics writes the source of a visit without one.
const directSource = "(direct)"

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// isPaid matches ^(.*cp.*|ppc|retargeting|paid.*)$
func isPaid(medium string) bool {
	return strings.Contains(medium, "cp") || medium == "ppc" || medium == "retargeting" || strings.HasPrefix(medium, "paid")
}

// isShop matches ^(.*(([^a-df-z]|^)shop|shopping).*)$: shop at the beginning of a
// word or after an e (eshop), and shopping anywhere.
func isShop(campaign string) bool {
	for i := 0; ; {
		j := strings.Index(campaign[i:], "shop")
		if j < 0 {
			return false
		}
		i += j
		if i == 0 || campaign[i-1] == 'e' || !isLower(campaign[i-1]) || strings.HasPrefix(campaign[i:], "shopping") {
			return true
		}
		i += len("shop")
	}
}

func isEmail(s string) bool { return oneOf(s, "email", "e-mail", "e_mail", "e mail") }

func oneOf(s string, list ...string) bool {
	for _, l := range list {
		if s == l {
			return true
		}
	}
	return false
}
