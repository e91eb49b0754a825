package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// feedFlood begins sessions and logs out of them, without ever logging in. Each
// instance has to know of every logout of a customer, but of none of these: otherwise
// strangers would fill its memory, and make its next start take longer.
var feedFlood = fault{name: "feed flood", open: ownWorld("NEW_SESSIONS_PER_MINUTE=0"), more: 8 * time.Second, run: func(w *world, _ time.Duration) error {
	const sessions = 20_000
	p := w.processes[0]
	var mu sync.Mutex
	strangers := map[string]bool{}
	n := w.flood(16, sessions, func(_ int, random *rand.Rand) {
		v := newKeeper(fmt.Sprintf("198.51.100.%d", 1+random.IntN(250)))
		w.crowd.browse(v, random)
		mu.Lock()
		strangers[sessionOf(v.session)] = true
		mu.Unlock()
		w.crowd.logOut(v)
	})
	w.t.Logf("%d sessions were begun and ended without a login", n)
	if err := w.mustBeSmall(p); err != nil {
		return err
	}
	if err := w.fell(p); err != nil {
		return err
	}
	w.mustCatchUp()
	if err := w.mustBeSmall(p); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	feed, err := readFeed(ctx, p.dataDir)
	if err != nil {
		return err
	}
	there := 0
	for id := range strangers {
		if feed[id] {
			there++
		}
	}
	if there > 0 {
		w.crowd.register.report(unwell, "feed flood", fmt.Sprintf("the feed of credential changes has %d sessions that never had a customer", there))
	}
	return nil
}}
