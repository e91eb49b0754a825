package sqlitearchive

import (
	"context"
	"errors"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/footfall-go/footfall/internal/memory"
)

// A writer is the connection for writing. One goroutine at a time uses it.
type writer struct {
	taken chan struct{} // has an element while somebody uses conn
	conn  *conn
}

const (
	lockTimeout = 5 * time.Second       // how long a transaction waits for another program's
	lockPoll    = 20 * time.Millisecond // how often it looks meanwhile whether its ctx ended
)

// cacheBytes is how much memory the connection keeps of the database's pages: 64 MiB, or
// a twenty-fifth of what the process may use. It is outside of Go's memory, so that no
// other limit keeps it small.
func cacheBytes() int64 { return min(64<<20, memory.Share(4)) }

func openWriter(uri string) (*writer, error) {
	c, err := openConn(uri, "busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)", "wal_autocheckpoint(8000)",
		fmt.Sprintf("cache_size(-%d)", cacheBytes()>>10), "secure_delete(ON)")
	if err != nil {
		return nil, err
	}
	return &writer{taken: make(chan struct{}, 1), conn: c}, nil
}

// use calls a function that uses the connection outside of a transaction.
func (w *writer) use(ctx context.Context, do func(c *conn) error) error {
	select {
	case w.taken <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-w.taken }()
	if w.conn.db == 0 {
		return errClosed
	}
	return do(w.conn)
}

// transact makes changes in a transaction, which takes the write lock when it begins:
// one that reads first and then writes would fail instead of waiting for the lock. If
// ctx ends or change returns an error, nothing is changed.
func (w *writer) transact(ctx context.Context, change func(c *conn) error) error {
	return w.use(ctx, func(c *conn) error {
		interrupted := make(chan struct{})
		stop := context.AfterFunc(ctx, func() { c.interrupt(); close(interrupted) })
		err := c.rollBack()
		if err == nil {
			err = c.begin(ctx)
		}
		if err == nil {
			c.ended = ctx.Done()
			err = change(c)
			c.ended = nil
		}
		if err == nil {
			err = c.script("COMMIT")
		}
		if !stop() { // otherwise what comes now could be interrupted too
			<-interrupted
		}
		if err != nil {
			c.stale = true
			_ = c.rollBack() // if it fails, the next transaction tries it again
		}
		return err
	})
}

// begin begins a transaction once no other program holds the write lock.
func (c *conn) begin(ctx context.Context) error {
	c.waitForLocks(lockPoll)
	defer c.waitForLocks(lockTimeout)
	for latest := time.Now().Add(lockTimeout); ; {
		err := c.script("BEGIN IMMEDIATE")
		var coded codedError
		if !errors.As(err, &coded) || coded.Code()&0xff != sqlite3.SQLITE_BUSY || time.Now().After(latest) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// rollBack ends a transaction that was not committed, if there is one: after some errors
// SQLite has ended it already.
func (c *conn) rollBack() error {
	if sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) != 0 {
		return nil
	}
	return c.script("ROLLBACK")
}

// close closes the connection when nobody uses it any more.
func (w *writer) close() error {
	w.taken <- struct{}{}
	defer func() { <-w.taken }()
	return w.conn.close()
}
