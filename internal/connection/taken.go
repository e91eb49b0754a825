package connection

import "time"

// untakenLeast is how much the kernel may keep for a connection's client whatever it keeps
// for others.
const untakenLeast = 2 * chunk

// wrote says that so much was written. What the kernel keeps of it is looked at each 16 KiB.
func (c *conn) wrote(n int) {
	c.mu.Lock()
	c.written += int64(n)
	look := c.written-c.looked >= chunk
	if look {
		c.look()
	}
	c.mu.Unlock()
	if look {
		c.listener.relieve(c)
	}
}

// look looks at how much the kernel keeps for the client. c.mu is held.
func (c *conn) look() {
	c.looked = c.written
	untaken := untakenBytes(c.Conn)
	if taken := c.written - int64(untaken); untaken == 0 || c.untaken == 0 || taken-c.taken >= chunk {
		c.taken, c.takenAt = taken, time.Now()
	}
	c.count(untaken)
}

// count counts what the kernel keeps for the client. c.mu is held.
func (c *conn) count(untaken int) {
	if c.closed {
		untaken = 0
	}
	c.listener.untaken.Add(int64(untaken - c.untaken))
	c.untaken = untaken
}

// relieve cuts connections for whose clients the kernel keeps much, while it keeps too much
// for all together: of a few, the one whose client has taken nothing for longest. The kernel
// would give a client that took much, and then says nothing any more, megabytes at a time.
func (l *Listener) relieve(latest *conn) {
	for range sample {
		if l.untaken.Load() <= l.mostUntaken {
			return
		}
		victim := l.longest(func(c *conn) (time.Time, bool) {
			if c.untaken > 0 { // as it was at the last look
				c.look()
			}
			return c.takenAt, c.untaken >= untakenLeast
		})
		if l.untaken.Load() <= l.mostUntaken {
			return
		}
		if victim == nil {
			latest.mu.Lock()
			little := latest.untaken < untakenLeast
			latest.mu.Unlock()
			if little {
				return
			}
			victim = latest
		}
		cuts.Add(1)
		victim.cutOff()
	}
}
