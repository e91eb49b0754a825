package connection

import "time"

const (
	// heldTimes is how often what is read of a request is in memory until it is answered,
	// about: as it came, and as net/http and the handler have it.
	heldTimes = 3

	// heldLeast is how much a connection may hold whatever others hold: usual requests are
	// much smaller. 500 connections that hold so much take some 12 MB.
	heldLeast = 8 << 10
)

// hold counts bytes that were read of a request that is not answered yet. c.mu is held.
func (c *conn) hold(n int) {
	if !c.closed && !c.hijacked {
		c.held += n
		c.listener.held.Add(int64(n))
	}
}

// takenOver says that the handler has the connection, a WebSocket's for example: what is
// read from now on is no part of a request that is not answered.
func (c *conn) takenOver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hijacked = true
	c.letGo()
}

// letGo says that the connection holds nothing any more. c.mu is held.
func (c *conn) letGo() {
	c.listener.held.Add(-int64(c.held))
	c.held = 0
}

// lighten cuts connections that hold much of a request, while all together hold too much:
// of a few whose client has to send the rest or to take the answer, the one that is waited
// for longest. Where handlers are at work for all of them it is the one that has just
// read more.
func (l *Listener) lighten(latest *conn) {
	for range sample {
		if l.held.Load() <= l.mostHeld {
			return
		}
		victim := l.longest(func(c *conn) (time.Time, bool) { return c.since, c.held >= heldLeast })
		if victim == nil {
			victim = latest
			latest.mu.Lock()
			little := latest.held < heldLeast
			latest.mu.Unlock()
			if little {
				return
			}
		}
		cuts.Add(1)
		victim.cutOff()
	}
}
