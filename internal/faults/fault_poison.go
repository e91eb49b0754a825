package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A poison is a batch that takes the archive longer than it may take, is tried again
// for ever, and stops the journal for everybody. One browser without a login makes
// it, by facts that cost the more the more of them there are.

// poisonByOrders places thousands of orders in one session. The demo shop's own limit of
// them is lifted: not every shop has one.
var poisonByOrders = fault{name: "poison by orders", open: ownWorld("NEW_SESSIONS_PER_MINUTE=0"), more: 5 * time.Second, run: func(w *world, _ time.Duration) error {
	const orders = 12_000
	buyer := newKeeper("198.51.100.7")
	if a := w.crowd.browse(buyer, w.random); a.err != nil || buyer.session == "" {
		return fmt.Errorf("the buyer got no session: %w", a.err)
	}
	n := w.flood(16, orders, func(int, *rand.Rand) {
		same := *buyer
		w.crowd.order(&same)
	})
	w.t.Logf("%d orders were placed in one session", n)
	return w.fell(w.processes[0])
}}

// order places an order once, without an Idempotency-Key.
func (c *crowd) order(v *visitor) {
	s := c.ledger.openSale(v.jar)
	before := v.session
	a := v.send(c.base, "POST", ordersAt, strings.NewReader(s.form()), "Content-Type", "application/json")
	c.ledger.asked(s, a.err == nil || !a.sent, sessionOf(before), sessionOf(a.session))
	c.given(before, a)
	switch id := a.orderID(); {
	case a.err == nil && a.status == http.StatusCreated:
		c.ledger.answered(s, id)
	case a.err == nil:
		c.ledger.refuse(s)
	}
}

// poisonByFolds has sessions folded into another one, which then gets thousands of
// page views. Afterwards the cookies of the folded sessions come back, all at the same
// moment, and each takes its events out of the other session again.
// Requests may wait long for the journal: sessions whose beginning was late are not folded.
var poisonByFolds = fault{name: "poison by folds", open: ownWorld("STORE_TIMEOUT=5s"), more: 45 * time.Second, run: func(w *world, _ time.Duration) error {
	const (
		hosts    = 12   // browsers that do this
		parallel = 64   // first requests of each
		views    = 9900 // of each host, which is less than a session may have
	)
	groups := make([][]*visitor, hosts)
	for i := range groups {
		groups[i] = w.crowd.firstRequests(fmt.Sprintf("198.51.%d.7", 100+i), parallel)
		w.crowd.browse(groups[i][0], w.random) // the cookie that the browser kept
	}
	most := hosts * (parallel - 1)
	for deadline := time.Now().Add(recovery); w.folded() < most; time.Sleep(100 * time.Millisecond) {
		if !time.Now().After(deadline) {
			continue
		}
		if w.folded() > most*3/4 { // a busy machine began some of them too late for that
			break
		}
		return fmt.Errorf("only %d of %d sessions were folded: the fault did not happen", w.folded(), most)
	}
	n := w.flood(16, hosts*views, func(n int, random *rand.Rand) {
		same := *groups[n%hosts][0]
		w.crowd.browse(&same, random)
	})
	w.mustCatchUp()
	w.flood(32, hosts*(parallel-1), func(n int, random *rand.Rand) {
		w.crowd.browse(groups[n%hosts][1+n/hosts], random)
	})
	w.t.Logf("%d page views, and %d folded sessions came back", n, hosts*(parallel-1))
	return w.fell(w.processes[0])
}}

// firstRequests makes one browser, which has a visitor cookie and no session, request a
// page many times at once. It returns the browser once for each session that it got.
func (c *crowd) firstRequests(address string, parallel int) []*visitor {
	browser := newKeeper(address)
	c.browse(browser, rand.New(rand.NewPCG(1, 2)))
	browser.session = "" // ended and forgotten, a day later
	same := make([]*visitor, parallel)
	var all sync.WaitGroup
	for i := range same {
		v := *browser
		same[i] = &v
		all.Go(func() {
			r := c.open(&v, pageView)
			a := v.send(c.base, "GET", productsAt+"1?mark="+r.mark, nil)
			c.close(r, a, a.outcome(http.StatusOK), "")
			c.met("", a, r.mark)
		})
	}
	all.Wait()
	return same
}

// folded returns how many sessions the running process folded.
func (w *world) folded() int { return int(w.processes[0].latest("sessions_folded")) }
