package enrich

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"
)

// Sites maps well-known sites to kinds. It is immutable and safe for concurrent
// use. [DefaultSites] returns the built-in list; [ReadSites] adds an operator's
// own file.
type Sites struct {
	hosts map[string]string // "bing.com", "google.*" → kind
	names map[string]string // utm_source → kind
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

// ReadSites returns the built-in sites with those of an operator's file, which
// win. The file has the format that data/sites.txt explains: a kind (search,
// social, video, shopping, ai, provider or none) and hosts or utm_source names
// on each line, # for comments. An error names the line.
func ReadSites(r io.Reader) (*Sites, error) {
	file, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("sites: %w", err)
	}
	return DefaultSites().with(string(file))
}

// with returns a copy with the sites of a file added.
func (s *Sites) with(file string) (*Sites, error) {
	c := &Sites{hosts: make(map[string]string, len(s.hosts)+400), names: make(map[string]string, len(s.names)+200)}
	for k, v := range s.hosts {
		c.hosts[k] = v
	}
	for k, v := range s.names {
		c.names[k] = v
	}
	n := 0
	for line := range strings.SplitSeq(file, "\n") {
		n++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(strings.ToLower(line))
		if len(words) == 0 {
			continue
		}
		kind := words[0]
		switch kind {
		case siteSearch, siteSocial, siteVideo, siteShopping, siteAI, siteProvider, siteNone:
		default:
			return nil, fmt.Errorf("sites: line %d: unknown kind %q", n, kind)
		}
		for _, w := range words[1:] {
			if strings.Contains(w, ".") {
				c.hosts[w] = kind
			} else {
				c.names[w] = kind
			}
		}
	}
	return c, nil
}

// host returns the kind of a host (lower case), "" if it has none.
func (s *Sites) host(host string) string {
	if strings.IndexByte(host, '.') < 0 || strings.IndexByte(host, ':') >= 0 {
		return ""
	}
	suffix, icann := publicsuffix.PublicSuffix(host)
	for h := host; len(h) > len(suffix); {
		kind, ok := s.hosts[h]
		if !ok && icann {
			// Only under a registry's own suffix: google.blogspot.com is not Google.
			kind, ok = s.hosts[h[:len(h)-len(suffix)]+"*"]
		}
		if ok {
			return known(kind)
		}
		i := strings.IndexByte(h, '.')
		if i < 0 {
			return ""
		}
		h = h[i+1:]
	}
	// A site may be a public suffix itself: wordpress.com.
	return known(s.hosts[suffix])
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
func isProvider(host string) bool {
	return DefaultSites().host(host) == siteProvider
}
