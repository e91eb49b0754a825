package sqlitearchive

import (
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
	path       string
	main       os.FileInfo // the file at path when it was opened
	turn       int64       // how many databases the Archive had opened before
	write      *writer     // nil when read-only
	wal        os.FileInfo // the write-ahead log that write uses; nil if there was none
	read       *sql.DB
	readURI    string               // of connections for reading
	reads      map[string]*sql.Stmt // of read: what requests ask, since preparing takes longer than asking
	recent     *recent              // nil when read-only: another process writes then
	remembered *remembered          // of write

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
	write, err := openWriter(uri(path, "rw"))
	if err != nil {
		return nil, opening(path, err)
	}
	if err := makeTables(write); err != nil {
		return nil, errors.Join(opening(path, err), write.close())
	}
	d, err := openReading(path)
	if err != nil {
		return nil, errors.Join(err, write.close())
	}
	d.main, d.write, d.recent, d.remembered = main, write, newRecent(), &remembered{words: newWords()}
	// SQLite opens the log when the first transaction begins.
	if err := write.transact(context.Background(), func(*conn) error { d.wal, _ = os.Stat(path + "-wal"); return nil }); err != nil {
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
	readURI := uri(path, "ro")
	read := sql.OpenDB(newConnector(path, main, "ro"))
	version, err := versionOf(read)
	if wal, _ := os.Stat(path + "-wal"); err != nil && !errors.Is(err, ErrNewer) && !errors.Is(err, ErrOlder) && (wal == nil || wal.Size() == 0) {
		// On a read-only disk, the files that readers share cannot be made. If
		// the write-ahead log is empty, the database file alone is complete and
		// can be read.
		if err := read.Close(); err != nil {
			return nil, opening(path, err)
		}
		readURI = uri(path, "ro", "immutable")
		read = sql.OpenDB(newConnector(path, main, "ro", "immutable"))
		version, err = versionOf(read)
	}
	if err != nil {
		_ = read.Close() // the error before it tells more
		return nil, opening(path, err)
	}
	if version == 0 { // the process that creates the database is still starting
		return nil, errors.Join(fmt.Errorf("sqlitearchive: %s: no tables yet: %w", path, fs.ErrNotExist), read.Close())
	}
	read.SetMaxOpenConns(4)
	d := &database{path: path, main: main, read: read, readURI: readURI, reads: map[string]*sql.Stmt{}}
	for _, query := range []string{selectRecord, selectValues, listEvents} {
		if d.reads[query], err = read.PrepareContext(context.Background(), query); err != nil {
			return nil, errors.Join(opening(path, err), read.Close())
		}
	}
	return d, nil
}

// A connector opens connections to one file. It refuses once another file is at
// the path, so that the connections of one pool never read different databases.
type connector struct {
	path string
	main os.FileInfo
	dsn  string
}

func newConnector(path string, main os.FileInfo, mode string, flags ...string) *connector {
	return &connector{path: path, main: main, dsn: uri(path, mode, flags...) + "&_pragma=busy_timeout(5000)"}
}

// uri names a database to SQLite.
func uri(path, mode string, flags ...string) string {
	query := url.Values{"mode": {mode}}
	for _, flag := range flags {
		query.Set(flag, "1")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()
}

// Connect opens a connection.
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	if err := isFile(c.path, c.main); err != nil {
		return nil, err
	}
	return c.Driver().Open(c.dsn)
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
	if d.wal != nil {
		now, err := os.Stat(d.path + "-wal")
		if err != nil || !os.SameFile(now, d.wal) {
			d.lostLog.Store(true)
			return fmt.Errorf("%s-wal was deleted or replaced while in use", d.path)
		}
	}
	return nil
}
