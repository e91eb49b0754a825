package scenarios_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// Ten people with the same agent and no address of their own, each on a page of their
// own and from a campaign of their own, within two seconds. Only the first of them
// comes back.
func tenPeople(t *testing.T, s *stage.Stage, peer string, header map[string]string) (sessions int64) {
	t.Helper()
	site := s.Site()
	var first *stage.Browser
	for i := range 10 {
		b := stage.NewBrowser(t, site)
		b.Addr = peer
		b.Header.Set("User-Agent", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36")
		for name, value := range header {
			b.Header.Set(name, value)
		}
		if header["X-Forwarded-For"] != "" {
			b.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.%d.7", 100+i))
		}
		b.Do("GET", fmt.Sprintf("/page-%d?utm_source=letter&utm_campaign=c%d", i, i))
		if i == 0 {
			first = b
		}
	}
	first.Do("GET", "/next")
	time.Sleep(20 * time.Second)
	n, err := s.SQLite.SessionsBegun(context.Background(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// An address that stands for many people, or for nobody, is no identity.
func TestFold_AnAddressIsNoIdentity(t *testing.T) {
	for _, c := range []struct {
		name, peer string
		header     map[string]string
		edit       func(*footfall.Config)
	}{
		{"behind a Unix socket that nobody trusts", "@", map[string]string{"X-Forwarded-For": "…"}, nil},
		{"behind a trusted Unix socket", "@", map[string]string{"X-Forwarded-For": "…"}, func(c *footfall.Config) { c.TrustUnixSocket = true }},
		{"behind a trusted Unix socket that says nothing", "@", nil, func(c *footfall.Config) { c.TrustUnixSocket = true }},
		{"behind a private proxy that nobody trusts", "172.17.0.1:1", map[string]string{"X-Forwarded-For": "…"}, nil},
		{"behind a public proxy that nobody trusts", "203.0.113.7:1", map[string]string{"X-Forwarded-For": "…"}, nil},
		{"behind a trusted proxy that says nothing", "10.0.0.1:1", nil, func(c *footfall.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }},
		{"in one office", "203.0.113.7:1", nil, nil},
		{"in one office, with Fetch metadata", "203.0.113.7:1", map[string]string{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if n := tenPeople(t, stage.New(t, c.edit), c.peer, c.header); n != 10 {
					t.Errorf("ten people on ten pages are %d sessions: some were folded into others' because of their address", n)
				}
			})
		})
	}
}

// Two people who open one page at one moment are two, if each navigates there.
func TestFold_TwoNavigationsAreTwoPeople(t *testing.T) {
	for name, header := range map[string][2]string{
		"with Fetch metadata": {"Sec-Fetch-Mode", "navigate"}, "without": {"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stage.New(t, nil)
				site := s.Site()
				a, b := stage.NewBrowser(t, site), stage.NewBrowser(t, site)
				for _, b := range []*stage.Browser{a, b} {
					b.Header.Set(header[0], header[1])
					b.Do("GET", "/sale")
				}
				a.Do("GET", "/next")
				time.Sleep(20 * time.Second)
				if n, err := s.SQLite.SessionsBegun(context.Background(), time.Time{}); n != 2 || err != nil {
					t.Errorf("two people who opened one page are %d sessions (error %v)", n, err)
				}
			})
		})
	}
}

// The first calls of one page are one visitor's, whatever they ask for.
func TestFold_CallsOfOnePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		for i := range 6 {
			r := b.Request("GET", fmt.Sprintf("/api/%d", i))
			r.Header.Set("Sec-Fetch-Mode", "cors")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set("Referer", stage.Origin+"/sale?utm_campaign=c")
			r.Header.Del("Cookie")
			b.Send(r)
		}
		b.Do("GET", "/next")
		time.Sleep(20 * time.Second)
		if n, err := s.SQLite.SessionsBegun(context.Background(), time.Time{}); n != 1 || err != nil {
			t.Errorf("six calls of one page are %d sessions (error %v), want 1", n, err)
		}
	})
}

// The cap of one network holds for nobody whose network is not known.
func TestCap_BehindAUnixSocketIsThatOfAll(t *testing.T) {
	t.Parallel()
	s := stage.New(t, func(c *footfall.Config) { c.NewSessionsPerMinute = 5 })
	site := s.Site()
	for range 40 {
		b := stage.NewBrowser(t, site)
		b.Addr = "@"
		b.Do("GET", "/")
	}
	if n := s.Count("sessions_begun"); n != 40 {
		t.Errorf("%d of 40 visitors behind a Unix socket got a session: five are the cap of one network, and these have none", n)
	}
}

// A session that is begun for an answer that is no visit, such as a login that is refused,
// is taken back: it takes no place of a visitor's.
func TestCap_WhatIsTakenBackDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // within one minute
		s := stage.New(t, func(c *footfall.Config) { c.NewSessionsPerMinute = 5 })
		login := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, ok := footfall.Visitor(r.Context()); !ok {
				t.Error("a login has no visitor: the test does not test")
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		for range 20 {
			stage.NewBrowser(t, login).Do("POST", "/login")
		}
		site := s.Site()
		for range 8 {
			stage.NewBrowser(t, site).Do("GET", "/")
		}
		if n := s.Count("sessions_begun"); n != 5 {
			t.Errorf("%d of 8 visitors got a session after 20 logins that were refused, want the 5 that may begin", n)
		}
	})
}

// The address of a visitor behind a trusted Unix socket is the one it forwards for.
func TestAddress_BehindATrustedUnixSocket(t *testing.T) {
	t.Parallel()
	s := stage.New(t, func(c *footfall.Config) { c.TrustUnixSocket = true })
	b := stage.NewBrowser(t, s.Site())
	b.Addr = "@"
	b.Header.Set("X-Forwarded-For", "6.6.6.6, 198.51.100.7")
	b.Do("GET", "/")
	if got := s.Stored(stage.SessionOf(t, b)).IPAddress; got != "198.51.100.0" {
		t.Errorf("the visitor's address is stored as %q, want the network of the hop that the socket's peer saw", got)
	}
}

// Behind a proxy that somebody forgot to list there is no cap of a network: what one
// stranger can begin there is bounded in bytes.
func TestCap_BehindAForgottenProxyIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // within one minute
		s := stage.New(t, func(c *footfall.Config) { c.LiveSessions = 1000 })
		site := s.Site()
		target := "/?utm_source=" + strings.Repeat("<", 200) + "&utm_medium=" + strings.Repeat("<", 200) + "&q=" + strings.Repeat("x", 1500)
		referrer := "https://search.example/" + strings.Repeat("y", 1800)
		const visits = 12_000
		for range visits {
			b := stage.NewBrowser(t, site)
			b.Addr = "10.0.0.9:1"
			r := b.Request("GET", target)
			r.Header.Set("X-Forwarded-For", "203.0.113.7")
			r.Header.Set("Referer", referrer)
			b.Send(r)
		}
		begun, past := s.Count("sessions_begun"), s.Count("visits_past_bytes")
		if begun*2048 > 16<<20 || begun == 0 || begun+past != visits {
			t.Errorf("of %d visits of one stranger behind a forgotten proxy %d begin fat sessions in a minute, and %d are counted as past the bound: want at most 16 MiB, and each visit in one of both", visits, begun, past)
		}
	})
}
