package blackbox

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestReplay drives the shop as real browsers would: several hundred visitors at
// a time, with the agents and the weights of testdata/useragents. The driver
// keeps its own ledger of what was answered; footfall stats has to say the same,
// figure by figure. FOOTFALL_REPLAY=60s says for how long.
func TestReplay_StatsEqualTheDriversLedger(t *testing.T) {
	length, visitors := 8*time.Second, 300
	if text := os.Getenv("FOOTFALL_REPLAY"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("FOOTFALL_REPLAY: %v", err)
		}
	}
	agents := readProfiles(t)
	s := openShop(t, "TRUSTED_PROXIES=127.0.0.0/8", "STORE_TIMEOUT=50ms") // the default: what stalls is late, not lost
	began := time.Now()
	r := &replay{shop: s, agents: agents, began: began, until: began.Add(length), ledger: newLedger()}
	var wg sync.WaitGroup
	for i := range visitors {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 42))
			for time.Now().Before(r.until) {
				r.stay(random)
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	s.drained()

	var stats statsJSON
	s.runJSON(&stats, "stats")
	l := r.ledger
	counts := s.status().Counts
	t.Logf("%d requests in %v, %.0f a second, by %d visitors at a time; %d different agents\n%s",
		l.requests, took.Round(time.Millisecond), float64(l.requests)/took.Seconds(), visitors, len(l.agents), l)
	// An order's record that the disk did not confirm in time is late too, but not
	// unacknowledged: it is committed again until it is.
	if late, orders := counts["journal_stalled"], counts["orders_unwritten"]; counts["unacknowledged"] > late || counts["unacknowledged"] < late && orders == 0 || counts["events_dropped"] > 0 {
		t.Errorf("of %d unacknowledged facts and %d orders %d are late, and %d events are lost: want all late, none lost", counts["unacknowledged"], orders, late, counts["events_dropped"])
	} else if late > 0 {
		t.Logf("the disk stalled: %d facts were written after their answers", late)
	}
	for _, name := range []string{"visits_uncounted", "events_capped", "facts_set_aside", "unresolved", "live_refused", "agents_over_budget", "sessions_folded"} {
		if counts[name] > 0 {
			t.Errorf("the shop counts %d %s", counts[name], name)
		}
	}
	if len(l.noPerson) > 0 {
		t.Errorf("real browsers that were taken for bots: %q", slices.Sorted(maps.Keys(l.noPerson)))
	}
	for _, figure := range []struct {
		name      string
		got, want int64
	}{
		{"sessions", stats.Sessions, int64(len(l.sessions))},
		{"visitors", stats.Visitors, int64(len(l.visitors))},
		{"customers", stats.Customers, int64(len(l.customers))},
		{"pageViews", stats.PageViews, l.events["page_view"]},
		{"events", stats.Events, l.allEvents()},
		{"engagedSessions", stats.EngagedSessions, l.engaged()},
		{"convertedSessions", stats.ConvertedSessions, int64(len(l.converted))},
		{"orders", stats.Orders, l.orders},
		{"botViews", stats.BotViews, l.botViews},
		{"uncountedVisits", stats.UncountedVisits, 0},
		{"activeUsers", stats.ActiveUsers, int64(len(l.visitors))},
		{"activeUsers5", stats.ActiveUsers5, int64(len(l.visitors))},
	} {
		if figure.got != figure.want {
			t.Errorf("%s = %d, the ledger says %d", figure.name, figure.got, figure.want)
		}
	}
	if today := time.Now().UTC().Truncate(24 * time.Hour); began.After(today) && stats.DailyVisits != int64(len(l.sessions)) {
		t.Errorf("dailyVisits = %d, the ledger says %d", stats.DailyVisits, len(l.sessions))
	}
	if !maps.Equal(stats.EventsByType, l.events) {
		t.Errorf("eventsByType = %v, the ledger says %v", stats.EventsByType, l.events)
	}
	if want := []moneyJSON{{l.revenue, "EUR"}}; !slices.Equal(stats.Revenue, want) {
		t.Errorf("revenue = %v, the ledger says %v", stats.Revenue, want)
	}
	if n := int64(len(l.sessions)); n > 0 {
		if want := float64(len(l.converted)) / float64(n); stats.ConversionRate != want {
			t.Errorf("conversionRate = %v, the ledger says %v", stats.ConversionRate, want)
		}
		if want := float64(n-l.engaged()) / float64(n); stats.BounceRate != want {
			t.Errorf("bounceRate = %v, the ledger says %v", stats.BounceRate, want)
		}
	}

	// Session by session too, and where they came from.
	for _, row := range s.rows(`SELECT session_id, page_views FROM sessions`) {
		if got, want := row[1], fmt.Sprint(l.sessions[row[0]]); got != want {
			t.Errorf("session %s has %s page views, the ledger says %s", row[0], got, want)
		}
	}
	campaigns := map[string]int{}
	for _, row := range s.rows(`SELECT utm_campaign, count(*) FROM sessions WHERE utm_campaign IS NOT NULL GROUP BY 1`) {
		_, _ = fmt.Sscan(row[1], ptr(campaigns, row[0]))
	}
	for name, n := range l.campaigns {
		if campaigns[name] != n {
			t.Errorf("campaign %s brought %d sessions, the ledger says %d", name, campaigns[name], n)
		}
	}
	// What the live shop says at the admin API is the same.
	var live statsJSON
	s.admin("GET", "/_footfall/api/stats", "", &live)
	if live.PageViews != stats.PageViews || live.Sessions != stats.Sessions || live.Orders != stats.Orders {
		t.Errorf("the admin API says %+v, the command %+v", live, stats)
	}
}

// ptr scans into a map's value.
func ptr(m map[string]int, key string) *scanInto { return &scanInto{m, key} }

type scanInto struct {
	m   map[string]int
	key string
}

func (s *scanInto) Scan(state fmt.ScanState, _ rune) error {
	var n int
	_, err := fmt.Fscan(state, &n)
	s.m[s.key] = n
	return err
}

type profile struct {
	UserAgent string
	Weight    float64
	upTo      float64 // sum of the weights up to this one
}

func readProfiles(t *testing.T) []profile {
	f, err := os.Open("../../testdata/useragents/profiles.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []profile
	sum := 0.0
	for lines := bufio.NewScanner(z); lines.Scan(); {
		var p profile
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		sum += p.Weight
		p.upTo = sum
		all = append(all, p)
	}
	if len(all) < 900 {
		t.Fatalf("%d profiles", len(all))
	}
	return all
}

// A ledger is what was answered.
type ledger struct {
	mu        sync.Mutex
	requests  int
	sessions  map[string]int // page views of each
	visitors  map[string]bool
	customers map[string]bool
	events    map[string]int64
	converted map[string]bool
	campaigns map[string]int
	agents    map[string]bool
	noPerson  map[string]bool
	orders    int64
	revenue   int64
	botViews  int64
}

func newLedger() *ledger {
	return &ledger{sessions: map[string]int{}, visitors: map[string]bool{}, customers: map[string]bool{}, events: map[string]int64{},
		converted: map[string]bool{}, campaigns: map[string]int{}, agents: map[string]bool{}, noPerson: map[string]bool{}}
}

func (l *ledger) note(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

func (l *ledger) allEvents() (n int64) {
	for _, m := range l.events {
		n += m
	}
	return n
}

// engaged are the sessions with two page views or a conversion. The driver has
// none that stay for 10 s with less.
func (l *ledger) engaged() (n int64) {
	for id, views := range l.sessions {
		if views >= 2 || l.converted[id] {
			n++
		}
	}
	return n
}

func (l *ledger) String() string {
	return fmt.Sprintf("sessions %d, visitors %d, customers %d, page views %d, engaged %d, converted %d, orders %d, revenue %d, bot views %d\nevents %v\ncampaigns %v",
		len(l.sessions), len(l.visitors), len(l.customers), l.events["page_view"], l.engaged(), len(l.converted), l.orders, l.revenue, l.botViews, l.events, l.campaigns)
}

type replay struct {
	shop   *shop
	agents []profile
	until  time.Time
	*ledger

	began     time.Time
	addresses uint32
	logins    float64
}

// mayLogIn says no when there were three logins a second already: a password
// check is made to be slow.
func (r *replay) mayLogIn() (ok bool) {
	rate := 3.0
	if underRace {
		rate = 0.2
	}
	r.note(func() {
		if ok = r.logins < rate*time.Since(r.began).Seconds() && time.Now().Before(r.until); ok {
			r.logins++
		}
	})
	return ok
}

// address is a public one that nobody else has.
func (r *replay) address() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addresses++
	n := r.addresses * 2654435761 // spread over networks
	n &= 1<<24 - 1
	return fmt.Sprintf("11.%d.%d.%d", n>>16, n>>8&255, n&255)
}

// stay is somebody's whole stay: one or two visits with one browser.
func (r *replay) stay(random *rand.Rand) {
	if random.IntN(20) == 0 {
		r.bot(random)
		return
	}
	at := random.Float64() * r.agents[len(r.agents)-1].upTo
	i, _ := slices.BinarySearchFunc(r.agents, at, func(p profile, at float64) int {
		if p.upTo < at {
			return -1
		}
		return 1
	})
	if random.IntN(4) == 0 { // the rare ones too
		i = random.IntN(len(r.agents))
	}
	agent := r.agents[min(i, len(r.agents)-1)].UserAgent
	b := r.shop.browser("User-Agent: "+agent, "X-Forwarded-For: "+r.address())
	r.note(func() { r.ledger.agents[agent] = true })
	v := &guest{replay: r, b: b, random: random}
	if !v.visit() {
		return
	}
	for v.ended && random.IntN(2) == 0 && time.Now().Before(r.until) { // logged out, and comes again
		v.ended, v.back = false, true
		if !v.visit() {
			return
		}
	}
}

// bot looks at a few pages.
func (r *replay) bot(random *rand.Rand) {
	names := []string{googlebot, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "curl/8.5.0", "python-requests/2.32.0", "GPTBot/1.2",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36"}
	b := r.shop.browser("User-Agent: "+names[random.IntN(len(names))], "X-Forwarded-For: "+r.address())
	for range 1 + random.IntN(5) {
		a := r.request(b, "GET", fmt.Sprintf("%s/%d", productsPath, 1+random.IntN(210)), "")
		if a == nil {
			return
		}
		if len(a.header["Set-Cookie"]) > 0 {
			r.shop.t.Errorf("a bot gets a cookie: %s", b.header.Get("User-Agent"))
		}
		if a.status == 200 {
			r.note(func() { r.botViews++ })
		}
	}
}

// request makes one; nil when it fails, which fails the test.
func (r *replay) request(b *browser, method, path, body string, header ...string) *answer {
	a, err := b.try(method, path, body, header...)
	r.note(func() { r.requests++ })
	if err != nil {
		r.shop.t.Errorf("%s %s: %v", method, path, err)
		return nil
	}
	if a.status >= 500 {
		r.shop.t.Errorf("%v", a)
		return nil
	}
	return a
}

// A guest is a visitor at work.
type guest struct {
	*replay
	b      *browser
	random *rand.Rand
	ended  bool // logged out
	back   bool // not the first visit
}

var campaigns = []string{"utm_source=newsletter&utm_medium=email&utm_campaign=spring", "utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=x1", "utm_source=instagram&utm_medium=social&utm_campaign=reels"}

// visit lands, looks around and perhaps buys. It returns false when something
// failed.
func (g *guest) visit() bool {
	landing, header, campaign := productsPath, []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, ""
	switch g.random.IntN(4) {
	case 0:
		query := campaigns[g.random.IntN(len(campaigns))]
		landing += "?" + query
		campaign = strings.SplitN(strings.SplitN(query, "utm_campaign=", 2)[1], "&", 2)[0]
	case 1:
		header = append(header, "Referer: https://www.google.com/")
	}
	a := g.request(g.b, "GET", landing, "", header...)
	if a == nil {
		return false
	}
	if a.status != 200 || a.set("session") == "" {
		g.note(func() {
			g.noPerson[g.b.header.Get("User-Agent")] = true
			g.botViews++
		})
		return false
	}
	session, visitor := g.b.session(), g.b.visitor()
	g.note(func() {
		g.sessions[session]++
		g.visitors[visitor] = true
		g.events["page_view"]++
		if campaign != "" {
			g.campaigns[campaign]++
		}
	})
	// A quarter bounces. Not those who have just logged out: whether that would
	// be folded into the visit before is another test's question.
	if g.random.IntN(4) == 0 && !g.back {
		return true
	}
	if !g.look() {
		return false
	}
	loggedIn := false
	for range g.random.IntN(20) {
		ok := true
		switch n := g.random.IntN(100); {
		case n < 70:
			ok = g.look()
		case n < 84:
			if ok = g.count("POST", cartPath, fmt.Sprintf(`{"productId":"%d","quantity":%d}`, 1+g.random.IntN(200), 1+g.random.IntN(3)), 200, nil); ok {
				g.event("add_to_cart")
			}
		case n < 88:
			ok = g.order()
		case n < 89 && !loggedIn && g.mayLogIn():
			customer := g.random.IntN(2)
			ok = g.count("POST", loginPath, []string{firstCustomer, secondCustomer}[customer], 200, nil)
			if loggedIn = ok; ok {
				g.note(func() { g.customers[fmt.Sprint(customer)] = true })
				g.event("customer_login")
			}
		case n < 91:
			status := 401
			if loggedIn {
				status = 200
			}
			ok = g.count("GET", mePath, "", status, nil)
		case n < 93:
			ok = g.count("GET", sessionPath, "", 200, nil)
		case n < 95:
			ok = g.count("GET", productsPath+"/1", "", 200, []string{"Sec-Purpose: prefetch"})
		case n < 96:
			ok = g.count("GET", productsPath+"/0", "", 404, nil)
		case n < 97:
			ok = g.count("HEAD", productsPath+"/1", "", 200, nil)
		case n < 98:
			ok = g.count("POST", cartPath, `{"productId":"0"}`, 404, nil)
		}
		if !ok {
			return false
		}
		if g.b.session() != session {
			g.shop.t.Errorf("session %s became %s in the middle of a visit", session, g.b.session())
			return false
		}
	}
	if loggedIn && g.random.IntN(2) == 0 || g.random.IntN(30) == 0 {
		if !g.count("POST", logoutPath, "", 200, nil) {
			return false
		}
		if loggedIn {
			g.note(func() { g.events["customer_logout"]++ })
		}
		g.ended = true
	}
	return true
}

// count makes a request that counts nothing as a page view.
func (g *guest) count(method, path, body string, status int, header []string) bool {
	a := g.request(g.b, method, path, body, header...)
	if a == nil {
		return false
	}
	if a.status != status {
		g.shop.t.Errorf("%v, want %d", a, status)
		return false
	}
	return true
}

func (g *guest) event(name string) { g.note(func() { g.events[name]++ }) }

// look views a page.
func (g *guest) look() bool {
	session := g.b.session()
	if !g.count("GET", fmt.Sprintf("%s/%d", productsPath, 1+g.random.IntN(200)), "", 200, []string{"Sec-Fetch-Mode: cors", "Referer: " + g.shop.url + "/shop/page"}) {
		return false
	}
	g.note(func() {
		g.sessions[session]++
		g.events["page_view"]++
	})
	return true
}

func (g *guest) order() bool {
	session := g.b.session()
	body := fmt.Sprintf(`{"items":[{"productId":"%d","quantity":%d}],"shippingAddress":{}}`, 1+g.random.IntN(200), 1+g.random.IntN(3))
	id := key(fmt.Sprint(g.random.Uint64()))
	var first string
	for range 1 + g.random.IntN(2) { // some press the button twice
		a := g.request(g.b, "POST", ordersPath, body, id)
		if a == nil || a.status != 201 {
			g.shop.t.Errorf("order: %v", a)
			return false
		}
		o := a.order()
		if first == "" {
			first = o.ID
			g.note(func() {
				g.orders++
				g.revenue += o.Total.Amount
				g.events["order_completed"]++
				g.converted[session] = true
			})
		}
		if o.ID != first || text(o.SessionID) != session {
			g.shop.t.Errorf("order %+v, want %s in session %s", o, first, session)
			return false
		}
	}
	return true
}
