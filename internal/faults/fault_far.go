package faults

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// mongodbFar puts the archive behind 60 ms, as if it were on another continent. What
// one instance records meanwhile would take minutes if each fact waited for an answer
// of its own.
var mongodbFar = fault{name: "far MongoDB (60 ms)", open: sharedWorld, cost: endedOnes, more: 25 * time.Second, run: func(w *world, _ time.Duration) error {
	const (
		values = 700 // of one session, each an event and a value
		orders = 40
		tools  = 300
	)
	slow(w.toMongo, 30*time.Millisecond)
	p := w.processes[0]
	shopper := newKeeper("198.51.100.7")
	shopper.only = p
	w.crowd.browse(shopper, w.random)
	n := w.flood(1, values, func(_ int, random *rand.Rand) { w.crowd.put(shopper, random, false) })
	buyers := w.flood(8, orders, func(n int, random *rand.Rand) {
		v := newKeeper(fmt.Sprintf("198.51.%d.7", 101+n))
		v.only = p
		w.crowd.browse(v, random)
		w.crowd.order(v)
	})
	w.flood(8, tools, func(int, *rand.Rand) {
		v := newKeeper("198.51.100.9")
		v.only = p
		v.send(w.crowd.base, "GET", productsAt+"1", nil, "User-Agent", "curl/8.5.0")
	})
	w.t.Logf("%d values, %d orders, and %d facts wait", n, buyers, int(p.latest(pendingCount)))
	w.mustCatchUpTo(200) // each batch is under way for a second, and visitors go on
	slow(w.toMongo, 0)
	return nil
}}
