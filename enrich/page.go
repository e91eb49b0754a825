package enrich

import (
	"net/http"
	"strings"
)

// Page is the page that a visitor is on, and how they came to it.
type Page struct {
	// Path is the page's path and query: valid UTF-8, redacted, at most MaxURL
	// bytes. "" when the page is not known, which is the case for a fetch from
	// a page that hides its address.
	Path string
	// Referrer is the URL of the page they came from, redacted and at most
	// MaxURL bytes. "" when there is none, when it is no http, https or
	// android-app URL, when it is the shop itself, and when it is a payment or
	// sign-in provider: coming back from one is no arrival.
	Referrer string
	UTM      UTM
	ClickID  ClickID
}

// UTM holds a page URL's campaign parameters: of each the first value that is not
// empty, at most MaxUTM bytes.
type UTM struct{ Source, Medium, Campaign, Term, Content string }

// ClickID is the mark that an advertising network put on a page URL: gclid,
// gbraid, wbraid, msclkid, ttclid, twclid, li_fat_id, dclid or fbclid. Of several it is
// the first in this order, so that an advertisement's beats fbclid, which
// Facebook puts on every link. The value has at most MaxClickID bytes.
type ClickID struct{ Name, Value string }

// clickIDs in order of precedence.
var clickIDs = [...]string{"gclid", "gbraid", "wbraid", "msclkid", "ttclid", "twclid", "li_fat_id", "dclid", "fbclid"}

// PageFromRequest finds the page from a request's headers. The middleware usually
// stands in front of an API, so the requested URL often is not the page:
//
//   - Sec-Fetch-Mode: navigate. The page is the requested URL, and the referrer is
//     the Referer.
//   - Any other Sec-Fetch-Mode: a script or an image made the request. The page is
//     the Referer if that is the shop's own, and unknown otherwise. Where the
//     visitor came from before that page is unknown too.
//   - No such header (old browsers, no TLS): if the Referer is the shop's own it is
//     the page, otherwise the request counts as a navigation.
//
// own reports whether a host is the shop's own. It is called with a lower-case
// name without port and may be nil. The request's own host, with and without
// www., is always the shop's; so is the Referer of a request that the browser calls
// same-origin, whatever Host a proxy wrote.
func PageFromRequest(r *http.Request, own func(host string) bool) Page {
	return DefaultSites().PageFromRequest(r, own)
}

// PageFromRequest is [PageFromRequest] with these sites' payment and sign-in providers.
func (s *Sites) PageFromRequest(r *http.Request, own func(host string) bool) Page {
	referer, from := parseReferrer(r.Header.Get("Referer"))
	self := referer != "" && (isSameOrigin(r) || isOwn(from.host, r.Host, own))
	mode := r.Header.Get("Sec-Fetch-Mode")
	if mode == "navigate" || mode == "" && !self {
		p := Page{Path: Requested(r)}
		if !self && !s.isProvider(from.host) {
			p.Referrer = referer
		}
		p.campaign(rawQuery(r))
		return p
	}
	var p Page
	if self {
		p.setURL(from.rest)
	}
	return p
}

func isSameOrigin(r *http.Request) bool {
	site := r.Header["Sec-Fetch-Site"]
	return len(site) > 0 && site[0] == "same-origin"
}

// PublicHost is the host of the page that made a request, if the browser calls the request
// same-origin and yet its Host is another: a proxy wrote that. It is "" otherwise, and for a
// host that own accepts.
func PublicHost(r *http.Request, own func(host string) bool) string {
	if !isSameOrigin(r) || r.Host == "" {
		return ""
	}
	referer := r.Header.Get("Referer")
	if _, rest, ok := strings.Cut(referer, "://"); !ok || strings.HasPrefix(rest, r.Host) { // the usual case
		return ""
	}
	from, ok := splitURL(referer)
	if !ok || !from.web() || isOwn(from.host, r.Host, own) {
		return ""
	}
	return from.host
}

// ShownPage is the path and query of the shop's page that a request's Referer names, not
// redacted, "" if it names none. own is as in [PageFromRequest].
func ShownPage(r *http.Request, own func(host string) bool) string {
	referer := r.Header["Referer"]
	if len(referer) == 0 {
		return ""
	}
	from, ok := splitURL(strings.TrimSpace(referer[0]))
	if !ok || !from.web() || !isSameOrigin(r) && !isOwn(from.host, r.Host, own) {
		return ""
	}
	rest, _, _ := strings.Cut(from.rest, "#")
	return rooted(rest)
}

// PageFromScript finds the page from what a browser's script reports: its
// location.href (or a path and query) and document.referrer. Both are as
// untrusted as headers. own is as in [PageFromRequest]; the location's own host
// is always the shop's.
func PageFromScript(location, referrer string, own func(host string) bool) Page {
	return DefaultSites().PageFromScript(location, referrer, own)
}

// PageFromScript is [PageFromScript] with these sites' payment and sign-in providers.
func (s *Sites) PageFromScript(location, referrer string, own func(host string) bool) Page {
	var p Page
	location = strings.TrimSpace(location)
	loc, ok := splitURL(location)
	switch {
	case ok && loc.web():
		p.setURL(loc.rest)
	case strings.HasPrefix(location, "/"):
		loc.host = ""
		p.setURL(location)
	default:
		loc.host = "" // about:blank, file:, javascript:, …
	}
	ref, from := parseReferrer(referrer)
	if ref != "" && !isOwn(from.host, loc.host, own) && !s.isProvider(from.host) {
		p.Referrer = ref
	}
	return p
}

// Requested returns the requested path and query, redacted and at most MaxURL
// bytes. It uses the URL as the client sent it, even behind handlers that rewrite
// the request's URL ([http.StripPrefix]). It does not allocate for a clean path
// without a query.
func Requested(r *http.Request) string {
	s := RequestedAsSent(r)
	if plainPath(s) {
		return s
	}
	return tidyURL(s)
}

// RequestedAsSent is [Requested] without redaction and bound: the path and query as
// the client sent them.
func RequestedAsSent(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	// The request does not come from a server, or its URL is in a proxy's
	// absolute form.
	if r.URL == nil {
		return ""
	}
	s := r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		s += "?" + r.URL.RawQuery
	}
	return rooted(s)
}

// StoredPage returns a path and query as they are stored: valid UTF-8, redacted and at
// most MaxURL bytes.
func StoredPage(s string) string { return tidyURL(s) }

// plainPath reports whether s needs no cleaning. It looks at each byte once.
func plainPath(s string) bool {
	if len(s) > MaxURL {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !plainByte[s[i]] {
			return false
		}
	}
	return true
}

// plainByte are the bytes that need no cleaning and cannot begin a parameter or a
// user name.
var plainByte = func() (plain [256]bool) {
	for c := 0x21; c < 0x7f; c++ {
		plain[c] = !strings.ContainsRune("?#;&=@%", rune(c))
	}
	return plain
}()

// tidyURL bounds, cleans and redacts a URL, in an order that cannot be evaded.
// Cleaning comes before redacting, because a control character could split the
// name of a secret. Bounding happens twice, because redacting may make a URL
// longer.
func tidyURL(s string) string {
	return cut(RedactURL(Text(s, MaxURL)), MaxURL)
}

// setURL sets the page's path, query and fragment.
func (p *Page) setURL(s string) {
	s, _, _ = strings.Cut(s, "#")
	_, query, _ := strings.Cut(s, "?")
	p.Path = tidyURL(rooted(s))
	p.campaign(query)
}

func rooted(s string) string {
	if strings.HasPrefix(s, "/") {
		return s
	}
	return "/" + s
}

// rawQuery returns the requested query as the client sent it.
func rawQuery(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		_, query, _ := strings.Cut(r.RequestURI, "?")
		return query
	}
	if r.URL == nil {
		return ""
	}
	return r.URL.RawQuery
}

// campaign reads UTM values and click ids from a query. Of a repeated parameter
// the first value counts that is not empty.
func (p *Page) campaign(query string) {
	if len(query) > MaxQuery {
		query = query[:MaxQuery]
	}
	rank := len(clickIDs)
	for query != "" {
		var param string
		param, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(param, "=")
		// Links copied out of HTML keep their &amp;, which turns utm_source into
		// amp;utm_source.
		name = strings.TrimPrefix(name, "amp;")
		if value == "" || len(name) < 5 || len(name) > 36 { // gclid; utm_campaign with each byte encoded
			continue
		}
		name = strings.ToLower(unescape(name, true))
		if field := p.UTM.field(name); field != nil {
			if *field == "" {
				*field = queryValue(value, MaxUTM)
			}
			continue
		}
		for i := range clickIDs[:rank] {
			if name == clickIDs[i] {
				if v := queryValue(value, MaxClickID); v != "" {
					p.ClickID = ClickID{Name: clickIDs[i], Value: v}
					rank = i // a later one counts only if it has precedence
				}
				break
			}
		}
	}
}

func (u *UTM) field(name string) *string {
	switch name {
	case "utm_source":
		return &u.Source
	case "utm_medium":
		return &u.Medium
	case "utm_campaign":
		return &u.Campaign
	case "utm_term":
		return &u.Term
	case "utm_content":
		return &u.Content
	}
	return nil
}

func queryValue(raw string, max int) string {
	if len(raw) > 3*max+8 { // the rest cannot count, even if every byte is encoded
		raw = raw[:3*max+8]
	}
	return strings.Clone(Text(strings.TrimSpace(unescape(raw, true)), max))
}
