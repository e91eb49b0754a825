package sessions

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/store"
)

// A Describer says what a request tells of its visitor. It is safe for concurrent
// use.
type Describer struct {
	Agents        *enrich.Agents
	Sites         *enrich.Sites
	Proxies       enrich.Proxies
	OwnHosts      []string // never a referrer; the request's own host never is
	FullAddresses bool     // otherwise addresses are masked

	// Locate returns the country and the city of an address; nil: neither is stored.
	Locate func(addr netip.Addr) (country, city string)

	// Reason replaces the reason why no person made a request, "" if one did; nil
	// keeps it.
	Reason func(r *http.Request, reason string) string
}

// Record is the record of a session that begins with a request, on the page that the
// visitor is on.
func (d *Describer) Record(r *http.Request, token *cookie.Token, visitor uuid.UUID, at time.Time) store.Record {
	return d.RecordOn(r, d.Page(r), token, visitor, at)
}

// RecordOn is Record for another page than the request says. Its strings are copies:
// those of a request may be part of a larger text, or, under fasthttp, of memory that is used again.
func (d *Describer) RecordOn(r *http.Request, page enrich.Page, token *cookie.Token, visitor uuid.UUID, at time.Time) store.Record {
	agent, userAgent := d.Agents.LookupText(r.Header)
	address, country, city := d.place(r)
	return store.Record{
		Session: store.Session{
			SessionID: token.ID.String(), VisitorID: visitor.String(),
			IPAddress: address, Country: country, City: city, UserAgent: userAgent,
			Device: agent.Device, Browser: agent.Browser, OS: agent.OS,
			LandingPage: strings.Clone(page.Path), Referrer: strings.Clone(page.Referrer), Channel: d.Sites.Channel(page),
			UTMSource: page.UTM.Source, UTMMedium: page.UTM.Medium, UTMCampaign: page.UTM.Campaign,
			UTMTerm: page.UTM.Term, UTMContent: page.UTM.Content,
			StartedAt: at, LastSeenAt: at,
		},
		SecretHash: token.Secret.Hash(),
	}
}

// maxReason is the longest reason, in bytes, that a shop may give.
const maxReason = 64

// Bot says why no person made a request, "" if one did.
func (d *Describer) Bot(r *http.Request) string {
	reason := d.Agents.Lookup(r.Header).Bot
	if d.Reason != nil {
		reason = enrich.Text(d.Reason(r, reason), maxReason)
	}
	return reason
}

// Page is the page that the visitor is on.
func (d *Describer) Page(r *http.Request) enrich.Page {
	return d.Sites.PageFromRequest(r, d.own(r))
}

// ShownPage is the path and query of the shop's page that a request's Referer names, not
// redacted, "" if it names none.
func (d *Describer) ShownPage(r *http.Request) string { return enrich.ShownPage(r, d.own(r)) }

// Landed is the page with a path and query, not redacted, that a visitor came to from
// a referrer.
func (d *Describer) Landed(r *http.Request, page, referrer string) enrich.Page {
	return d.Sites.PageFromScript(page, referrer, d.own(r))
}

// PublicHost is the host under which a browser knows the shop, if the request names
// another that is not known to be the shop's; "" otherwise.
func (d *Describer) PublicHost(r *http.Request) string { return enrich.PublicHost(r, d.own(r)) }

// CookiesWithheld reports whether the browser held its cookies back from a request.
func (d *Describer) CookiesWithheld(r *http.Request) bool {
	return enrich.CookiesWithheld(r, d.own(r))
}

func (d *Describer) own(r *http.Request) func(string) bool {
	return func(host string) bool { return d.isOwnHost(r, host) }
}

// place is a request's address as it is stored, and its country and city.
func (d *Describer) place(r *http.Request) (address, country, city string) {
	addr, _ := d.Proxies.ClientAddr(r)
	if d.Locate != nil && addr.IsValid() {
		country, city = d.Locate(addr)
		country, city = enrich.Text(country, maxPlace), enrich.Text(city, maxPlace)
	}
	return d.stored(addr), country, city
}

// maxPlace is the longest name of a country or city, in bytes.
const maxPlace = 64

// Address is a request's address as it is stored.
func (d *Describer) Address(r *http.Request) string {
	addr, _ := d.Proxies.ClientAddr(r)
	return d.stored(addr)
}

// stored is an address as it is stored.
func (d *Describer) stored(addr netip.Addr) string {
	switch {
	case !addr.IsValid():
		return ""
	case d.FullAddresses:
		return addr.String()
	}
	return enrich.MaskAddr(addr)
}

// isOwnHost reports whether a host is the shop's.
func (d *Describer) isOwnHost(r *http.Request, host string) bool {
	if sameHost(host, r.Host) {
		return true
	}
	for _, own := range d.OwnHosts {
		if sameHost(host, own) {
			return true
		}
	}
	return false
}

// sameHost compares hosts without port and case.
func sameHost(a, b string) bool { return strings.EqualFold(hostname(a), hostname(b)) }

func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}
