package sqlitearchive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// writable returns the database for writing. If its file was deleted or replaced,
// writable goes on with the database that is at the path now. It never creates
// one there: facts would leave the journal for an archive that nobody asked for.
func (a *Archive) writable(ctx context.Context) (*database, error) {
	d := a.opened.Load()
	if d.write == nil {
		return nil, errReadOnly
	}
	if d.usable() {
		return d, nil
	}
	a.reopening.Lock()
	defer a.reopening.Unlock()
	if a.closed.Load() {
		return nil, errClosed
	}
	if d = a.opened.Load(); d.usable() {
		return d, nil
	}
	if err := a.reopen(ctx, d); err != nil {
		return nil, err
	}
	return a.opened.Load(), nil
}

func (d *database) usable() bool {
	return !d.lostLog.Load() && !d.left.Load() && isFile(d.path, d.main) == nil
}

// reopen closes a database that cannot be used any more and opens the one at the
// path. If it fails, it changes nothing, or the next call goes on where it stopped.
func (a *Archive) reopen(ctx context.Context, d *database) error {
	gone := isFile(d.path, d.main)
	if gone != nil {
		if _, err := os.Stat(d.path); err != nil {
			return gone
		}
		// The file may still be on its way, as with mv from another disk.
		ownLog := hasLog(d.path) && !d.ownsLog()
		version, err := readVersion(d.path, ownLog)
		if err == nil && version == 0 && !ownLog {
			err = fmt.Errorf("%s has no tables of footfall", d.path)
		}
		if err != nil {
			return fmt.Errorf("%w, and what is there now cannot be used: %w", gone, err)
		}
	}
	if !d.left.Load() {
		// Everything that was stored goes from the log into the database file,
		// wherever that is now.
		if err := d.settle(ctx); err != nil {
			return errors.Join(gone, err)
		}
		if err := d.leave(); err != nil {
			return err
		}
	}
	next, err := openWriting(d.path)
	if err != nil {
		return err
	}
	if next.turn = d.turn; gone != nil {
		next.turn++
	}
	a.opened.Store(next)
	return nil
}

// settle moves everything from the write-ahead log into the database file. It does not
// wait until nobody reads, as truncating the log would: requests may go on reading.
func (d *database) settle(ctx context.Context) error {
	var busy, frames, moved int64
	if err := d.write.use(ctx, func(c *conn) error {
		_, err := c.row("PRAGMA wal_checkpoint(FULL)", func(s *stmt) { busy, frames, moved = s.columnInt(0), s.columnInt(1), s.columnInt(2) })
		return err
	}); err != nil {
		return fmt.Errorf("%s: empty its write-ahead log: %w", d.path, err)
	}
	if busy != 0 || moved < frames {
		return fmt.Errorf("%s: empty its write-ahead log: another program is reading it", d.path)
	}
	return nil
}

// leave closes the connections. If another file has taken the place of the
// database, leave takes away the write-ahead log that is still at the path, because
// SQLite would apply it to whatever database it finds there.
func (d *database) leave() error {
	if d.left.Swap(true) {
		return nil
	}
	stale := d.write != nil && isFile(d.path, d.main) != nil && d.ownsLog()
	var unsettled error
	if stale {
		unsettled = d.settle(context.Background()) // so that a file that was moved away is whole
	}
	err := d.read.Close()
	if d.write != nil {
		err = errors.Join(err, d.write.close())
	}
	switch {
	case !stale:
		return err
	case unsettled != nil: // it holds what the file does not
		kept := fmt.Sprintf("%s.left-%s-wal", d.path, time.Now().UTC().Format("20060102T150405.000Z"))
		return errors.Join(err, os.Rename(d.path+"-wal", kept), remove(d.path+"-shm"))
	}
	return errors.Join(err, removeLog(d.path))
}

// ownsLog reports whether the write-ahead log at the path is the one that this
// database's connection for writing uses.
func (d *database) ownsLog() bool {
	now, err := os.Stat(d.path + "-wal")
	return err == nil && d.wal != nil && os.SameFile(now, d.wal)
}

// tryWriting writes to the database without changing anything.
func (d *database) tryWriting(ctx context.Context) error {
	return d.write.transact(ctx, func(c *conn) error {
		version, err := c.version()
		if err != nil {
			return err
		}
		return c.script(fmt.Sprintf("PRAGMA user_version = %d", version))
	})
}

// readVersion reads the version of the tables from the beginning of a file. It
// returns an error if the file is not a whole SQLite database, or a newer one than
// this program knows. If a write-ahead log belongs to it, the log may hold pages that
// the file lacks, also the first one: then the version may be 0. readVersion must
// not be called with a file that this process has open, because closing a file
// releases the locks on it.
func readVersion(path string, hasLog bool) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	header := make([]byte, 100)
	if _, err := io.ReadFull(f, header); err != nil || string(header[:16]) != "SQLite format 3\x00" {
		return 0, fmt.Errorf("%s is not an SQLite database", path)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := int64(binary.BigEndian.Uint32(header[28:])) * int64(pageSize(uint32(binary.BigEndian.Uint16(header[16:]))))
	if !hasLog && info.Size() < size {
		return 0, fmt.Errorf("%s is not whole: %d of %d bytes are there", path, info.Size(), size)
	}
	version := int(binary.BigEndian.Uint32(header[60:]))
	if err := errUnlessKnown(version); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return version, nil
}

// hasLog reports whether there is a write-ahead log beside a database.
func hasLog(path string) bool {
	log, err := os.Stat(path + "-wal")
	return err == nil && log.Size() > 0
}
