package faults

import (
	"context"
	"fmt"
	"time"
)

const (
	recovery = 30 * time.Second // the longest time until all parts of a shop are in order again
	grace    = time.Second      // from then on, until every instance has read who was logged out meanwhile
)

// checkCalm records a customer who was refused although nothing was broken from
// their request to the answer. calm is the number of the calm phase when they
// asked.
func (c *crowd) checkCalm(calm int64, id string, a *answer) {
	if calm == 0 || calm != c.calm.Load() || a.err != nil || a.status < 500 {
		return
	}
	c.register.report(unwell, id, fmt.Sprintf("%d while nothing was broken (calm phase %d)", a.status, calm))
}

// recovered waits until every process reports that all its parts are in order and
// the backlog is stored. Until then, one instance may not know who logged in at
// another.
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
