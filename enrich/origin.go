package enrich

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Origin is where a visit came from, in the form by which visits are compared and
// grouped. What is not known is empty. Two arrivals of one visit with equal origins are
// one arrival.
type Origin struct {
	Channel string
	// Source is utm_source, else the click id's network, else the referrer's site: its
	// name in the list of sites (google), or its host without www. and m. A direct visit
	// has none.
	Source   string
	Medium   string
	Campaign string
	Term     string
	Content  string
	Referrer string // host and path
	Click    string // the click id's name
}

// OriginOf is [Sites.Origin] with the built-in sites.
func OriginOf(p Page) Origin { return DefaultSites().Origin(p) }

// Origin returns where a page's visitor came from.
func (s *Sites) Origin(p Page) Origin {
	o := Origin{
		Channel: s.Channel(p), Source: Key(p.UTM.Source), Medium: Key(p.UTM.Medium), Campaign: Key(p.UTM.Campaign),
		Term: Key(p.UTM.Term), Content: Key(p.UTM.Content), Click: p.ClickID.Name,
	}
	referrer, hasReferrer := splitURL(p.Referrer)
	if hasReferrer {
		path, _, _ := strings.Cut(referrer.rest, "?")
		path, _, _ = strings.Cut(path, "#")
		o.Referrer = referrer.host + path
	}
	switch {
	case o.Channel == "Direct":
		o.Source = ""
	case o.Source != "":
	case o.Click != "":
		o.Source = networks[o.Click]
	case hasReferrer:
		o.Source = s.siteName(referrer.host)
	}
	return o
}

// siteName returns the source that a referrer's host stands for.
func (s *Sites) siteName(host string) string {
	if found, ok := s.lookup(host); ok && found.name != "" {
		return found.name
	}
	for _, prefix := range [...]string{"www.", "m."} {
		if rest, ok := strings.CutPrefix(host, prefix); ok && strings.Contains(rest, ".") {
			host = rest
		}
	}
	return host
}

// Key returns the form by which values of UTM parameters are compared and grouped:
// without spaces around it, in Unicode's form NFC, in lower case whatever the language.
func Key(value string) string {
	return strings.ToLower(norm.NFC.String(strings.TrimSpace(value)))
}
