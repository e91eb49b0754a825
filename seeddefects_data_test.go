package footfall_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/store"
)

// Counts and data, reliability, privacy and operation: see the tests of identity.

func TestSeedDefect19_ParallelViewsAreAllCounted(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	id := sessionOf(t, b)
	const clients, views = 100, 20
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			other := b.with(b.cookie("session"))
			for range views {
				other.do("GET", "/page")
			}
		})
	}
	wg.Wait()
	rec := s.stored(id)
	events, err := s.sqlite.Events(context.Background(), id, 10*clients*views)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(clients*views + 1); rec.PageViews != want || int64(len(events)) != want {
		t.Errorf("%d page views in parallel: pageViews is %d and %d events are stored", want, rec.PageViews, len(events))
	}
}

func TestSeedDefect20_CookieLastsAsLongAsTheSessionMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		resp := b.do("GET", "/")
		for _, c := range resp.Cookies() {
			if c.Name == "session" && c.MaxAge != 24*60*60 {
				t.Errorf("the session cookie's Max-Age is %d s: the absolute limit", c.MaxAge)
			}
		}
		id := sessionOf(t, b)
		for range 6 { // an active shopper, for two hours
			time.Sleep(20 * time.Minute)
			b.do("GET", "/")
		}
		if got := sessionOf(t, b); got != id {
			t.Error("an active shopper lost the session")
		}
		time.Sleep(20 * time.Minute)
		resp = b.do("POST", "/login/alice")
		if c := resp.Cookies()[0]; c.MaxAge != int((24*time.Hour-140*time.Minute)/time.Second) {
			t.Errorf("after rotation Max-Age is %d: what is left of the absolute limit", c.MaxAge)
		}
	})
}

func TestSeedDefect21_LiveRecordIsWhole(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.header.Set("Referer", "https://news.example/a")
	b.do("GET", "/?utm_source=letter&utm_medium=email&utm_campaign=c")
	b.do("GET", "/")
	var live footfall.Session
	h := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { live, _ = footfall.FromContext(r.Context()) }))
	b.handler = h
	b.do("GET", "/")
	stored := s.stored(live.SessionID).Session
	live.PageViews, live.LastSeenAt = stored.PageViews, stored.LastSeenAt // the view that was under way
	if live != stored {
		t.Errorf("the session in memory is\n%+v, in the archive\n%+v", live, stored)
	}
	if live.UserAgent == "" || live.UTMSource != "letter" || live.Browser != "Firefox" || !live.StartedAt.Before(time.Now()) {
		t.Errorf("it is not whole: %+v", live)
	}
}

func TestSeedDefect23_OrdersAreListed(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	b.do("POST", "/order/first")
	time.Sleep(2 * time.Millisecond)
	b.do("POST", "/order/second")
	rec := s.stored(sessionOf(t, b))
	if !rec.Converted || rec.OrderID != "second" {
		t.Errorf("converted %v, orderId %q: the latest order", rec.Converted, rec.OrderID)
	}
	for _, id := range []string{"first", "second"} {
		if o, ok, err := s.sqlite.Order(context.Background(), id); !ok || err != nil || o.SessionID != rec.SessionID {
			t.Errorf("order %s: %+v %v %v", id, o, ok, err)
		}
	}
}

func TestSeedDefect24_OrderIsOneFact(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	id := sessionOf(t, b)
	s.archive.down.Store(true)
	s.hot.down.Store(true)
	var wg sync.WaitGroup
	for range 8 {
		r := b.request("POST", "/order/1")
		wg.Go(func() {
			if got := text(t, b.with(b.cookie("session")).send(r)); got != "ok" {
				t.Errorf("an outage of tracking failed a sale: %s", got)
			}
		})
	}
	wg.Wait()
	s.hot.down.Store(false)
	s.archive.down.Store(false)
	b.do("POST", "/order/1")
	rec := s.stored(id)
	events, err := s.sqlite.Events(context.Background(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	orders := slices.DeleteFunc(events, func(e store.Event) bool { return e.EventType != footfall.EventOrderCompleted })
	if !rec.Converted || len(orders) != 1 {
		t.Errorf("nine recordings of one order: converted %v, %d events order_completed", rec.Converted, len(orders))
	}
}

func TestSeedDefect25_OnlyPageViewsCount(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	id := sessionOf(t, b)
	b.do("HEAD", "/")
	b.do("OPTIONS", "/")
	b.do("POST", "/event/add_to_cart")
	b.do("GET", "/missing")
	b.do("GET", "/me")
	for name, value := range map[string]string{"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch", "Sec-Fetch-Dest": "image"} {
		r := b.request("GET", "/")
		r.Header.Set(name, value)
		b.send(r)
	}
	b.do("GET", "/style.css")
	crawler := newBrowser(t, b.handler)
	crawler.header.Set("User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
	if resp := crawler.do("GET", "/"); len(resp.Cookies()) != 0 {
		t.Error("a bot got a cookie")
	}
	if rec := s.stored(id); rec.PageViews != 1 {
		t.Errorf("pageViews is %d: one of these was a page view", rec.PageViews)
	}
	if n := s.count("bot_views"); n != 1 {
		t.Errorf("%d bot views were noted apart", n)
	}
	if n := s.count("sessions_begun"); n != 1 {
		t.Errorf("%d sessions began, not 1", n)
	}
}

func TestSeedDefect26_LandingPageIsThePage(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	r := b.request("GET", "/api/products")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Referer", origin+"/sale?utm_source=letter&token=secret")
	b.send(r)
	rec := s.stored(sessionOf(t, b))
	if rec.LandingPage == "/api/products" || rec.UTMSource != "letter" || rec.Referrer != "" || strings.Contains(rec.LandingPage, "secret") {
		t.Errorf("landing page %q, utm_source %q, referrer %q: the page is the same-origin Referer", rec.LandingPage, rec.UTMSource, rec.Referrer)
	}
}

func TestSeedDefect27_ParallelFirstRequestsAreFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		site := s.site()
		b, stranger := newBrowser(t, site), newBrowser(t, site)
		stranger.addr = "198.51.100.9:1"
		var lost []string
		for range 6 { // six answers, each with its own cookie: the last one stays
			r := b.request("GET", "/api")
			r.Header.Del("Cookie")
			b.send(r)
			lost = append(lost, b.cookie("session"))
		}
		stranger.do("GET", "/")
		kept := sessionOf(t, b)
		b.do("GET", "/next")
		time.Sleep(8 * time.Second)
		if rec := s.stored(kept); rec.PageViews != 7 {
			t.Errorf("the session whose cookie came back has %d page views, not 7", rec.PageViews)
		}
		if n, err := s.sqlite.SessionsBegun(context.Background(), time.Time{}); err != nil || n != 2 {
			t.Errorf("%d sessions are left (%v): the browser's and the stranger's", n, err)
		}
		// A cookie that comes back after all gets its session back.
		late := b.with(lost[0])
		late.do("GET", "/late")
		id := sessionOf(t, late)
		if id == kept || id == "none" {
			t.Fatalf("it is %q", id)
		}
		if rec := s.stored(id); rec.PageViews != 2 {
			t.Errorf("it has %d page views: its first and its second", rec.PageViews)
		}
		if rec := s.stored(kept); rec.PageViews != 6 {
			t.Errorf("the other one has %d, not 6", rec.PageViews)
		}
	})
}

func TestSeedDefect29_VisitorCookieHasAFixedEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(c *footfall.Config) { c.VisitorTTL = 10 * 24 * time.Hour })
		b := newBrowser(t, s.site())
		end := func(resp *http.Response) time.Time {
			for _, c := range resp.Cookies() {
				if c.Name == "visitor_id" {
					return time.Now().Add(time.Duration(c.MaxAge) * time.Second)
				}
			}
			return time.Time{}
		}
		first := end(b.do("GET", "/"))
		session := b.cookie("session")
		time.Sleep(20 * time.Minute)
		lost := b.with(session)
		if again := end(lost.do("GET", "/")); again.Sub(first).Abs() > time.Second {
			t.Errorf("a lost visitor cookie was restored to end at %v, first it was %v: its end is fixed", again, first)
		}
		if resp := lost.do("GET", "/"); !end(resp).IsZero() {
			t.Error("a visitor cookie that is there was set again: visits do not prolong it")
		}
	})
}

func TestSeedDefect30_LastSeenNeverGoesBack(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	rec := s.stored(sessionOf(t, b))
	ctx := context.Background()
	for _, at := range []time.Time{rec.LastSeenAt.Add(time.Hour), rec.LastSeenAt.Add(-time.Hour)} {
		if err := s.sqlite.Append(ctx, []store.Fact{&store.SessionSeen{SessionID: rec.SessionID, At: at}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.stored(rec.SessionID).LastSeenAt; !got.Equal(rec.LastSeenAt.Add(time.Hour)) {
		t.Errorf("lastSeenAt is %v after a late fact", got)
	}
}

func TestSeedDefect31_NothingIsLostOnTheWay(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	s.archive.down.Store(true)
	b.do("GET", "/")
	id := sessionOf(t, b)
	for range 50 {
		b.do("GET", "/page")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.tracker.Close(ctx); err == nil {
		t.Error("Close says that everything is in an archive that is down")
	}
	if err := s.sqlite.Close(); err != nil {
		t.Fatal(err)
	}
	s.start()
	b.handler = s.site()
	b.do("GET", "/page")
	if rec := s.stored(id); rec.PageViews != 52 {
		t.Errorf("after an outage and a restart %d page views are stored, not 52", rec.PageViews)
	}
}

func TestSeedDefect32_ResumedRequestsReadNothing(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	s.settle()
	hot, archived := s.hot.reads.Load(), s.archive.reads.Load()
	for range 100 {
		b.do("GET", "/")
	}
	if h, a := s.hot.reads.Load()-hot, s.archive.reads.Load()-archived; h > 1 || a != 0 {
		t.Errorf("100 resumed requests read the hot store %d times and the archive %d times", h, a)
	}
}

// A page view is answered, and acknowledged, while the archive takes nothing.
func TestSeedDefect32_NoPageViewWaitsForTheArchive(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	id := sessionOf(t, b)
	s.settle()
	gate, reads := make(chan struct{}), s.archive.reads.Load()
	s.archive.gate.Store(&gate)
	for range 20 {
		b.do("GET", "/")
	}
	if n := s.count("unacknowledged"); n != 0 {
		t.Errorf("%d of 20 page views were not acknowledged", n)
	}
	if n := s.archive.reads.Load() - reads; n != 0 {
		t.Errorf("they read the archive %d times", n)
	}
	close(gate)
	if rec := s.stored(id); rec.PageViews != 21 {
		t.Errorf("%d page views are stored, not 21", rec.PageViews)
	}
}

func TestSeedDefect33_GarbageInsertsNothingUnbounded(t *testing.T) {
	s := newStage(t, func(c *footfall.Config) { c.NewSessionsPerMinute = 5 })
	site := s.site()
	served := 0
	for i := range 40 {
		b := newBrowser(t, site).with(fmt.Sprintf("s%%3Agarbage%d.AAAA", i))
		if resp := b.do("GET", "/"); resp.StatusCode == http.StatusOK {
			served++
		}
	}
	if served != 40 {
		t.Errorf("%d of 40 visits were served: a cap never refuses a page", served)
	}
	if n := s.count("sessions_begun"); n > 10 { // the minute may have turned
		t.Errorf("%d sessions began past a cap of 5 a minute", n)
	}
	if n := s.count("visits_uncounted") + s.count("sessions_begun"); n != 40 {
		t.Errorf("%d of 40 visits are accounted for", n)
	}
	flooded := newBrowser(t, site)
	flooded.do("POST", "/login/alice")
	if resp := flooded.do("GET", "/me"); resp.StatusCode != http.StatusOK {
		t.Errorf("past the cap a login is %d: it always begins a session", resp.StatusCode)
	}
}

func TestSeedDefect34_TextIsBoundedAndRedacted(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	long := strings.Repeat("x", 20_000)
	b.header.Set("User-Agent", firefox+long)
	b.header.Set("Referer", "https://news.example/"+long)
	b.do("GET", "/reset?token=SECRET1&email=SECRET2&utm_source="+long)
	rec := s.stored(sessionOf(t, b))
	for name, text := range map[string]string{"userAgent": rec.UserAgent, "referrer": rec.Referrer, "utmSource": rec.UTMSource, "landingPage": rec.LandingPage} {
		if len(text) > 2048 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
	events, err := s.sqlite.Events(context.Background(), rec.SessionID, 10)
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	if all := rec.LandingPage + events[0].Page; strings.Contains(all, "SECRET") {
		t.Errorf("a secret of the URL is stored: %s", all)
	}
	for _, metadata := range []string{`[]`, `{"a":` + strings.Repeat(`{"a":`, 9) + `1` + strings.Repeat(`}`, 10), `{"a":"` + long + `"}`, `{`} {
		h := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := s.tracker.Track(r.Context(), footfall.EventInput{Type: "x", Metadata: []byte(metadata)}); err == nil {
				t.Errorf("the metadata %.40s was accepted", metadata)
			}
		}))
		newBrowser(t, h).do("POST", "/")
	}
}

func TestSeedDefect35_MasksAndRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(c *footfall.Config) {
			c.DisableJobs = false
			c.MaxAge, c.RetentionSessions, c.RetentionVisitors = time.Hour, 2*time.Hour, 2*time.Hour
		})
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		id := sessionOf(t, b)
		if rec := s.stored(id); rec.IPAddress != "203.0.113.0" {
			t.Errorf("the address is stored as %q: masked to /24", rec.IPAddress)
		}
		time.Sleep(3*time.Hour + time.Minute)
		if _, ok, err := s.sqlite.Session(context.Background(), id); ok || err != nil {
			t.Errorf("past its retention the session is there: %v, %v", ok, err)
		}
	})
}

func TestSeedDefect36_MetricsAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(c *footfall.Config) { c.DisableJobs = false })
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		time.Sleep(21 * time.Second)
		if st := s.tracker.Status(context.Background()); st.ActiveUsers != 1 || st.DailyVisits != 1 {
			t.Errorf("active users %d, daily visits %d: 1 and 1", st.ActiveUsers, st.DailyVisits)
		}
		time.Sleep(31 * time.Minute)
		if st := s.tracker.Status(context.Background()); st.ActiveUsers != 0 {
			t.Errorf("31 minutes later %d users are active", st.ActiveUsers)
		}
	})
}

func TestSeedDefect38_ReadinessSaysWhatIsWrong(t *testing.T) {
	s := newStage(t, nil)
	if st := s.tracker.Status(context.Background()); !st.Ready() {
		t.Errorf("not ready: %+v", st.Parts)
	}
	s.hot.down.Store(true)
	s.archive.down.Store(true)
	st := s.tracker.Status(context.Background())
	if st.Ready() {
		t.Error("ready with both stores down")
	}
	for _, p := range st.Parts {
		if p.OK != (p.Name == "journal") {
			t.Errorf("part %s: ok %v, %q", p.Name, p.OK, p.Error)
		}
	}
}

func TestSeedDefect39_FailuresSurface(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("POST", "/login/alice")
	b.do("GET", "/")
	before := s.count("hot_errors") + s.count("unresolved")
	s.hot.down.Store(true)
	s.archive.down.Store(true)
	if resp := b.do("POST", "/logout"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a logout that could not be made sure reports %d", resp.StatusCode)
	}
	if after := s.count("hot_errors") + s.count("unresolved"); after == before {
		t.Error("the failure is in no counter")
	}
	s.hot.down.Store(false)
	s.archive.down.Store(false)
	bad := "bad_event"
	s.archive.rejects.Store(&bad)
	b.do("POST", "/event/bad_event")
	b.do("GET", "/after")
	rec := s.stored(sessionOf(t, b))
	if n := s.count("facts_set_aside"); n != 1 || rec.PageViews != 2 {
		t.Errorf("a fact that the archive refuses: %d set aside, %d page views stored around it", n, rec.PageViews)
	}
	aside, err := os.ReadFile(filepath.Join(s.dir, "journal", "set-aside", "records.jsonl"))
	if err != nil || len(aside) == 0 {
		t.Errorf("it was not kept for an operator to look at: %v", err)
	}
}
