package enrich

import "testing"

func utm(source, medium, campaign string) Page {
	return Page{UTM: UTM{Source: source, Medium: medium, Campaign: campaign}}
}

func from(referrer string) Page { return Page{Referrer: referrer} }

func click(name string) Page { return Page{ClickID: ClickID{name, "x"}} }

func TestChannel(t *testing.T) {
	for _, tt := range []struct {
		row, want string
		p         Page
	}{
		{"0 gclid", "Paid Search", click("gclid")},
		{"0 gbraid", "Paid Search", click("gbraid")},
		{"0 wbraid", "Paid Search", click("wbraid")},
		{"0 msclkid", "Paid Search", click("msclkid")},
		{"0 ttclid", "Paid Social", click("ttclid")},
		{"0 twclid", "Paid Social", click("twclid")},
		{"0 li_fat_id", "Paid Social", click("li_fat_id")},
		{"0 fbclid alone is not paid", "Organic Social", click("fbclid")},
		{"0 click ids beat campaigns", "Paid Search", Page{UTM: UTM{Source: "x", Medium: "email"}, ClickID: ClickID{"gclid", "1"}}},
		{"1 nothing", "Direct", Page{}},
		{"1 (direct)", "Direct", utm("(direct)", "(none)", "")},
		{"2 cross-network", "Cross-network", utm("google", "cpc", "X-Cross-Network-1")},
		{"3 shopping site and paid", "Paid Shopping", utm("amazon", "cpc", "")},
		{"3 shop campaign and paid", "Paid Shopping", utm("google", "cpc", "summer-shop")},
		{"3 shopping campaign and paid", "Paid Shopping", utm("google", "ppc", "allshopping")},
		{"3 eshop is a shop", "Paid Shopping", utm("google", "cpc", "eshop")},
		{"3 workshop is none", "Paid Search", utm("google", "cpc", "workshop")},
		{"4 search and paid", "Paid Search", utm("Google", "CPC", "")},
		{"4 by host", "Paid Search", utm("www.bing.com", "paidsearch", "")},
		{"4 cpm on a search site", "Paid Search", utm("google", "cpm", "")},
		{"5 social and paid", "Paid Social", utm("facebook", "paid_social", "")},
		{"5 short name", "Paid Social", utm("ig", "cpc", "")},
		{"6 video and paid", "Paid Video", utm("youtube.com", "cpv,cpc", "")},
		{"7 display", "Display", utm("partner", "display", "")},
		{"7 cpm is display, not paid other", "Display", utm("partner", "cpm", "")},
		{"8 paid other", "Paid Other", utm("partner", "cpc", "")},
		{"8 retargeting", "Paid Other", utm("criteo", "retargeting", "")},
		{"9 shopping site", "Organic Shopping", from("https://www.amazon.co.uk/")},
		{"9 shop campaign", "Organic Shopping", utm("partner", "post", "shop the look")},
		{"10 social site", "Organic Social", from("https://l.facebook.com/l.php?u=x")},
		{"10 t.co", "Organic Social", from("https://t.co/abc")},
		{"10 social medium", "Organic Social", utm("partner", "social-media", "")},
		{"11 video site", "Organic Video", from("https://m.youtube.com/")},
		{"11 video medium", "Organic Video", utm("partner", "myvideoads", "")},
		{"12 AI assistant", "AI Assistants", from("https://chatgpt.com/")},
		{"12 by name", "AI Assistants", utm("chatgpt.com", "", "")},
		{"12 on a search engine's domain", "AI Assistants", from("https://gemini.google.com/app")},
		{"13 search site", "Organic Search", from("https://www.google.com/")},
		{"13 in any country", "Organic Search", from("https://www.google.co.jp/")},
		{"13 an application", "Organic Search", from("android-app://com.google.android.googlequicksearchbox/")},
		{"13 medium organic", "Organic Search", utm("partner", "organic", "")},
		{"14 medium", "Email", utm("newsletter", "email", "")},
		{"14 source", "Email", utm("E-Mail", "x", "")},
		{"14 a web mailer's referrer changes nothing", "Email", Page{Referrer: "https://mail.google.com/", UTM: UTM{Source: "newsletter", Medium: "email"}}},
		{"15", "Affiliates", utm("partner", "affiliate", "")},
		{"16", "Audio", utm("podcast", "audio", "")},
		{"17 medium", "SMS", utm("x", "sms", "")},
		{"17 source", "SMS", utm("sms", "x", "")},
		{"18 push", "Mobile Push", utm("x", "webpush", "")},
		{"18 notification", "Mobile Push", utm("x", "app-notification-1", "")},
		{"18 firebase", "Mobile Push", utm("firebase", "x", "")},
		{"19 medium", "Referral", utm("partner", "referral", "")},
		{"19 a referrer of no known kind", "Referral", from("https://blog.example/post")},
		{"19 a web mailer", "Referral", from("https://mail.google.com/")},
		{"19 a blog named like a search engine", "Referral", from("https://google.blogspot.com/")},
		{"19 a name that ends alike", "Referral", from("https://notgoogle.com/")},
		{"19 a name that begins alike", "Referral", from("https://google.com.evil.example/")},
		{"19 an address", "Referral", from("http://[2001:db8::1]:8080/")},
		{"else", "Unassigned", utm("partner", "foo", "")},
		{"else, source only", "Unassigned", utm("partner", "", "")},
	} {
		if got := Channel(tt.p); got != tt.want {
			t.Errorf("row %s: Channel(%+v) = %s, want %s", tt.row, tt.p, got, tt.want)
		}
	}
}

func BenchmarkChannel(b *testing.B) {
	p := from("https://www.google.co.uk/")
	b.ReportAllocs()
	for b.Loop() {
		Channel(p)
	}
}
