package sqlitearchive

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync/atomic"

	"modernc.org/sqlite"
)

// A database is one file that an Archive has opened, with the connections to it.
type database struct {
	path   string
	main   os.FileInfo // the file at path when it was opened
	turn   int64       // how many databases the Archive had opened before
	write  *sql.DB     // one connection; nil when read-only
	writer *connector  // of write
	read   *sql.DB
	recent *recent // nil when read-only: another process writes then

	lostLog atomic.Bool // the write-ahead log at path is not the one that write uses
	left    atomic.Bool // the connections were closed
}

// openWriting opens the database at path for reading and writing, and updates its
// tables where needed. The file must exist; an empty one becomes a database.
func openWriting(path string) (*database, error) {
	main, err := os.Stat(path)
	if err != nil {
		return nil, opening(path, err)
	}
	writer := newConnector(path, main, "rw")
	write := sql.OpenDB(writer)
	write.SetMaxOpenConns(1)
	if err := migrate(write); err != nil {
		return nil, errors.Join(opening(path, err), write.Close())
	}
	d, err := openReading(path)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	d.main, d.write, d.writer, d.recent = main, write, writer, newRecent()
	tx, err := write.BeginTx(context.Background(), nil)
	if err != nil {
		return nil, errors.Join(opening(path, err), d.leave())
	}
	writer.noteLog()
	if err := tx.Rollback(); err != nil {
		return nil, errors.Join(opening(path, err), d.leave())
	}
	return d, nil
}

// openReading opens the database at path for reading.
func openReading(path string) (*database, error) {
	main, err := os.Stat(path)
	if err != nil {
		return nil, opening(path, err)
	}
	read := sql.OpenDB(newConnector(path, main, "ro"))
	err = checkVersion(read)
	if wal, _ := os.Stat(path + "-wal"); err != nil && !errors.Is(err, ErrNewer) && (wal == nil || wal.Size() == 0) {
		// On a read-only disk, the files that readers share cannot be made. If
		// the write-ahead log is empty, the database file alone is complete and
		// can be read.
		if err := read.Close(); err != nil {
			return nil, opening(path, err)
		}
		read = sql.OpenDB(newConnector(path, main, "ro", "immutable"))
		err = checkVersion(read)
	}
	if err != nil {
		_ = read.Close() // the error before it tells more
		return nil, opening(path, err)
	}
	if empty, err := isEmpty(read); err != nil || empty { // the process that creates the database is still starting
		return nil, errors.Join(fmt.Errorf("sqlitearchive: %s: no tables yet: %w", path, cmp.Or(err, fs.ErrNotExist)), read.Close())
	}
	read.SetMaxOpenConns(4)
	return &database{path: path, main: main, read: read}, nil
}

// A connector opens connections to one file. It refuses once another file is at
// the path, so that the connections of one pool never read different databases.
type connector struct {
	path string
	main os.FileInfo
	dsn  string
	wal  atomic.Pointer[os.FileInfo] // the write-ahead log of the latest connection
}

// newConnector returns a connector. Write transactions take the lock when they
// begin, because one that reads first and then writes would fail instead of
// waiting for the lock.
func newConnector(path string, main os.FileInfo, mode string, flags ...string) *connector {
	query := url.Values{
		"mode":    {mode},
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "foreign_keys(ON)"},
	}
	if mode == "rw" {
		query["_pragma"] = append(query["_pragma"], "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)", "wal_autocheckpoint(8000)", "cache_size(-65536)", "secure_delete(ON)")
	}
	for _, flag := range flags {
		query.Set(flag, "1")
	}
	return &connector{path: path, main: main, dsn: "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()}
}

// Connect opens a connection.
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	if err := isFile(c.path, c.main); err != nil {
		return nil, err
	}
	conn, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	c.wal.Store(nil)
	return conn, nil
}

// noteLog notes which write-ahead log the connection uses. Call it in a transaction:
// SQLite opens the log when the first one begins.
func (c *connector) noteLog() {
	if c.wal.Load() != nil {
		return
	}
	if wal, err := os.Stat(c.path + "-wal"); err == nil {
		c.wal.Store(&wal)
	}
}

// Driver returns the driver of SQLite.
func (c *connector) Driver() driver.Driver { return &sqlite.Driver{} }

// isFile returns an error if a file is no longer at its path.
func isFile(path string, file os.FileInfo) error {
	now, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s was deleted or moved away while in use: put it back, or stop the process and restore a backup (footfall restore)", path)
	case err != nil:
		return err
	case !os.SameFile(now, file):
		return fmt.Errorf("%s was replaced while in use", path)
	}
	return nil
}

// inPlace returns an error if the database or its write-ahead log is no longer the
// file that was opened: what is written goes into files that nobody finds again.
// Call it while the connection for writing is open.
func (d *database) inPlace() error {
	if err := isFile(d.path, d.main); err != nil {
		return err
	}
	if d.write == nil {
		return nil
	}
	if wal := d.writer.wal.Load(); wal != nil {
		now, err := os.Stat(d.path + "-wal")
		if err != nil || !os.SameFile(now, *wal) {
			d.lostLog.Store(true)
			return fmt.Errorf("%s-wal was deleted or replaced while in use", d.path)
		}
	}
	return nil
}
