package connection

import "time"

// What the kernel has of an answer, and the client has not said that it has, it keeps for
// minutes after a connection was closed, where no bound of this package would count it:
// thousands of clients that each ask for one page, and take nothing of it, or say nothing
// any more, had it keep a gigabyte.
const (
	settleFirst = 20 * time.Millisecond // until it is looked whether the client has the rest
	settleEvery = 2 * time.Second       // then after twice as long each time, at most this
)

// Close closes the connection, once its client has what it was sent. Until then
// it counts as one that waits for its client, within [Stall] for each 16 KiB.
func (c *conn) Close() error {
	if c.settles() {
		return nil
	}
	return c.close()
}

// settles reports whether the connection is closed later.
func (c *conn) settles() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settling || c.closed || c.cut {
		return c.settling
	}
	left := untakenBytes(c.Conn)
	if left == 0 {
		return false
	}
	c.letGo()
	c.count(left)
	c.settling, c.writing, c.fresh = true, true, false
	if c.turn != &c.writing {
		c.turn, c.since = &c.writing, time.Now()
	}
	go c.settle(c.stall() * time.Duration(1+left/chunk))
	return true
}

// settle closes the connection when its client has the rest of what it was sent.
func (c *conn) settle(within time.Duration) {
	_ = c.CloseWrite()
	by := time.Now().Add(within)
	for wait := settleFirst; untakenBytes(c.Conn) > 0; wait = min(2*wait, settleEvery) {
		if time.Now().After(by) {
			cuts.Add(1)
			c.cutOff()
			return
		}
		time.Sleep(wait)
	}
	_ = c.close()
}

// cutOff closes the connection now, and has the kernel keep nothing for its client.
func (c *conn) cutOff() {
	forget(c.Conn)
	_ = c.close()
}

// close closes the connection now.
func (c *conn) close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	c.mu.Lock()
	stalled := c.cut && !c.draining // at the end the kernel goes on, for as long as it likes
	c.closed, c.settling = true, false
	c.letGo()
	c.count(0)
	c.mu.Unlock()
	if stalled {
		forget(c.Conn)
	}
	return c.Conn.Close()
}
