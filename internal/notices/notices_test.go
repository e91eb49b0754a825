package notices

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/enrich"
)

var gateway = netip.MustParseAddr("172.17.0.1")

// names are those of the notices of this moment.
func names(w *Notices) string {
	var all []string
	for _, n := range w.Current() {
		if n.Says == "" || n.Remedy == "" {
			return "a notice without a text or a remedy: " + n.Name
		}
		all = append(all, n.Name)
	}
	return strings.Join(all, " ")
}

func visits(w *Notices, n, agents int, whom enrich.Identity, addr func(i int) netip.Addr) {
	for i := range n {
		w.Began(addr(i), whom, fmt.Sprint(i%agents))
	}
}

func one(int) netip.Addr { return gateway }

func many(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, byte(i), 7}) }

func TestNotices(t *testing.T) {
	for _, c := range []struct {
		situation, want string
		does            func(w *Notices)
	}{
		{"nothing has happened", "", func(*Notices) {}},
		{"all visitors have one address", "one_address", func(w *Notices) { visits(w, 60, 10, enrich.OneVisitor, one) }},
		{"too few visitors to say so", "", func(w *Notices) { visits(w, 40, 10, enrich.OneVisitor, one) }},
		{"one visitor who comes again and again", "", func(w *Notices) { visits(w, 60, 1, enrich.OneVisitor, one) }},
		{"visitors have addresses of their own", "", func(w *Notices) { visits(w, 60, 10, enrich.OneVisitor, many) }},
		{"a proxy was forgotten", "one_address untrusted_proxy", func(w *Notices) { visits(w, 60, 10, enrich.ForgottenProxy, one) }},
		{"a public proxy with many addresses was", "untrusted_proxy", func(w *Notices) { visits(w, 60, 10, enrich.Forwarder, many) }},
		{"a Unix socket is not trusted", "one_address untrusted_proxy", func(w *Notices) { visits(w, 60, 10, enrich.Nobody, func(int) netip.Addr { return netip.Addr{} }) }},
		{"it was mended", "", func(w *Notices) {
			visits(w, 60, 10, enrich.ForgottenProxy, one)
			visits(w, 64, 10, enrich.OneVisitor, many)
		}},
		{"a proxy writes another host", "own_referrer", func(w *Notices) {
			for range 3 {
				w.Rewritten("www.shop.example", "10.0.0.5:8080")
			}
		}},
		{"a stranger says so a few times", "", func(w *Notices) {
			for i := range 200 {
				if w.Viewed(true); i < 5 {
					w.Rewritten("evil.example", "shop.example")
				}
			}
		}},
		{"the proxy was mended", "", func(w *Notices) {
			for i := range 5000 {
				if w.Viewed(true); i < 1000 {
					w.Rewritten("www.shop.example", "10.0.0.5:8080")
				}
			}
		}},
		{"nearly all is taken for software", "mostly_bots", func(w *Notices) {
			for i := range 200 {
				if w.ViewedByBot(); i%20 == 0 {
					w.Viewed(true)
				}
			}
		}},
		{"half is software", "", func(w *Notices) {
			for range 200 {
				w.ViewedByBot()
				w.Viewed(true)
			}
		}},
		{"cookies never come back", "cookies_lost", func(w *Notices) {
			visits(w, 60, 10, enrich.OneVisitor, many)
			for range 60 {
				w.Viewed(false)
			}
		}},
		{"some come back", "", func(w *Notices) {
			visits(w, 60, 10, enrich.OneVisitor, many)
			for i := range 60 {
				w.Viewed(i%20 == 0)
			}
		}},
		{"they come back since it was mended", "", func(w *Notices) {
			visits(w, 3000, 10, enrich.OneVisitor, many)
			for i := range 5000 {
				w.Viewed(i > 3000)
			}
		}},
	} {
		w := New()
		if c.does(w); names(w) != c.want {
			t.Errorf("%s: noticed is %q, want %q", c.situation, names(w), c.want)
		}
	}
}

func TestNotices_NamesAreAllThereAre(t *testing.T) {
	w := New()
	visits(w, 64, 10, enrich.ForgottenProxy, one)
	for range 3 {
		w.Rewritten("www.shop.example", "10.0.0.5:8080")
	}
	for range 60 {
		w.Viewed(false)
	}
	for range 900 {
		w.ViewedByBot()
	}
	if got, want := names(w), strings.Join(Names[:], " "); got != want {
		t.Errorf("noticed is %q, want all of %q: metrics show a line for each name", got, want)
	}
}
