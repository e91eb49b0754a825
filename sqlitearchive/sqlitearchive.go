// Package sqlitearchive is a store.Archive in one SQLite file, for a shop on one
// machine. The driver is pure Go.
//
// One process writes, through one connection; any number of processes may read at
// the same time. A batch is one transaction, which is on the disk when Append
// returns.
//
// The package promises that nothing is stored in a file that was deleted or replaced
// ([Archive.Append]), that a backup is whole ([Archive.Backup]), and that restoring
// one leaves either database whole at any moment ([Restore]).
package sqlitearchive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/footfall-go/footfall/internal/oserror"
	"github.com/footfall-go/footfall/internal/timetext"
	"github.com/footfall-go/footfall/store"
)

// An Archive is a store.Archive and a report.Reader. It is safe for
// concurrent use. Make one with [Open] or [OpenReadOnly].
type Archive struct {
	path  string
	lives store.Lifetimes

	opened    atomic.Pointer[database]
	reopening sync.Mutex // held while another database takes the place of the opened one
	closed    atomic.Bool
	failed    atomic.Bool // the latest Append failed, and not because of its facts
}

// Options for [Open]. The zero value is ready for use.
type Options struct {
	// SessionMaxAge is the longest that a session can be alive: MaxAge of the
	// tracker's Config. Default: 24 hours. Counting active visitors looks no further
	// back than that, and the feed of credential changes is kept for twice that time.
	SessionMaxAge time.Duration

	// SessionIdleTimeout is how long a session lives without activity: IdleTimeout of
	// the tracker's Config. Default: 30 minutes. The revocation of a customer writes
	// its end only into sessions that are alive.
	SessionIdleTimeout time.Duration
}

// ErrNewer means that a later version of Footfall made the database.
var ErrNewer = errors.New("made by a newer version of footfall: upgrade footfall, or use another database")

// Open opens the database at path for reading and writing. It creates the
// database and updates its tables where needed.
//
// If the file is deleted or replaced afterwards, nothing is appended to the file
// that is gone: [Archive.Append] and [Archive.Check] return an error until there
// is a database at path again, and go on with that one.
func Open(path string, o Options) (*Archive, error) {
	if err := check(path, o); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("sqlitearchive: %w", oserror.Dir(filepath.Dir(path), err))
	}
	// SQLite gives the files beside the database the same mode as the database.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = errors.Join(f.Chmod(0o600), f.Close())
	}
	if err != nil {
		return nil, opening(path, err)
	}
	takeRoom(path)
	d, err := openWriting(path)
	if err != nil {
		keepRoom(path)
		return nil, err
	}
	return newArchive(d, o), nil
}

// OpenReadOnly opens the database at path for reading while another process may
// write it. Methods that would change something return an error.
func OpenReadOnly(path string, o Options) (*Archive, error) {
	if err := check(path, o); err != nil {
		return nil, err
	}
	d, err := openReading(path)
	if err != nil {
		return nil, err
	}
	return newArchive(d, o), nil
}

// check refuses what would otherwise be another file, or an archive that forgets
// everything at once.
func check(path string, o Options) error {
	if path == "" {
		return errors.New("sqlitearchive: the path is empty: name the file of the database")
	}
	if o.SessionMaxAge < 0 {
		return fmt.Errorf("sqlitearchive: Options.SessionMaxAge: %s is negative: use the tracker's MaxAge, or 0 for the default", timetext.Of(o.SessionMaxAge))
	}
	if o.SessionIdleTimeout < 0 {
		return fmt.Errorf("sqlitearchive: Options.SessionIdleTimeout: %s is negative: use the tracker's IdleTimeout, or 0 for the default", timetext.Of(o.SessionIdleTimeout))
	}
	return nil
}

func newArchive(d *database, o Options) *Archive {
	a := &Archive{path: d.path, lives: store.Lifetimes{Idle: o.SessionIdleTimeout, Absolute: o.SessionMaxAge}.WithDefaults()}
	a.opened.Store(d)
	return a
}

// reader returns the connections for reading.
func (a *Archive) reader() *sql.DB { return a.opened.Load().read }

// Close closes the database.
func (a *Archive) Close() error {
	a.closed.Store(true)
	a.reopening.Lock()
	defer a.reopening.Unlock()
	d := a.opened.Load()
	err := d.leave()
	if d.write != nil && isFile(d.path, d.main) == nil {
		keepRoom(d.path)
	}
	return err
}

// Check reports an error if the database does not answer, or if its file is no
// longer the one that was opened. If the latest Append failed, Check writes to the
// database, because reading it would not show whether writing works again.
func (a *Archive) Check(ctx context.Context) error {
	d := a.opened.Load()
	if d.write == nil {
		if err := d.inPlace(); err != nil {
			return fmt.Errorf("sqlitearchive: %w", err)
		}
	} else {
		if !d.left.Load() {
			_ = d.inPlace() // writable acts on a write-ahead log that was deleted
		}
		var err error
		if d, err = a.writable(ctx); err != nil {
			return fmt.Errorf("sqlitearchive: %w", err)
		}
		if a.failed.Load() {
			if err := d.tryWriting(ctx); err != nil {
				return fmt.Errorf("sqlitearchive: writing fails: %w", explain(a.path, err))
			}
			a.failed.Store(false)
		}
	}
	var one int
	if err := d.read.QueryRowContext(ctx, "SELECT 1 FROM sqlite_schema LIMIT 1").Scan(&one); err != nil {
		return fmt.Errorf("sqlitearchive: %w", err)
	}
	return nil
}

// errReadOnly is the error of writes to an archive that was opened for reading
// only.
var errReadOnly = errors.New("opened for reading only")

// errClosed is the error of writes to an archive that was closed.
var errClosed = errors.New("the archive was closed")

// classify marks errors that a retry cannot fix with store.ErrRejected: the fact
// is at fault, not the system.
func classify(err error) error {
	var e codedError
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_ERROR: // the code of many mistakes, of which this one is the fact's
			if strings.Contains(e.Error(), "integer overflow") {
				return fmt.Errorf("%w: %w", store.ErrRejected, err)
			}
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
			return fmt.Errorf("%w: %w", store.ErrRejected, err)
		}
	}
	return err
}

// null returns NULL for an unknown value.
func null[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// unixMillis returns a time as Unix milliseconds for comparison, or 0 if it is
// unknown.
func unixMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// marks returns n question marks, separated by commas.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
