package connection

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/memory"
)

const (
	// Stall is how long a write may wait for its client. A client that takes less than
	// 16 KiB in that time, which is 0.8 KiB/s, takes nothing.
	Stall = 20 * time.Second
	// DrainWait is how long a connection may wait for its client in all, reading and
	// writing, once the server ends.
	DrainWait = 3 * time.Second

	chunk = 16 << 10
)

var cuts = count.Process.Bound("connections_cut", "Connections that were ended because their client took nothing of an answer for 20 s, or, at the end of the process, neither took nor sent anything for 3 s, or because there were too many and their client was waited for longest.")

// A Listener accepts connections that are cut if they stall. It is safe for concurrent use.
type Listener struct {
	net.Listener

	most     int   // connections at a time
	mostHeld int64 // bytes that were read of requests that are not answered
	held     atomic.Int64

	mostUntaken int64 // bytes of answers that the kernel keeps until clients have them
	untaken     atomic.Int64

	mu       sync.Mutex
	conns    map[*conn]struct{}
	draining bool
}

const (
	// connBytes is about what a connection takes at most: a request's header, or a body
	// that a handler reads whole, and the buffers.
	connBytes = 128 << 10
	leastMost = 256
	patience  = 250 * time.Millisecond // for the first request of a connection, while there are not twice as many as may be
	sample    = 24                     // connections that are compared to find one to cut
	mostSeen  = 960                    // that are looked at to find these
)

// Listen wraps a listener. Its connections take a quarter of the memory at most, and three
// quarters of the files that the process may have open: without one nobody is accepted,
// nor a file of a store opened. Past that, each new one has one cut that has waited long
// for its client; where handlers are at work for all, none is, and nobody waits. What they
// hold of requests that are not answered takes a quarter of the memory too: past that those
// are cut that hold much of one. Of answers that the clients do not have yet the kernel
// keeps half a quarter: past that those are cut for whom it keeps much.
func Listen(l net.Listener) *Listener {
	boundUnread(l)
	return &Listener{
		Listener: l, conns: map[*conn]struct{}{},
		most: mostConns(memory.Share(25), openFiles()), mostHeld: memory.Share(25) / heldTimes,
		mostUntaken: memory.Share(25) / 2,
	}
}

// mostConns is how many connections fit into so many bytes and so many files.
func mostConns(bytes int64, files int) int {
	return max(min(int(max(bytes/connBytes, leastMost)), files/4*3), 1)
}

// Accept accepts a connection.
func (l *Listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	boundUnsent(inner)
	for range 2 { // more than come, so that there are not too many for long
		if victim := l.victim(); victim != nil {
			cuts.Add(1)
			victim.cutOff()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &conn{Conn: inner, listener: l, draining: l.draining, left: DrainWait, fresh: true, first: true, since: time.Now()}
	c.turn = &c.reading
	l.conns[c] = struct{}{}
	return c, nil
}

// victim returns a connection to cut if there are too many: of a few that wait for their
// client, the one that has done so for longest. A client that sends a request, or takes
// an answer, bit by bit is waited for from the first bit on. One that has just been opened
// is spared: where handlers are at work for nearly all others it would be a visitor's.
func (l *Listener) victim() *conn {
	l.mu.Lock()
	few, many := len(l.conns) < l.most, len(l.conns) >= 2*l.most
	l.mu.Unlock()
	if few {
		return nil
	}
	now := time.Now()
	return l.longest(func(c *conn) (time.Time, bool) {
		return c.since, many || !c.first || now.Sub(c.since) >= patience
	})
}

// longest is, of a few connections that wait for their client and of which which says so,
// the one that has done so for longest; nil if there is none. which says since when, and is
// called with the connection's mu held.
func (l *Listener) longest(which func(*conn) (since time.Time, ok bool)) (longest *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var since time.Time
	seen, waiting := 0, 0
	for c := range l.conns {
		if seen++; seen > mostSeen || waiting == sample {
			break
		}
		c.mu.Lock()
		at, waits := time.Time{}, c.reading || c.writing || c.fresh
		if waits {
			at, waits = which(c)
		}
		c.mu.Unlock()
		if !waits {
			continue
		}
		if waiting++; longest == nil || at.Before(since) {
			longest, since = c, at
		}
	}
	return longest
}

// Drain says that the server ends: from now on, each connection may wait for its client
// for DrainWait in all. What a handler takes is no such time.
func (l *Listener) Drain() {
	l.mu.Lock()
	l.draining = true
	all := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		all = append(all, c)
	}
	l.mu.Unlock()
	for _, c := range all {
		c.drain()
	}
}

// A conn is a connection. Deadlines that the server sets for it hold beside those of
// this package: the earlier one counts.
type conn struct {
	net.Conn
	listener *Listener

	mu               sync.Mutex
	draining         bool
	left             time.Duration // that the connection may wait for its client, once it drains
	reading, writing bool
	fresh            bool      // nobody has begun to read
	first            bool      // none of its requests was answered
	turn             *bool     // &reading while the client has to send, &writing while it has to take
	since            time.Time // when that began
	readBy, writeBy  time.Time // the server's deadlines
	cut, closed      bool
	settling         bool // it is closed once its client has room for what it was sent
	hijacked         bool // the handler has taken it over
	header           header
	held             int // bytes that were read of a request that is not answered

	written, looked int64     // bytes that were written, and of these until the last look
	untaken         int       // bytes that the kernel kept for the client at the last look
	taken           int64     // bytes that the client had when it had last taken 16 KiB more, or all
	takenAt         time.Time // when that was seen
}

// Read reads from the connection. A read of one byte is how net/http notices that a
// client leaves while a handler is at work: it waits for nobody.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) <= 1 {
		return c.Conn.Read(p)
	}
	began := c.begin(&c.reading)
	n, err := c.Conn.Read(p)
	c.end(&c.reading, began, err)
	c.mu.Lock()
	fits := c.header.fits(p[:n])
	c.hold(n)
	c.mu.Unlock()
	if !fits {
		return 0, c.refuse()
	}
	c.listener.lighten(c)
	return n, err
}

// Write writes in chunks, each of which may wait for as long as a stall takes.
func (c *conn) Write(p []byte) (written int, err error) {
	for {
		began := c.begin(&c.writing)
		n, err := c.Conn.Write(p[written:min(len(p), written+chunk)])
		written += n
		c.end(&c.writing, began, err)
		c.wrote(n)
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// begin says that a read or a write may wait for the client now.
func (c *conn) begin(what *bool) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	*what, c.fresh = true, false
	c.limit()
	now := time.Now()
	if c.turn != what {
		c.turn, c.since = what, now
	}
	return now
}

// end says that it waits no longer.
func (c *conn) end(what *bool, began time.Time, err error) {
	c.mu.Lock()
	*what = false
	if c.draining {
		c.left -= time.Since(began)
		_ = c.Conn.SetReadDeadline(c.readBy) // the next read may be that of one byte
	}
	var timeout net.Error
	cut := errors.As(err, &timeout) && timeout.Timeout() && (c.draining || what == &c.writing) && !c.cut
	c.cut = c.cut || cut
	c.mu.Unlock()
	if cut {
		cuts.Add(1)
	}
}

func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining, c.left = true, DrainWait
	c.limit()
}

// limit sets the deadlines of what waits. c.mu is held.
func (c *conn) limit() {
	if c.reading && c.draining {
		_ = c.Conn.SetReadDeadline(earlier(c.readBy, c.left))
	}
	if c.writing {
		_ = c.Conn.SetWriteDeadline(earlier(c.writeBy, c.stall()))
	}
}

// stall is how long a write may wait now. c.mu is held.
func (c *conn) stall() time.Duration {
	if c.draining {
		return min(Stall, c.left)
	}
	return Stall
}

// earlier is a deadline in so long, or the server's own if that is earlier.
func earlier(by time.Time, in time.Duration) time.Time {
	if at := time.Now().Add(in); by.IsZero() || at.Before(by) {
		return at
	}
	return by
}

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets the server's deadline of reads.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readBy = t
	if c.draining && c.reading {
		t = earlier(t, c.left)
	}
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline sets the server's deadline of writes.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeBy = t
	if c.writing {
		t = earlier(t, c.stall())
	}
	return c.Conn.SetWriteDeadline(t)
}

// CloseWrite tells the client that nothing more comes, while what it sends can still be
// read: net/http does so before it closes a connection of which it has not read all, so
// that the client gets the answer and no reset.
func (c *conn) CloseWrite() error {
	if inner, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return inner.CloseWrite()
	}
	return nil
}
