package faults

import (
	"context"
	"fmt"
	"time"
)

const (
	recovery = 30 * time.Second // most that a shop may take until all its parts are in order again
	grace    = time.Second      // from then on: a look at who was logged out meanwhile
)

// checkCalm notes a customer who was turned away while nothing was broken: from
// when they asked, which calm tells, until they were answered.
func (c *crowd) checkCalm(calm int64, id string, a *answer) {
	if calm == 0 || calm != c.calm.Load() || a.err != nil || a.status < 500 {
		return
	}
	c.register.report(unwell, id, fmt.Sprintf("%d while nothing was broken (calm phase %d)", a.status, calm))
}

// recovered waits until nothing is broken any more, by what the processes say, and
// nothing of what was waits to be stored: until then who logged in at one instance
// may be unknown to another.
func (w *world) recovered() error {
	ctx, cancel := context.WithTimeout(context.Background(), recovery)
	defer cancel()
	for _, p := range w.processes {
		for !p.ready(ctx) || w.isBehind(p) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s is not ready after %v", p.addr, recovery)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	time.Sleep(grace)
	return nil
}
