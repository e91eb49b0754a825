package faults

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A mix is how often arrivals do each thing, in thousandths.
type mix struct {
	newcomer, browse, burst, put, slow, ask, logIn, logOut, buy, replay int
}

var (
	everyday  = mix{newcomer: 60, browse: 690, burst: 10, put: 50, slow: 5, ask: 90, logIn: 15, logOut: 8, buy: 22, replay: 30}
	noLogins  = mix{newcomer: 60, browse: 705, burst: 10, put: 50, slow: 5, ask: 90, logOut: 8, buy: 22, replay: 30} // the shop has two accounts, and checks few passwords at once
	pagesOnly = mix{browse: 1000}
	few       = mix{newcomer: 60, browse: 500, burst: 15, put: 60, ask: 160, logIn: 50, logOut: 25, buy: 40, replay: 65} // many customers, for a shop that takes few requests
)

// A load lets visitors arrive at fixed times, however long others wait for
// answers. Latencies are counted from the time at which the arrival was due.
type load struct {
	crowd *crowd
	rate  float64 // arrivals a second

	mu       sync.Mutex
	mix      mix
	random   *rand.Rand
	idle     []*visitor // visitors with a session and without a request under way
	next     int        // number of the next new visitor
	underWay int
	shed     int // arrivals that were turned away

	cancel context.CancelFunc
	gone   sync.WaitGroup
}

// An arrival is turned away, and counted, if this many requests are under way, or
// if all visitors are busy in a mix without new ones. This protects the machine
// from the harness.
const mostUnderWay = 2000

// mostVisitors is how many visitors can return; if there are more, the oldest are
// forgotten.
const mostVisitors = 3000

func newLoad(c *crowd, rate float64, m mix, seed uint64) *load {
	return &load{crowd: c, rate: rate, mix: m, random: rand.New(rand.NewPCG(seed, 7))}
}

// start lets visitors arrive until stop.
func (l *load) start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	began := time.Now()
	l.gone.Go(func() {
		for n := 1; ; n++ {
			due := began.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(due)):
			}
			l.arrive(due)
		}
	})
}

// stop ends the arrivals and waits for the answers.
func (l *load) stop() {
	l.cancel()
	l.gone.Wait()
}

// use changes what arrivals do.
func (l *load) use(m mix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mix = m
}

// arrive makes one visitor do one thing.
func (l *load) arrive(due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.pick()
	if v == nil || l.underWay >= mostUnderWay {
		l.shed++
		return
	}
	l.underWay++
	random := rand.New(rand.NewPCG(l.random.Uint64(), l.random.Uint64()))
	do := l.choose(v, due, random)
	l.gone.Go(func() {
		do()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.underWay--
		if v.session != "" || v.visitor != "" {
			l.idle = append(l.idle, v)
			if len(l.idle) > mostVisitors {
				l.idle = slices.Delete(l.idle, 0, 1)
			}
		}
	})
}

// pick returns an idle visitor or a new one, or nil if all are busy and the mix
// has no new ones. The caller holds l.mu.
func (l *load) pick() *visitor {
	if len(l.idle) == 0 && l.mix.newcomer == 0 {
		return nil
	}
	if len(l.idle) == 0 || l.random.IntN(1000) < l.mix.newcomer {
		l.next++
		return newVisitor(l.next)
	}
	i := l.random.IntN(len(l.idle))
	v := l.idle[i]
	last := len(l.idle) - 1
	l.idle[i] = l.idle[last]
	l.idle = l.idle[:last]
	return v
}

// choose returns what a visitor does. The caller holds l.mu.
func (l *load) choose(v *visitor, due time.Time, random *rand.Rand) func() {
	c, m := l.crowd, l.mix
	_, customer := c.register.standing(v.session)
	known := v.session != "" && v.visitor != ""
	x := l.random.IntN(m.browse + m.burst + m.put + m.slow + m.ask + m.logIn + m.logOut + m.buy + m.replay)
	chosen := func(share int) bool {
		was := x
		x -= share
		return 0 <= was && was < share
	}
	switch {
	case chosen(m.put):
		return func() { c.put(v, random, false) }
	case chosen(m.slow):
		return func() { c.put(v, random, true) }
	case chosen(m.logIn):
		as := "cust_1"
		if l.random.IntN(2) == 0 {
			as = "cust_2"
		}
		return func() { c.logIn(v, as) }
	case chosen(m.replay):
		return func() { c.replay(random) }
	case chosen(m.burst) && known:
		return func() { c.burst(v, random) }
	case chosen(m.ask) && known:
		return func() { c.ask(v) }
	case chosen(m.logOut) && customer != "":
		if l.random.IntN(4) == 0 {
			return func() { c.revoke(v) }
		}
		return func() { c.logOut(v) }
	case chosen(m.buy) && known:
		return func() { c.buy(v, 20) }
	}
	return func() {
		a := c.browse(v, random)
		if a.err == nil {
			c.pages.add(time.Since(due))
		}
	}
}

// forget lets visitors whose session may be gone not return: their browsers are new ones
// from now on.
func (l *load) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = slices.DeleteFunc(l.idle, func(v *visitor) bool {
		standing, _ := l.crowd.register.standing(v.session)
		return standing != live
	})
}

// takeShed returns how many arrivals were turned away since its last call.
func (l *load) takeShed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.shed
	l.shed = 0
	return n
}
