// Package sqlitearchive is a store.Archive in one SQLite file, for a shop on one
// machine. The driver is pure Go.
//
// One process writes, through one connection; any number of processes may read at
// the same time. A batch is one transaction, which is on the disk when Append
// returns.
package sqlitearchive

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/footfall-go/footfall/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// An Archive is a store.Archive and a report.Reader. It is safe for
// concurrent use. Make one with [Open] or [OpenReadOnly].
type Archive struct {
	path   string
	file   os.FileInfo // the file at path when it was opened
	maxAge time.Duration
	write  *sql.DB // one connection; nil when read-only
	read   *sql.DB
	recent *recent // nil when read-only: another process writes then
}

// Options for [Open]. The zero value is ready for use.
type Options struct {
	// SessionMaxAge is the longest that a session can be alive: MaxAge of the
	// tracker's Config. Default: 24 hours. Counting active visitors looks no further
	// back than that, and the feed of credential changes is kept for twice that time.
	SessionMaxAge time.Duration
}

// ErrNewer means that a later version of Footfall made the database.
var ErrNewer = errors.New("made by a newer version of footfall: upgrade, or use another DATA_DIR")

// Open opens the database at path for reading and writing. It creates the
// database and updates its tables where needed.
func Open(path string, o Options) (*Archive, error) {
	if err := check(path, o); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("sqlitearchive: %w", err)
	}
	// SQLite gives the files beside the database the same mode as the database.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sqlitearchive: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fmt.Errorf("sqlitearchive: %w", err)
	}
	write, err := connect(path, "rwc")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := migrate(write); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlitearchive: %s: %w", path, err), write.Close())
	}
	a, err := OpenReadOnly(path, o)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	a.write, a.recent = write, newRecent()
	return a, nil
}

// OpenReadOnly opens the database at path for reading while another process may
// write it. Methods that would change something return an error.
func OpenReadOnly(path string, o Options) (*Archive, error) {
	if err := check(path, o); err != nil {
		return nil, err
	}
	o.SessionMaxAge = cmp.Or(o.SessionMaxAge, store.DefaultAbsolute)
	file, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("sqlitearchive: %w", err)
	}
	read, err := connect(path, "ro")
	if err != nil {
		return nil, err
	}
	err = checkVersion(read)
	if wal, _ := os.Stat(path + "-wal"); err != nil && !errors.Is(err, ErrNewer) && (wal == nil || wal.Size() == 0) {
		// On a read-only disk, the files that readers share cannot be made. If
		// the write-ahead log is empty, the database file alone is complete and
		// can be read.
		if err := read.Close(); err != nil {
			return nil, fmt.Errorf("sqlitearchive: %s: %w", path, err)
		}
		if read, err = connect(path, "ro", "immutable"); err != nil {
			return nil, err
		}
		err = checkVersion(read)
	}
	if err != nil {
		_ = read.Close() // the error before it tells more
		return nil, fmt.Errorf("sqlitearchive: %s: %w", path, err)
	}
	if empty, err := isEmpty(read); err != nil || empty { // the process that creates the database is still starting
		return nil, errors.Join(fmt.Errorf("sqlitearchive: %s: no tables yet: %w", path, cmp.Or(err, fs.ErrNotExist)), read.Close())
	}
	read.SetMaxOpenConns(4)
	return &Archive{path: path, file: file, maxAge: o.SessionMaxAge, read: read}, nil
}

// check refuses what would otherwise be another file, or an archive that forgets
// everything at once.
func check(path string, o Options) error {
	if path == "" {
		return errors.New("sqlitearchive: the path is empty: name the file of the database")
	}
	if o.SessionMaxAge < 0 {
		return fmt.Errorf("sqlitearchive: Options.SessionMaxAge: %v is negative: use the tracker's MaxAge, or 0 for the default", o.SessionMaxAge)
	}
	return nil
}

// connect opens a pool of connections. Write transactions take the lock when they
// begin, because one that reads first and then writes would fail instead of
// waiting for the lock.
func connect(path, mode string, flags ...string) (*sql.DB, error) {
	query := url.Values{
		"mode":    {mode},
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "foreign_keys(ON)"},
	}
	if mode == "rwc" {
		query["_pragma"] = append(query["_pragma"], "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)", "wal_autocheckpoint(8000)", "cache_size(-65536)", "secure_delete(ON)")
	}
	for _, flag := range flags {
		query.Set(flag, "1")
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return nil, fmt.Errorf("sqlitearchive: %s: %w", path, err)
	}
	return db, nil
}

// Close closes the database.
func (a *Archive) Close() error {
	err := a.read.Close()
	if a.write != nil {
		err = errors.Join(err, a.write.Close())
	}
	return err
}

// Check reports an error if the database does not answer, or if its file is no
// longer the one that was opened.
func (a *Archive) Check(ctx context.Context) error {
	if file, err := os.Stat(a.path); err != nil || !os.SameFile(file, a.file) {
		return fmt.Errorf("sqlitearchive: %s was deleted or replaced while in use: stop, put it back, start again", a.path)
	}
	var one int
	if err := a.read.QueryRowContext(ctx, "SELECT 1 FROM sqlite_schema LIMIT 1").Scan(&one); err != nil {
		return fmt.Errorf("sqlitearchive: %w", err)
	}
	return nil
}

// errReadOnly is the error of writes to an archive that was opened for reading
// only.
var errReadOnly = errors.New("sqlitearchive: opened for reading only")

// schemaFiles are the migrations in order; the number in a file's name is the
// version of the schema after it.
func schemaFiles() ([]string, error) { return fs.Glob(migrations, "migrations/*.sql") }

func checkVersion(db *sql.DB) error {
	files, err := schemaFiles()
	if err != nil {
		return err
	}
	var version int
	if err := db.QueryRowContext(context.Background(), "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("version %d, this is %d: %w", version, len(files), ErrNewer)
	}
	return nil
}

// isEmpty reports whether the database has no tables yet.
func isEmpty(db *sql.DB) (bool, error) {
	var version int
	err := db.QueryRowContext(context.Background(), "PRAGMA user_version").Scan(&version)
	return version == 0, err
}

// migrate applies the missing migrations, each in a transaction of its own.
func migrate(db *sql.DB) error {
	if err := checkVersion(db); err != nil {
		return err
	}
	files, err := schemaFiles()
	if err != nil {
		return err
	}
	for i, file := range files {
		script, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		if err := migrateTo(db, i+1, string(script)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	return nil
}

func migrateTo(db *sql.DB, version int, script string) error {
	ctx := context.Background()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var now int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&now); err != nil || now >= version {
		return err
	}
	if _, err := tx.ExecContext(ctx, script); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}

// classify marks errors that a retry cannot fix with store.ErrRejected: the fact
// is at fault, not the system.
func classify(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
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
