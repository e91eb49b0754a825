package enrich

import (
	"fmt"
	"testing"
)

// An arrivalCase is one visit: the query of the page that it begins on, its referrer, and
// the row of the rules, the channel and the source that it has.
type arrivalCase struct {
	row                      int
	channel, source          string
	query, referrer, because string
}

const unassigned = 20 // no row matches

// arrivals are real referrers, and combinations of UTM values as campaigns have them.
var arrivals = []arrivalCase{
	// 0: by click id.
	{0, "Paid Search", "google", "gclid=Cj0KCQjw&gad_source=1", "https://www.google.com/", ""},
	{0, "Paid Search", "google", "gbraid=0AAAAA", "https://www.google.de/", ""},
	{0, "Paid Search", "google", "wbraid=CjkKCQ", "", "an application tells no referrer"},
	{0, "Paid Search", "bing", "msclkid=8b3c", "https://www.bing.com/", ""},
	{0, "Paid Social", "tiktok", "ttclid=E.C.P", "https://www.tiktok.com/", ""},
	{0, "Paid Social", "twitter", "twclid=2-4tg", "https://t.co/", ""},
	{0, "Paid Social", "linkedin", "li_fat_id=9f1c", "https://www.linkedin.com/", ""},
	{0, "Display", "google", "dclid=CMv", "https://adclick.g.doubleclick.net/", "a click id of Google's display network"},
	{0, "Paid Search", "google", "dclid=CMv&gclid=Cj0", "", "of two click ids the one that says more"},
	{0, "Paid Search", "google", "fbclid=IwAR0&gclid=Cj0", "https://l.facebook.com/", "Facebook puts fbclid on every link, also on an advertisement's"},
	{0, "Paid Search", "newsletter", "utm_source=newsletter&utm_medium=email&gclid=Cj0", "", "a click id decides the channel, utm_source the source"},
	{0, "Paid Search", "google", "gclid=Cj0&utm_campaign=cross-network", "", "row 0 comes before row 2"},
	{0, "Paid Search", "google", "gclid=Cj0&utm_campaign=summer-shop", "", "and before row 3"},
	{0, "Paid Search", "google", "GCLID=Cj0", "", "names have no case"},
	{10, "Organic Social", "facebook", "fbclid=IwAR0", "", "fbclid alone is not paid"},
	{10, "Organic Social", "facebook", "fbclid=IwAR0", "https://www.instagram.com/", "the click id's network comes before the referrer"},
	{10, "Organic Social", "facebook", "gclid=&fbclid=IwAR0", "https://m.facebook.com/", "an empty click id is none"},
	{5, "Paid Social", "facebook", "fbclid=IwAR0&utm_medium=paid", "https://l.facebook.com/", "with a medium that is paid it is"},

	// 1: Direct.
	{1, "Direct", "", "", "", ""},
	{1, "Direct", "", "utm_source=(direct)&utm_medium=(none)", "", ""},
	{1, "Direct", "", "utm_source=(DIRECT)", "", "without case"},
	{1, "Direct", "", "utm_medium=(not set)", "", "no source, and medium none"},
	{1, "Direct", "", "utm_source=&utm_medium=", "", "empty is missing"},
	{1, "Direct", "", "utm_source=%20", "", "and so are spaces"},
	{1, "Direct", "", "", "https://www.shop.example/blog", "the shop is no referrer"},
	{1, "Direct", "", "", "https://checkout.shop.example/pay", "nor is one of its own hosts"},
	{1, "Direct", "", "", "https://www.paypal.com/checkoutnow", "a payment provider is no referrer"},
	{1, "Direct", "", "", "https://checkout.stripe.com/c/pay", ""},
	{1, "Direct", "", "", "https://pay.klarna.com/eu/hpp", ""},
	{1, "Direct", "", "", "https://acs.cardinalcommerce.com/", "a bank's confirmation"},
	{1, "Direct", "", "", "android-app://com.paypal.android.p2pmobile/", "its application neither"},
	{1, "Direct", "", "", "https://accounts.google.com/o/oauth2/auth", "a sign-in provider is no referrer, on a search engine's domain too"},
	{1, "Direct", "", "", "https://appleid.apple.com/auth/authorize", ""},
	{1, "Direct", "", "", "https://login.microsoftonline.com/", ""},
	{1, "Direct", "", "", "https://pay.google.com/", ""},
	{1, "Direct", "", "", "about:blank", "no referrer at all"},
	{1, "Direct", "", "", "javascript:alert(1)", ""},
	{1, "Direct", "", "utm_campaign=summer", "", "a campaign without source and medium says nothing of where"},
	{14, "Email", "", "utm_medium=email", "", "a medium without a source is not Direct"},

	// 2: Cross-network.
	{2, "Cross-network", "google", "utm_source=google&utm_medium=cpc&utm_campaign=cross-network", "", ""},
	{2, "Cross-network", "google", "utm_source=google&utm_campaign=X-Cross-Network-1", "", ""},
	{2, "Cross-network", "google", "utm_source=google&utm_medium=cpc&utm_campaign=shop-cross-network", "", "before Paid Shopping"},
	{1, "Direct", "", "utm_campaign=cross-network", "", "Direct comes before it"},

	// 3: Paid Shopping.
	{3, "Paid Shopping", "amazon", "utm_source=amazon&utm_medium=cpc", "", "a shopping site and paid"},
	{3, "Paid Shopping", "idealo.de", "utm_source=idealo.de&utm_medium=cpc", "https://www.idealo.de/", ""},
	{3, "Paid Shopping", "google", "utm_source=google&utm_medium=cpc&utm_campaign=summer-shop", "", "a shop's campaign and paid"},
	{3, "Paid Shopping", "google", "utm_source=google&utm_medium=ppc&utm_campaign=allshopping", "", "shopping stands anywhere"},
	{3, "Paid Shopping", "google", "utm_source=google&utm_medium=cpc&utm_campaign=eshop", "", "shop behind an e"},
	{3, "Paid Shopping", "google", "utm_source=google&utm_medium=cpc&utm_campaign=Shop_DE", "", "at the beginning, in capitals"},
	{3, "Paid Shopping", "googleshopping", "utm_source=googleshopping&utm_medium=cpc", "", ""},
	{3, "Paid Shopping", "googleshopping", "utm_medium=cpc", "https://shopping.google.com/", "the referrer's host is the site where there is no utm_source"},
	{4, "Paid Search", "google", "utm_source=google&utm_medium=cpc&utm_campaign=workshop", "", "a workshop is no shop"},
	{4, "Paid Search", "google", "utm_source=google&utm_medium=cpc&utm_campaign=bishop", "", "nor is a bishop"},

	// 4: Paid Search.
	{4, "Paid Search", "google", "utm_source=google&utm_medium=cpc", "https://www.google.com/", ""},
	{4, "Paid Search", "google", "utm_source=Google&utm_medium=CPC", "", "without case"},
	{4, "Paid Search", "google", "utm_source=%20google%20&utm_medium=%20cpc%20", "", "without spaces"},
	{4, "Paid Search", "bing", "utm_source=bing&utm_medium=cpc", "", ""},
	{4, "Paid Search", "www.bing.com", "utm_source=www.bing.com&utm_medium=paidsearch", "", "a host as utm_source"},
	{4, "Paid Search", "yandex", "utm_source=yandex&utm_medium=cpc", "https://yandex.ru/", ""},
	{4, "Paid Search", "baidu", "utm_source=baidu&utm_medium=ppc", "https://www.baidu.com/", ""},
	{4, "Paid Search", "google", "utm_source=google&utm_medium=retargeting", "", ""},
	{4, "Paid Search", "google", "utm_source=google&utm_medium=cpm", "", "cpm on a search site: its row comes before Display"},
	{4, "Paid Search", "duckduckgo", "utm_medium=cpc", "https://duckduckgo.com/", "the referrer is the source"},
	{4, "Paid Search", "ecosia", "utm_medium=cpc", "https://www.ecosia.org/", ""},

	// 5: Paid Social.
	{5, "Paid Social", "facebook", "utm_source=facebook&utm_medium=paid_social", "", ""},
	{5, "Paid Social", "ig", "utm_source=ig&utm_medium=cpc", "", "a short name"},
	{5, "Paid Social", "instagram", "utm_source=instagram&utm_medium=paid", "https://l.instagram.com/", ""},
	{5, "Paid Social", "tiktok", "utm_source=tiktok&utm_medium=paid", "", ""},
	{5, "Paid Social", "pinterest", "utm_source=pinterest&utm_medium=cpc", "https://www.pinterest.de/", ""},
	{5, "Paid Social", "linkedin.com", "utm_source=linkedin.com&utm_medium=cpc", "", ""},
	{5, "Paid Social", "snapchat", "utm_medium=cpc", "android-app://com.snapchat.android/", "an application is a site"},
	{5, "Paid Social", "reddit", "utm_source=reddit&utm_medium=cpc", "", ""},
	{5, "Paid Social", "facebook", "utm_source=facebook&utm_medium=cpm", "", "cpm on a social site"},

	// 6: Paid Video.
	{6, "Paid Video", "youtube", "utm_source=youtube&utm_medium=cpv,cpc", "", ""},
	{6, "Paid Video", "youtube.com", "utm_source=youtube.com&utm_medium=paid-video", "", ""},
	{6, "Paid Video", "vimeo", "utm_source=vimeo&utm_medium=cpc", "", ""},
	{6, "Paid Video", "twitch", "utm_medium=cpc", "https://www.twitch.tv/", ""},

	// 7: Display.
	{7, "Display", "partner", "utm_source=partner&utm_medium=display", "", ""},
	{7, "Display", "partner", "utm_source=partner&utm_medium=banner", "", ""},
	{7, "Display", "partner", "utm_source=partner&utm_medium=expandable", "", ""},
	{7, "Display", "partner", "utm_source=partner&utm_medium=interstitial", "", ""},
	{7, "Display", "partner", "utm_source=partner&utm_medium=cpm", "", "PAID would swallow cpm"},
	{7, "Display", "partner", "utm_source=partner&utm_medium=CPM", "", ""},
	{7, "Display", "google", "utm_source=google&utm_medium=display", "", "a search site's display network: display is not paid"},
	{7, "Display", "facebook", "utm_source=facebook&utm_medium=banner", "", "likewise a social site's"},

	// 8: Paid Other.
	{8, "Paid Other", "partner", "utm_source=partner&utm_medium=cpc", "", ""},
	{8, "Paid Other", "criteo", "utm_source=criteo&utm_medium=retargeting", "", ""},
	{8, "Paid Other", "taboola", "utm_source=taboola&utm_medium=cpa-cpc", "", "cp anywhere"},
	{8, "Paid Other", "outbrain", "utm_source=outbrain&utm_medium=paid", "", ""},
	{8, "Paid Other", "chatgpt.com", "utm_source=chatgpt.com&utm_medium=cpc", "", "paid at an AI assistant's: no row of its own"},
	{8, "Paid Other", "partner", "utm_source=partner&utm_medium=paid-email", "", "before Email"},
	{8, "Paid Other", "partner", "utm_source=partner&utm_medium=cpc", "https://www.google.com/", "utm_source is the source, whatever the referrer"},
	{8, "Paid Other", "blog.example", "utm_medium=cpc", "https://blog.example/post", ""},

	// 9: Organic Shopping.
	{9, "Organic Shopping", "amazon", "", "https://www.amazon.co.uk/", ""},
	{9, "Organic Shopping", "amazon", "", "https://www.amazon.com/gp/product/1", ""},
	{9, "Organic Shopping", "ebay", "", "https://www.ebay.de/itm/1", ""},
	{9, "Organic Shopping", "etsy", "", "https://www.etsy.com/", ""},
	{9, "Organic Shopping", "idealo", "", "https://www.idealo.de/preisvergleich", ""},
	{9, "Organic Shopping", "googleshopping", "", "https://shopping.google.com/", "on a search engine's domain"},
	{9, "Organic Shopping", "partner", "utm_source=partner&utm_medium=post&utm_campaign=shop the look", "", "a shop's campaign"},
	{9, "Organic Shopping", "facebook", "utm_source=facebook&utm_medium=social&utm_campaign=shopping", "", "before Organic Social"},
	{9, "Organic Shopping", "google", "utm_source=google&utm_medium=organic&utm_campaign=shop", "", "before Organic Search"},
	{9, "Organic Shopping", "igshopping", "utm_source=IGShopping&utm_medium=Social", "", "Instagram's own marks"},

	// 10: Organic Social.
	{10, "Organic Social", "facebook", "", "https://l.facebook.com/l.php?u=https%3A%2F%2Fshop.example", ""},
	{10, "Organic Social", "facebook", "", "https://m.facebook.com/", ""},
	{10, "Organic Social", "facebook", "", "android-app://com.facebook.katana/", ""},
	{10, "Organic Social", "facebook", "", "android-app://com.facebook.lite/", "Facebook Lite"},
	{10, "Organic Social", "instagram", "", "https://l.instagram.com/?u=x", ""},
	{10, "Organic Social", "instagram", "", "android-app://com.instagram.android", ""},
	{10, "Organic Social", "threads", "", "https://l.threads.com/?u=x", ""},
	{10, "Organic Social", "threads", "", "android-app://com.instagram.barcelona/", "Threads"},
	{10, "Organic Social", "twitter", "", "https://t.co/abc", ""},
	{10, "Organic Social", "twitter", "", "https://x.com/", ""},
	{10, "Organic Social", "linkedin", "", "https://www.linkedin.com/feed/", ""},
	{10, "Organic Social", "linkedin", "", "https://lnkd.in/x", ""},
	{10, "Organic Social", "pinterest", "", "https://www.pinterest.co.uk/", ""},
	{10, "Organic Social", "pinterest", "", "https://pin.it/x", ""},
	{10, "Organic Social", "reddit", "", "https://old.reddit.com/r/x/comments/1", ""},
	{10, "Organic Social", "tiktok", "", "https://www.tiktok.com/@x", ""},
	{10, "Organic Social", "tiktok", "", "android-app://com.zhiliaoapp.musically/", "TikTok"},
	{10, "Organic Social", "tiktok", "", "android-app://com.ss.android.ugc.trill/", "TikTok in Asia"},
	{10, "Organic Social", "snapchat", "", "android-app://com.snapchat.android/", "Snapchat"},
	{10, "Organic Social", "snapchat", "", "https://www.snapchat.com/", ""},
	{10, "Organic Social", "wechat", "", "android-app://com.tencent.mm/", "WeChat"},
	{10, "Organic Social", "wechat", "", "https://mp.weixin.qq.com/s/x", ""},
	{10, "Organic Social", "line", "", "android-app://jp.naver.line.android/", "LINE"},
	{10, "Organic Social", "line", "", "https://liff.line.me/x", ""},
	{10, "Organic Social", "vk", "", "android-app://com.vkontakte.android/", "VK"},
	{10, "Organic Social", "vk", "", "https://away.vk.com/", ""},
	{10, "Organic Social", "telegram", "", "android-app://org.telegram.messenger/", ""},
	{10, "Organic Social", "whatsapp", "", "https://web.whatsapp.com/", ""},
	{10, "Organic Social", "hackernews", "", "https://news.ycombinator.com/item?id=1", ""},
	{10, "Organic Social", "mastodon", "", "https://mastodon.social/@x", ""},
	{10, "Organic Social", "wordpress.com", "", "https://wordpress.com/read", "a public suffix may be a site"},
	{10, "Organic Social", "partner", "utm_source=partner&utm_medium=social", "", ""},
	{10, "Organic Social", "partner", "utm_source=partner&utm_medium=social-network", "", ""},
	{10, "Organic Social", "partner", "utm_source=partner&utm_medium=social-media", "", ""},
	{10, "Organic Social", "partner", "utm_source=partner&utm_medium=sm", "", ""},
	{10, "Organic Social", "partner", "utm_source=partner&utm_medium=social+network", "", "a plus is a space"},
	{10, "Organic Social", "partner", "utm_source=partner&utm_medium=social%20media", "", ""},
	{10, "Organic Social", "facebook", "utm_source=facebook", "", ""},
	{10, "Organic Social", "facebook", "utm_source=facebook&utm_medium=referral", "", "before Referral"},
	{10, "Organic Social", "linkedin", "utm_source=linkedin&utm_medium=email", "", "before Email"},

	// 11: Organic Video.
	{11, "Organic Video", "youtube", "", "https://m.youtube.com/watch?v=x", ""},
	{11, "Organic Video", "youtube", "", "https://youtu.be/x", ""},
	{11, "Organic Video", "youtube", "", "android-app://com.google.android.youtube/", ""},
	{11, "Organic Video", "vimeo", "", "https://player.vimeo.com/video/1", ""},
	{11, "Organic Video", "twitch", "", "https://www.twitch.tv/x", ""},
	{11, "Organic Video", "partner", "utm_source=partner&utm_medium=myVideoAds", "", "video anywhere"},
	{11, "Organic Video", "google", "utm_source=google&utm_medium=video", "", "before Organic Search"},

	// 12: AI assistants.
	{12, "AI Assistants", "chatgpt", "", "https://chatgpt.com/", ""},
	{12, "AI Assistants", "chatgpt.com", "utm_source=chatgpt.com", "", "as ChatGPT marks its links"},
	{12, "AI Assistants", "perplexity", "", "https://www.perplexity.ai/search/x", ""},
	{12, "AI Assistants", "claude", "", "https://claude.ai/chat/x", ""},
	{12, "AI Assistants", "gemini", "", "https://gemini.google.com/app", "on a search engine's domain"},
	{12, "AI Assistants", "copilot", "", "https://copilot.microsoft.com/", ""},
	{12, "AI Assistants", "deepseek", "", "https://chat.deepseek.com/", ""},
	{12, "AI Assistants", "chatgpt", "", "android-app://com.openai.chatgpt/", ""},
	{12, "AI Assistants", "chatgpt.com", "utm_source=chatgpt.com&utm_medium=referral", "", "before Referral"},

	// 13: Organic Search.
	{13, "Organic Search", "google", "", "https://www.google.com/", ""},
	{13, "Organic Search", "google", "", "https://www.google.co.jp/", "in any country"},
	{13, "Organic Search", "google", "", "https://www.google.com.br/search?q=x", ""},
	{13, "Organic Search", "google", "", "https://news.google.com/", "a subdomain"},
	{13, "Organic Search", "google", "", "android-app://com.google.android.googlequicksearchbox/", "an application"},
	{13, "Organic Search", "bing", "", "https://www.bing.com/", ""},
	{13, "Organic Search", "bing", "", "https://cn.bing.com/", ""},
	{13, "Organic Search", "bing", "", "android-app://com.microsoft.bing/", "Bing"},
	{13, "Organic Search", "duckduckgo", "", "https://duckduckgo.com/", ""},
	{13, "Organic Search", "yahoo", "", "https://search.yahoo.com/", ""},
	{13, "Organic Search", "yahoo", "", "https://r.search.yahoo.com/_ylt=x", ""},
	{13, "Organic Search", "ecosia", "", "https://www.ecosia.org/", ""},
	{13, "Organic Search", "yandex", "", "https://yandex.ru/", ""},
	{13, "Organic Search", "yandex", "", "https://ya.ru/", ""},
	{13, "Organic Search", "baidu", "", "https://www.baidu.com/link?url=x", ""},
	{13, "Organic Search", "naver", "", "https://m.search.naver.com/", ""},
	{13, "Organic Search", "seznam", "", "https://search.seznam.cz/", ""},
	{13, "Organic Search", "startpage", "", "https://www.startpage.com/", ""},
	{13, "Organic Search", "brave", "", "https://search.brave.com/", ""},
	{13, "Organic Search", "qwant", "", "https://www.qwant.com/", ""},
	{13, "Organic Search", "kagi", "", "https://kagi.com/", ""},
	{13, "Organic Search", "msn", "", "https://www.msn.com/de-de", ""},
	{13, "Organic Search", "sm.cn", "", "https://m.sm.cn/", "a site without another name"},
	{13, "Organic Search", "partner", "utm_source=partner&utm_medium=organic", "", ""},
	{13, "Organic Search", "google", "utm_source=google", "", ""},
	{13, "Organic Search", "google", "utm_source=&utm_source=google", "", "an empty utm_source does not hide a later one"},
	{13, "Organic Search", "google", "utm_source=google&utm_medium=email", "", "before Email"},
	{13, "Organic Search", "google", "", "HTTPS://WWW.GOOGLE.COM/", "hosts have no case"},
	{13, "Organic Search", "google", "", "https://www.google.com:443/", "nor a port"},
	{13, "Organic Search", "google", "", "https://www.google.com./", "and may end in a dot"},

	// 14: Email.
	{14, "Email", "newsletter", "utm_source=newsletter&utm_medium=email", "", ""},
	{14, "Email", "newsletter", "utm_source=newsletter&utm_medium=e-mail", "", ""},
	{14, "Email", "newsletter", "utm_source=newsletter&utm_medium=e_mail", "", ""},
	{14, "Email", "newsletter", "utm_source=newsletter&utm_medium=e%20mail", "", ""},
	{14, "Email", "e-mail", "utm_source=E-Mail&utm_medium=x", "", "as the source"},
	{14, "Email", "email", "utm_source=email", "", ""},
	{14, "Email", "newsletter", "utm_source=newsletter&utm_medium=email", "https://mail.google.com/", "a web mailer's referrer changes nothing"},
	{14, "Email", "newsletter", "utm_source=newsletter&utm_medium=email", "https://www.google.com/", "nor does any other"},
	{14, "Email", "newsletter", "utm_source=newsletter&amp;utm_medium=email", "", "a link out of HTML"},
	{14, "Email", "grüße", "utm_source=GRU%CC%88%C3%9FE&utm_medium=email", "", "a key is NFC and in lower case"},

	// 15 to 18.
	{15, "Affiliates", "awin", "utm_source=awin&utm_medium=affiliate", "", ""},
	{15, "Affiliates", "partner", "utm_source=partner&utm_medium=Affiliate", "", ""},
	{16, "Audio", "spotify", "utm_source=spotify&utm_medium=audio", "", ""},
	{17, "SMS", "klaviyo", "utm_source=klaviyo&utm_medium=sms", "", ""},
	{17, "SMS", "sms", "utm_source=sms&utm_medium=x", "", "as the source"},
	{18, "Mobile Push", "x", "utm_source=x&utm_medium=webpush", "", "ends in push"},
	{18, "Mobile Push", "x", "utm_source=x&utm_medium=push", "", ""},
	{18, "Mobile Push", "x", "utm_source=x&utm_medium=app-notification-1", "", ""},
	{18, "Mobile Push", "x", "utm_source=x&utm_medium=mobile", "", ""},
	{18, "Mobile Push", "firebase", "utm_source=firebase&utm_medium=x", "", ""},

	// 19: Referral.
	{19, "Referral", "partner", "utm_source=partner&utm_medium=referral", "", ""},
	{19, "Referral", "partner", "utm_source=partner&utm_medium=app", "", ""},
	{19, "Referral", "partner", "utm_source=partner&utm_medium=link", "", ""},
	{19, "Referral", "blog.example", "", "https://blog.example/post", "a referrer of no known kind"},
	{19, "Referral", "blog.example", "", "https://www.blog.example/post", "without www."},
	{19, "Referral", "blog.example", "", "https://m.blog.example/post", "without m."},
	{19, "Referral", "blog.example", "utm_campaign=summer", "https://blog.example/post", "a campaign beside it"},
	{19, "Referral", "blog.example", "utm_medium=(none)", "https://blog.example/post", "a medium that is none"},
	{19, "Referral", "blog.example", "utm_medium=foo", "https://blog.example/post", "or that no row knows"},
	{19, "Referral", "mail.google.com", "", "https://mail.google.com/", "a web mailer on a search engine's domain"},
	{19, "Referral", "com.google.android.gm", "", "android-app://com.google.android.gm/", "and its application"},
	{19, "Referral", "docs.google.com", "", "https://docs.google.com/document/d/x", ""},
	{19, "Referral", "translate.google.com", "", "https://translate.google.com/", ""},
	{19, "Referral", "google.blogspot.com", "", "https://google.blogspot.com/", "named like a search engine under a host's suffix"},
	{19, "Referral", "notgoogle.com", "", "https://notgoogle.com/", "ends alike"},
	{19, "Referral", "google.com.evil.example", "", "https://google.com.evil.example/", "begins alike"},
	{19, "Referral", "2001:db8::1", "", "http://[2001:db8::1]:8080/", "an address"},
	{19, "Referral", "203.0.113.7", "", "http://203.0.113.7/x", ""},
	{19, "Referral", "com.example.app", "", "android-app://com.example.app/", "an application that nobody knows"},
	{19, "Referral", "developers.facebook.com", "", "https://developers.facebook.com/docs", ""},

	// Unassigned.
	{unassigned, "Unassigned", "partner", "utm_source=partner&utm_medium=foo", "", ""},
	{unassigned, "Unassigned", "partner", "utm_source=partner", "", "a source alone"},
	{unassigned, "Unassigned", "partner", "utm_source=partner", "https://blog.example/", "utm_source is the source, whatever the referrer"},
	{unassigned, "Unassigned", "partner", "utm_source=partner&utm_medium=affiliates", "", "the whole medium"},
	{unassigned, "Unassigned", "partner", "utm_source=partner&utm_medium=ppc2", "", "the whole word ppc"},
	{unassigned, "Unassigned", "partner", "utm_source=partner&utm_medium=unpaid", "", "paid stands at the beginning"},
	{unassigned, "Unassigned", "partner", "utm_source=partner&utm_medium=push-1", "", "push stands at the end"},
	{unassigned, "Unassigned", "google2", "utm_source=google2", "", "the whole name"},
	{unassigned, "Unassigned", "newsletter.example", "utm_source=newsletter.example", "", ""},
}

func TestChannelTable(t *testing.T) {
	const least = 150
	if len(arrivals) < least {
		t.Errorf("%d arrivals, want %d or more", len(arrivals), least)
	}
	own := func(host string) bool { return host == "checkout.shop.example" }
	var hit [unassigned + 1]int
	seen := map[string]bool{}
	for _, tt := range arrivals {
		hit[tt.row]++
		name := fmt.Sprintf("row %d: ?%s from %q", tt.row, tt.query, tt.referrer)
		if tt.because != "" {
			name += " (" + tt.because + ")"
		}
		if seen[name] {
			t.Errorf("%s stands in the table twice", name)
		}
		seen[name] = true
		o := OriginOf(PageFromScript("https://shop.example/p?"+tt.query, tt.referrer, own))
		if o.Channel != tt.channel || o.Source != tt.source {
			t.Errorf("%s is %q of %q, want %q of %q", name, o.Channel, o.Source, tt.channel, tt.source)
		}
		if row := channelRow[tt.channel]; row != tt.row && tt.row != 0 {
			t.Errorf("%s: the channel %q is of row %d", name, tt.channel, row)
		}
	}
	for row, n := range hit {
		if n == 0 {
			t.Errorf("no arrival of row %d", row)
		}
	}
}

// channelRow are the rows that give a channel; those of row 0 give three of them too.
var channelRow = map[string]int{
	"Direct": 1, "Cross-network": 2, "Paid Shopping": 3, "Paid Search": 4, "Paid Social": 5, "Paid Video": 6, "Display": 7, "Paid Other": 8,
	"Organic Shopping": 9, "Organic Social": 10, "Organic Video": 11, "AI Assistants": 12, "Organic Search": 13, "Email": 14, "Affiliates": 15,
	"Audio": 16, "SMS": 17, "Mobile Push": 18, "Referral": 19, "Unassigned": unassigned,
}
