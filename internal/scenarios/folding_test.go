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

// Seed defect 27.
func TestFold_ParallelFirstRequestsAreFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		site := s.Site()
		b, stranger := stage.NewBrowser(t, site), stage.NewBrowser(t, site)
		stranger.Addr = "198.51.100.9:1"
		var lost []string
		for range 6 { // six answers, each with its own cookie: the last one stays
			r := b.Request("GET", "/api")
			r.Header.Del("Cookie")
			b.Send(r)
			lost = append(lost, b.Cookie("session"))
		}
		stranger.Do("GET", "/")
		kept := stage.SessionOf(t, b)
		b.Do("GET", "/next")
		time.Sleep(8 * time.Second)
		if rec := s.Stored(kept); rec.PageViews != 7 {
			t.Errorf("the session whose cookie came back has %d page views, not 7", rec.PageViews)
		}
		if n, err := s.SQLite.SessionsBegun(context.Background(), time.Time{}); err != nil || n != 2 {
			t.Errorf("%d sessions are left (%v): the browser's and the stranger's", n, err)
		}
		// A cookie that comes back after all gets its session back.
		late := b.With(lost[0])
		late.Do("GET", "/late")
		id := stage.SessionOf(t, late)
		if id == kept || id == "none" {
			t.Fatalf("it is %q", id)
		}
		if rec := s.Stored(id); rec.PageViews != 2 {
			t.Errorf("it has %d page views: its first and its second", rec.PageViews)
		}
		if rec := s.Stored(kept); rec.PageViews != 6 {
			t.Errorf("the other one has %d, not 6", rec.PageViews)
		}
	})
}

// Somebody who shows a visitor cookie is known: nothing of theirs is folded into
// a stranger's session.
func TestFold_OnlyWhoShowsNoCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		site := s.Site()
		known := stage.NewBrowser(t, site)
		known.Do("GET", "/")
		time.Sleep(time.Hour) // her session is over, her visitor cookie is not
		known.Do("GET", "/back")
		id := stage.SessionOf(t, known)
		stranger := stage.NewBrowser(t, site)
		stranger.Do("GET", "/")
		stranger.Do("GET", "/next")
		time.Sleep(10 * time.Second)
		if rec := s.Stored(id); rec.PageViews != 1 {
			t.Errorf("the known visitor's session has %d page views", rec.PageViews)
		}
		if n, err := s.SQLite.SessionsBegun(context.Background(), time.Now().Add(-time.Minute)); n != 2 || err != nil {
			t.Errorf("%d sessions are left, %v", n, err)
		}
	})
}

// The surest siblings of all have one visitor cookie.
func TestFold_AReturningVisitorsOwnRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		time.Sleep(time.Hour)
		var rs []*http.Request
		for range 6 {
			rs = append(rs, b.Request("GET", "/api"))
		}
		for _, r := range rs {
			b.Send(r)
		}
		time.Sleep(3 * time.Second)
		b.Do("GET", "/next")
		time.Sleep(20 * time.Second)
		n, _ := s.SQLite.SessionsBegun(context.Background(), time.Now().Add(-time.Minute))
		if n != 1 {
			t.Errorf("%d sessions of one returning visitor's page", n)
		}
	})
}

// A fold that cannot be done now is done later.
func TestFold_WaitsForTheHotStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		site := s.Site()
		b := stage.NewBrowser(t, site)
		var rs []*http.Request
		for range 6 {
			rs = append(rs, b.Request("GET", "/api"))
		}
		for _, r := range rs {
			b.Send(r)
		}
		time.Sleep(time.Second)
		b.Do("GET", "/next")
		s.Hot.Down.Store(true)
		time.Sleep(8 * time.Second)
		s.Hot.Down.Store(false)
		time.Sleep(time.Minute)
		n, _ := s.SQLite.SessionsBegun(context.Background(), time.Now().Add(-time.Hour))
		if n != 1 {
			t.Errorf("%d sessions a minute after the hot store is back", n)
		}
	})
}

// Whoever forwards for others says so by more headers than X-Forwarded-For, and may stand
// behind a proxy that is trusted. Its address is that of all its visitors.
func TestFold_NobodyWhoseAddressStandsForMany(t *testing.T) {
	trusting := func(c *footfall.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }
	for _, c := range []struct {
		name, peer, header, value string
		config                    func(*footfall.Config)
	}{
		{"a proxy nobody listed that sends X-Real-IP alone", "172.17.0.1:5", "X-Real-Ip", "198.51.%d.7", nil},
		{"one that sends Forwarded", "172.17.0.1:5", "Forwarded", "for=198.51.%d.7", nil},
		{"one that sends the visitor's scheme", "172.17.0.1:5", "X-Forwarded-Proto", "https", nil},
		{"a network of delivery nobody listed", "172.68.1.1:5", "Cf-Connecting-Ip", "198.51.%d.7", nil},
		{"an office's proxy", "203.0.113.9:5", "Via", "1.1 squid", nil},
		{"a network of delivery in front of the trusted proxy", "10.0.0.1:5", "X-Forwarded-For", "198.51.%d.7, 172.68.1.1", trusting},
		{"a trusted proxy that forwards for its own machine", "10.0.0.1:5", "X-Forwarded-For", "127.0.0.1", trusting},
		{"a peer whose address is not known", "0.0.0.0:0", "", "", nil},
		{"likewise by IPv6", "[::]:0", "", "", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := stage.New(t, c.config)
			site := s.Site()
			var last *stage.Browser
			for i := range 10 {
				last = stage.NewBrowser(t, site)
				if last.Addr = c.peer; c.header != "" {
					value := c.value
					if strings.Contains(value, "%d") {
						value = fmt.Sprintf(value, i)
					}
					last.Header.Set(c.header, value)
				}
				last.Do("GET", "/api")
			}
			last.Do("GET", "/next")
			time.Sleep(8 * time.Second)
			s.Settle()
			if n, err := s.SQLite.SessionsBegun(context.Background(), time.Time{}); n != 10 || err != nil {
				t.Errorf("%s: ten visitors are %d sessions (error %v)", c.name, n, err)
			}
		})
	}
}
