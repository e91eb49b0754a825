package blackbox

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

// Outages with real servers: two instances over a Redis and a MongoDB-wire server
// behind proxies, visitors who go on as if nothing were, and something that
// breaks. FOOTFALL_OUTAGE is how long it stays broken: 3s, and 30s for the table
// of docs/operations.md.

// A drill is one outage.
type drill struct {
	name    string
	hotDown bool // customers cannot be known meanwhile
	begin   func(s *scene)
	end     func(s *scene)
}

// A scene is what a drill may break.
type scene struct {
	t       *testing.T
	redis   *testserver.RedisServer
	mongodb *testserver.MongoDBServer
	toRedis *testserver.ProxyServer
	toMongo *testserver.ProxyServer
	dump    string // a snapshot of Redis from before
}

var drills = []drill{
	{"Redis stopped", true, func(s *scene) { s.redis.Stop() }, func(s *scene) { s.redis.Start() }},
	{"Redis restarted empty", false, func(s *scene) { s.redis.Stop(); s.redis.Wipe(); s.redis.Start() }, func(*scene) {}},
	{"Redis restarted from an old snapshot", false, func(s *scene) { s.redis.Stop(); s.redis.Restore(s.dump); s.redis.Start() }, func(*scene) {}},
	{"Redis frozen", true, func(s *scene) { s.redis.Freeze() }, func(s *scene) { s.redis.Thaw() }},
	{"Redis slow by 200 ms", true, func(s *scene) { s.toRedis.SetDelay(100 * time.Millisecond) }, func(s *scene) { s.toRedis.SetDelay(0) }},
	{"Redis slow by 5 s", true, func(s *scene) { s.toRedis.SetDelay(2500 * time.Millisecond) }, func(s *scene) { s.toRedis.SetDelay(0) }},
	{"Redis read-only", false, func(s *scene) { s.redis.Do(s.t, "REPLICAOF", "127.0.0.1", "1") }, func(s *scene) { s.redis.Do(s.t, "REPLICAOF", "NO", "ONE") }},
	{"Redis out of memory", false, func(s *scene) { s.redis.Do(s.t, "CONFIG", "SET", "maxmemory", "1") }, func(s *scene) { s.redis.Do(s.t, "CONFIG", "SET", "maxmemory", "0") }},
	{"MongoDB stopped", false, func(s *scene) { s.mongodb.Stop() }, func(s *scene) { s.mongodb.Start() }},
	{"MongoDB frozen", false, func(s *scene) { s.mongodb.Freeze() }, func(s *scene) { s.mongodb.Thaw() }},
	{"MongoDB slow by 200 ms", false, func(s *scene) { s.toMongo.SetDelay(100 * time.Millisecond) }, func(s *scene) { s.toMongo.SetDelay(0) }},
	{"MongoDB slow by 5 s", false, func(s *scene) { s.toMongo.SetDelay(2500 * time.Millisecond) }, func(s *scene) { s.toMongo.SetDelay(0) }},
	{"both stopped", true, func(s *scene) { s.redis.Stop(); s.mongodb.Stop() }, func(s *scene) { s.redis.Start(); s.mongodb.Start() }},
}

func TestOutages(t *testing.T) {
	t.Parallel()
	length, around := 3*time.Second, 1500*time.Millisecond
	if text := os.Getenv("FOOTFALL_OUTAGE"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("FOOTFALL_OUTAGE: %v", err)
		}
		around = 3 * time.Second
	}
	var mu sync.Mutex
	rows := map[string]string{}
	t.Cleanup(func() {
		table := "| outage | browsing requests | failed | added p99 | 503 for customers | orders | lost | doubled | resurrected | cookies touched | backlog gone after |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
		for _, d := range drills {
			table += rows[d.name]
		}
		t.Log("\n" + table)
	})
	atOnce := 5 // they mostly wait
	if underRace || os.Getenv("FOOTFALL_OUTAGE") != "" {
		atOnce = 2
	}
	slots := make(chan struct{}, atOnce)
	for _, d := range drills {
		t.Run(strings.ReplaceAll(d.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			row := d.run(t, length, around)
			mu.Lock()
			rows[d.name] = row
			mu.Unlock()
		})
	}
}

func (d drill) run(t *testing.T, length, around time.Duration) string {
	sc := &scene{t: t, redis: testserver.Redis(t), mongodb: testserver.MongoDB(t)}
	sc.toRedis = testserver.Proxy(t, sc.redis.Addr())
	sc.toMongo = testserver.Proxy(t, strings.TrimPrefix(sc.mongodb.URI(), "mongodb://"))
	top := &topology{instances: 2, mongodb: sc.mongodb, redisURL: "redis://" + sc.toRedis.Addr(), mongoURI: "mongodb://" + sc.toMongo.Addr()}
	topologies.Store(t.Name(), top)
	s := openShop(t, "STORE_TIMEOUT=50ms", "TRUSTED_PROXIES=127.0.0.0/8")

	crowd := newCrowd(t, s)
	crowd.watch(around)
	calm := crowd.p99()
	sc.dump = sc.redis.Snapshot(t)
	crowd.logOut(2) // after the snapshot: it would bring them back
	crowd.broken.Store(true)
	d.begin(sc)
	crowd.watch(length)
	broken := crowd.p99()
	d.end(sc)
	crowd.broken.Store(false)
	ended := time.Now()
	crowd.watch(around)
	crowd.stop()
	s.drainedWithin(60 * time.Second)
	gone := time.Since(ended)
	l := crowd.audit()
	added := max(broken-calm, 0)

	if float64(l.failed) > 0.001*float64(l.browsing) {
		t.Errorf("%d of %d browsing requests failed: 99.9 %% succeed in an outage", l.failed, l.browsing)
	}
	if l.wrong > 0 {
		t.Errorf("%d answers of a customer's route were neither 200 nor 503: it may not be known who somebody is, but never be got wrong", l.wrong)
	}
	if l.ordersFailed > 0 || l.ordersMissing > 0 {
		t.Errorf("%d of %d orders failed and %d are not in the archive: tracking never fails a sale", l.ordersFailed, l.orders, l.ordersMissing)
	}
	if l.lost+l.doubled+l.resurrected+l.touched+l.disagree > 0 {
		t.Errorf("lost %d, doubled %d, resurrected %d, cookies touched %d, sessions whose page views are not their events %d: want zeros", l.lost, l.doubled, l.resurrected, l.touched, l.disagree)
	}
	return fmt.Sprintf("| %s | %d | %d | %d ms | %d of %d | %d of %d | %d | %d | %d | %d | %.1f s |\n", d.name, l.browsing, l.failed, added.Milliseconds(),
		l.unavailable, l.asked, l.orders-l.ordersFailed-l.ordersMissing, l.orders, l.lost, l.doubled, l.resurrected, l.touched, gone.Seconds())
}

// A crowd is visitors who go on whatever happens, and a tally of what they were
// told.
type crowd struct {
	t      *testing.T
	shop   *shop
	broken atomicBool
	quit   chan struct{}
	gone   sync.WaitGroup

	mu        sync.Mutex
	tally     tally
	views     map[string]bool // marks of page views that were answered
	sent      map[string]bool
	orders    []string
	times     []time.Duration
	out       []string // cookies of customers who logged out
	customers []*browser
}

type tally struct {
	browsing, failed             int // pages, and those that did not work
	asked, unavailable, wrong    int // of a customer's route
	orders, ordersFailed         int
	ordersMissing, lost, doubled int
	resurrected, touched         int
	disagree                     int // sessions whose page views are not their events
}

type atomicBool struct {
	mu sync.Mutex
	is bool
}

func (a *atomicBool) Store(is bool) { a.mu.Lock(); a.is = is; a.mu.Unlock() }
func (a *atomicBool) Load() bool    { a.mu.Lock(); defer a.mu.Unlock(); return a.is }

// newCrowd lets visitors in: some who only look, some who are logged in, and one
// who comes for the first time again and again.
func newCrowd(t *testing.T, s *shop) *crowd {
	c := &crowd{t: t, shop: s, quit: make(chan struct{}), views: map[string]bool{}, sent: map[string]bool{}}
	for i := range 4 {
		b := s.browser(fmt.Sprintf("X-Forwarded-For: 198.51.%d.7", i))
		c.look(b, fmt.Sprintf("first-%d", i))
		c.every(400*time.Millisecond, func(n int) { c.browse(b, fmt.Sprintf("a%d-%d", i, n)) })
	}
	for i := range 4 {
		b := s.browser(fmt.Sprintf("X-Forwarded-For: 198.51.%d.7", 100+i))
		b.post(loginPath, firstCustomer).want(200)
		c.customers = append(c.customers, b)
	}
	for i, b := range c.customers[:2] {
		c.every(500*time.Millisecond, func(n int) {
			if n%3 == 2 {
				c.ask(b)
				return
			}
			c.browse(b, fmt.Sprintf("c%d-%d", i, n))
		})
	}
	buyer := c.customers[0]
	c.every(1500*time.Millisecond, func(n int) { c.buy(buyer, n) })
	c.every(time.Second, func(n int) {
		b := s.browser(fmt.Sprintf("X-Forwarded-For: 203.0.%d.7", n%250))
		c.look(b, fmt.Sprintf("n%d", n))
		c.browse(b, fmt.Sprintf("n%d-again", n))
	})
	return c
}

// every does something at fixed times, however long it takes.
func (c *crowd) every(d time.Duration, do func(n int)) {
	c.gone.Go(func() {
		tick := time.NewTicker(d)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-c.quit:
				return
			case <-tick.C:
				do(n)
			}
		}
	})
}

func (c *crowd) watch(d time.Duration) {
	c.mu.Lock()
	c.times = nil
	c.mu.Unlock()
	time.Sleep(d)
}

func (c *crowd) p99() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.times) == 0 {
		return 0
	}
	times := slices.Clone(c.times)
	slices.Sort(times)
	return times[min(len(times)-1, len(times)*99/100)]
}

// look is a first page view: it brings cookies.
func (c *crowd) look(b *browser, mark string) *answer {
	c.mu.Lock()
	c.sent[mark] = true
	c.mu.Unlock()
	began := time.Now()
	a, err := b.try("GET", productsPath+"/1?m="+mark, "")
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times = append(c.times, took)
	c.tally.browsing++
	if err != nil || a.status != 200 {
		c.tally.failed++
		c.t.Logf("page view %s: %v %v", mark, err, a)
		return nil
	}
	c.views[mark] = true
	return a
}

// browse is a page view of somebody who has a session.
func (c *crowd) browse(b *browser, mark string) {
	before := b.cookie("session")
	a := c.look(b, mark)
	if a != nil && before != "" && b.cookie("session") != before {
		c.mu.Lock()
		c.tally.touched++
		c.mu.Unlock()
		c.t.Logf("page view %s: the answer changed the cookie: %q", mark, a.header["Set-Cookie"])
	}
}

// ask is a request of a route for customers.
func (c *crowd) ask(b *browser) {
	a, err := b.try("GET", mePath, "")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.asked++
	switch {
	case err != nil || a.status != 200 && a.status != 503:
		c.tally.wrong++
		c.t.Logf("me: %v %v", err, a)
	case a.status == 503:
		c.tally.unavailable++
		if a.header.Get("Retry-After") == "" {
			c.t.Error("a 503 without Retry-After")
		}
	}
}

func (c *crowd) buy(b *browser, n int) {
	a, err := b.try("POST", ordersPath, oneMug, "Idempotency-Key: order-"+fmt.Sprint(n))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.orders++
	if err != nil || a.status != http.StatusCreated {
		c.tally.ordersFailed++
		c.t.Logf("order %d: %v %v", n, err, a)
		return
	}
	c.orders = append(c.orders, a.order().ID)
}

// logOut logs some customers out and keeps their cookies.
func (c *crowd) logOut(n int) {
	for _, b := range c.customers[len(c.customers)-n:] {
		cookie := b.cookie("session")
		b.post(logoutPath, "").want(200)
		c.out = append(c.out, cookie)
	}
	for _, cookie := range c.out {
		thief := c.shop.stranger("Cookie: session=" + cookie)
		c.every(300*time.Millisecond, func(int) {
			if a, err := thief.try("GET", mePath, ""); err == nil && a.status == 200 {
				c.mu.Lock()
				c.tally.resurrected++
				c.mu.Unlock()
			}
		})
	}
}

func (c *crowd) stop() {
	close(c.quit)
	c.gone.Wait()
}

// audit compares what visitors were told with what is stored.
func (c *crowd) audit() tally {
	c.t.Helper()
	l := c.tally
	db := c.shop.reading()
	defer db.Close()
	ask := func(query string) [][]string {
		rows, err := readRows(db, query)
		if err != nil {
			c.t.Fatal(err)
		}
		return rows
	}
	stored := map[string]int{}
	for _, row := range ask(`SELECT page FROM session_events WHERE event_type = 'page_view'`) {
		_, mark, _ := strings.Cut(row[0], "?m=")
		stored[mark]++
	}
	for mark := range c.views {
		if stored[mark] == 0 {
			l.lost++
			c.t.Logf("page view %s is lost", mark)
		}
	}
	for mark, n := range stored {
		if n > 1 || !c.sent[mark] {
			l.doubled++
		}
	}
	placed := map[string]bool{}
	for _, row := range ask(`SELECT order_id FROM orders`) {
		placed[row[0]] = true
	}
	for _, id := range c.orders {
		if !placed[id] {
			l.ordersMissing++
		}
	}
	for _, row := range ask(`SELECT s.session_id, s.page_views, (SELECT count(*) FROM session_events e WHERE e.session_id = s.session_id AND e.event_type = 'page_view') FROM sessions s`) {
		if row[1] != row[2] {
			l.disagree++
			c.t.Logf("session %s has %s page views and %s events", row[0], row[1], row[2])
		}
	}
	return l
}
