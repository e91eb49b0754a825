package enrich

import (
	_ "embed"
	"fmt"
	"maps"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"
)

// Sites maps well-known sites to kinds. It is immutable and safe for concurrent
// use. [DefaultSites] returns the built-in list; [ReadRules] adds an operator's
// own file.
type Sites struct {
	hosts map[string]site   // "bing.com", "google.*"
	names map[string]string // utm_source → kind
}

// A site is what is known of a host.
type site struct {
	kind string
	name string // as a source; "" if it is the host
}

// The kinds of sites.
const (
	siteSearch   = "search"
	siteSocial   = "social"
	siteVideo    = "video"
	siteShopping = "shopping"
	siteAI       = "ai"
	siteProvider = "provider"
	siteNone     = "none"
)

//go:embed data/sites.txt
var sitesTxt string

// DefaultSites returns the built-in list, data/sites.txt.
var DefaultSites = sync.OnceValue(func() *Sites {
	s, err := (&Sites{}).with(sitesTxt)
	if err != nil {
		panic("enrich: data/sites.txt: " + err.Error()) // the file is embedded, so tests find this
	}
	return s
})

// with returns a copy with the sites of a file added.
func (s *Sites) with(file string) (*Sites, error) {
	c := s.copy()
	n := 0
	for line := range strings.SplitSeq(file, "\n") {
		n++
		if kind, rest := ruleOf(line); kind != "" && !c.add(kind, strings.Fields(strings.ToLower(rest))) {
			return nil, fmt.Errorf("line %d: unknown kind %q", n, kind)
		}
	}
	return c, nil
}

func (s *Sites) copy() *Sites {
	c := &Sites{hosts: make(map[string]site, len(s.hosts)+500), names: make(map[string]string, len(s.names)+250)}
	maps.Copy(c.hosts, s.hosts)
	maps.Copy(c.names, s.names)
	return c
}

// add adds the words of one line, in lower case. It returns false if the kind is none of
// the kinds.
func (s *Sites) add(kind string, words []string) bool {
	switch kind {
	case siteSearch, siteSocial, siteVideo, siteShopping, siteAI, siteProvider, siteNone:
	default:
		return false
	}
	name := ""
	for _, w := range words {
		if !strings.Contains(w, ".") {
			if s.names[w] = kind; name == "" {
				name = w
			}
		}
	}
	for _, w := range words {
		if strings.Contains(w, ".") {
			s.hosts[w] = site{kind, name}
		}
	}
	return true
}

// host returns the kind of a host (lower case), "" if it has none.
func (s *Sites) host(host string) string {
	found, _ := s.lookup(host)
	return known(found.kind)
}

// lookup returns what is known of a host (lower case).
func (s *Sites) lookup(host string) (found site, ok bool) {
	if strings.IndexByte(host, '.') < 0 || strings.IndexByte(host, ':') >= 0 {
		return site{}, false
	}
	suffix, icann := publicsuffix.PublicSuffix(host)
	for h := host; len(h) > len(suffix); {
		found, ok = s.hosts[h]
		if !ok && icann {
			// Only under a registry's own suffix: google.blogspot.com is not Google.
			found, ok = s.hosts[h[:len(h)-len(suffix)]+"*"]
		}
		if ok {
			return found, true
		}
		i := strings.IndexByte(h, '.')
		if i < 0 {
			return site{}, false
		}
		h = h[i+1:]
	}
	// A site may be a public suffix itself: wordpress.com.
	found, ok = s.hosts[suffix]
	return found, ok
}

// source returns the kind of a utm_source (lower case): a name or a host.
func (s *Sites) source(source string) string {
	if kind, ok := s.names[source]; ok {
		return known(kind)
	}
	return s.host(source)
}

func known(kind string) string {
	if kind == siteNone {
		return ""
	}
	return kind
}

// isProvider reports whether a host belongs to a payment or sign-in provider.
func (s *Sites) isProvider(host string) bool { return s.host(host) == siteProvider }
