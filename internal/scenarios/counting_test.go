package scenarios_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// Seed defect 19.
func TestCounting_ParallelViewsAreAllCounted(t *testing.T) {
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	const clients, views = 100, 20
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			other := b.With(b.Cookie("session"))
			for range views {
				other.Do("GET", "/page")
			}
		})
	}
	wg.Wait()
	rec := s.Stored(id)
	events, err := s.SQLite.Events(context.Background(), id, 10*clients*views)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(clients*views + 1); rec.PageViews != want || int64(len(events)) != want {
		t.Errorf("%d page views in parallel: pageViews is %d and %d events are stored", want, rec.PageViews, len(events))
	}
}

// Seed defect 25.
func TestCounting_OnlyPageViewsCount(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	b.Do("HEAD", "/")
	b.Do("OPTIONS", "/")
	b.Do("POST", "/event/add_to_cart")
	b.Do("GET", "/missing")
	b.Do("GET", "/me")
	for name, value := range map[string]string{"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch", "Sec-Fetch-Dest": "image"} {
		r := b.Request("GET", "/")
		r.Header.Set(name, value)
		b.Send(r)
	}
	b.Do("GET", "/style.css")
	crawler := stage.NewBrowser(t, b.Handler)
	crawler.Header.Set("User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
	if resp := crawler.Do("GET", "/"); len(resp.Cookies()) != 0 {
		t.Error("a bot got a cookie")
	}
	if rec := s.Stored(id); rec.PageViews != 1 {
		t.Errorf("pageViews is %d: one of these was a page view", rec.PageViews)
	}
	if n := s.Count("bot_views"); n != 1 {
		t.Errorf("%d bot views were noted apart", n)
	}
	if n := s.Count("sessions_begun"); n != 1 {
		t.Errorf("%d sessions began, not 1", n)
	}
}

// Seed defect 26.
func TestCounting_LandingPageIsThePage(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	r := b.Request("GET", "/api/products")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Referer", stage.Origin+"/sale?utm_source=letter&token=secret")
	b.Send(r)
	rec := s.Stored(stage.SessionOf(t, b))
	if rec.LandingPage == "/api/products" || rec.UTMSource != "letter" || rec.Referrer != "" || strings.Contains(rec.LandingPage, "secret") {
		t.Errorf("landing page %q, utm_source %q, referrer %q: the page is the same-origin Referer", rec.LandingPage, rec.UTMSource, rec.Referrer)
	}
}

// Seed defect 33.
func TestCounting_GarbageInsertsNothingUnbounded(t *testing.T) {
	t.Parallel()
	s := stage.New(t, func(c *footfall.Config) { c.NewSessionsPerMinute = 5 })
	site := s.Site()
	served := 0
	for i := range 40 {
		b := stage.NewBrowser(t, site).With(fmt.Sprintf("s%%3Agarbage%d.AAAA", i))
		if resp := b.Do("GET", "/"); resp.StatusCode == http.StatusOK {
			served++
		}
	}
	if served != 40 {
		t.Errorf("%d of 40 visits were served: a cap never refuses a page", served)
	}
	if n := s.Count("sessions_begun"); n > 10 { // the minute may have turned
		t.Errorf("%d sessions began past a cap of 5 a minute", n)
	}
	if n := s.Count("visits_uncounted") + s.Count("sessions_begun"); n != 40 {
		t.Errorf("%d of 40 visits are accounted for", n)
	}
	flooded := stage.NewBrowser(t, site)
	flooded.Do("POST", "/login/alice")
	if resp := flooded.Do("GET", "/me"); resp.StatusCode != http.StatusOK {
		t.Errorf("past the cap a login is %d: it always begins a session", resp.StatusCode)
	}
}

// Seed defect 32.
func TestCounting_ResumedRequestsReadNothing(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	s.Settle()
	hot, archived := s.Hot.Reads.Load(), s.Archive.Reads.Load()
	for range 100 {
		b.Do("GET", "/")
	}
	if h, a := s.Hot.Reads.Load()-hot, s.Archive.Reads.Load()-archived; h > 1 || a != 0 {
		t.Errorf("100 resumed requests read the hot store %d times and the archive %d times", h, a)
	}
}

// A page view is answered, and acknowledged, while the archive takes nothing.
// Seed defect 32.
func TestCounting_NoPageViewWaitsForTheArchive(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	s.Settle()
	gate, reads := make(chan struct{}), s.Archive.Reads.Load()
	s.Archive.Gate.Store(&gate)
	for range 20 {
		b.Do("GET", "/")
	}
	if n := s.Count("unacknowledged"); n != 0 {
		t.Errorf("%d of 20 page views were not acknowledged", n)
	}
	if n := s.Archive.Reads.Load() - reads; n != 0 {
		t.Errorf("they read the archive %d times", n)
	}
	close(gate)
	if rec := s.Stored(id); rec.PageViews != 21 {
		t.Errorf("%d page views are stored, not 21", rec.PageViews)
	}
}

// Seed defect 21.
func TestCounting_LiveRecordIsWhole(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Header.Set("Referer", "https://news.example/a")
	b.Do("GET", "/?utm_source=letter&utm_medium=email&utm_campaign=c")
	b.Do("GET", "/")
	var live footfall.Session
	h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { live, _ = footfall.FromContext(r.Context()) }))
	b.Handler = h
	b.Do("GET", "/")
	stored := s.Stored(live.SessionID).Session
	live.PageViews, live.LastSeenAt = stored.PageViews, stored.LastSeenAt // the view that was under way
	if live != stored {
		t.Errorf("the session in memory is\n%+v, in the archive\n%+v", live, stored)
	}
	if live.UserAgent == "" || live.UTMSource != "letter" || live.Browser != "Firefox" || !live.StartedAt.Before(time.Now()) {
		t.Errorf("it is not whole: %+v", live)
	}
}

func TestTrack_KeepsNumbers(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	var id string
	h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Tracker.Track(r.Context(), footfall.EventInput{Type: "x", Metadata: []byte(`{"n":9007199254740993,"f":0.1}`)}); err != nil {
			t.Error(err)
		}
		for _, bad := range []string{`{} {}`, `null x`} {
			if err := s.Tracker.Track(r.Context(), footfall.EventInput{Type: "x", Metadata: []byte(bad)}); err == nil {
				t.Errorf("the metadata %q was accepted", bad)
			}
		}
		for _, name := range []string{"purchase", "order_completed", "refund", "customer_login", "", "a b", strings.Repeat("x", 65)} {
			if err := s.Tracker.Track(r.Context(), footfall.EventInput{Type: name}); err == nil {
				t.Errorf("the event %q was accepted", name)
			}
		}
		session, _ := footfall.FromContext(r.Context())
		id = session.SessionID
	}))
	stage.NewBrowser(t, h).Do("POST", "/")
	s.Settle()
	events, err := s.SQLite.Events(context.Background(), id, 10)
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	if got := string(events[0].Metadata); got != `{"f":0.1,"n":9007199254740993}` {
		t.Errorf("metadata is stored as %s", got)
	}
}
