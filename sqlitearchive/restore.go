package sqlitearchive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/footfall-go/footfall/internal/oserror"
)

// RestoreOptions for [Restore]. The zero value is ready for use.
type RestoreOptions struct {
	// KeepLogins leaves customers logged in whose sessions are alive in the copy,
	// also those who logged out or were revoked after it was made. Default: every
	// customer is logged out.
	KeepLogins bool
	// SessionMaxAge is as [Options.SessionMaxAge].
	SessionMaxAge time.Duration
	// Progress, if set, is called now and then with the bytes copied so far, and how
	// many there are.
	Progress func(done, total int64)
}

// Restored is what [Restore] did.
type Restored struct {
	Before     string    // where the database is now that was at the path; empty: there was none
	Unreadable error     // why that database could not be read; nil: it could
	LoggedOut  int       // customers
	Sessions   int64     // in the restored database
	Latest     time.Time // when the latest of them began; zero: there is none
}

// Restore puts a copy of a database, made by [Archive.Backup] or otherwise, at path.
// No process may have the database at path open. The database that is there is kept
// under another name. The copy is checked before anything is changed.
//
// If the process ends in the middle, whether by itself or not, the database at path
// is either the one before or the restored one, whole.
func Restore(ctx context.Context, from, path string, o RestoreOptions) (Restored, error) {
	return (&restoration{from: from, path: path, o: o, step: func(string) {}}).run(ctx)
}

// A restoration is one run of [Restore].
//
// SQLite applies a write-ahead log to whatever database it finds beside it. So the
// old database is first made one file without a log, and then replaced in one step.
type restoration struct {
	from, path string
	o          RestoreOptions
	step       func(what string) // called before each step; for tests

	staged string // the restored database until it gets its name
	aside  string // the name that the old database gets
	done   Restored
}

func (r *restoration) run(ctx context.Context) (Restored, error) {
	err := r.restore(ctx)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // the driver's error about an interrupted statement explains nothing
	}
	if err != nil {
		return Restored{}, fmt.Errorf("sqlitearchive: restore: %w", err)
	}
	return r.done, nil
}

func (r *restoration) restore(ctx context.Context) error {
	if _, err := readVersion(r.from, hasLog(r.from)); err != nil {
		return err
	}
	if to, err := os.Stat(r.path); err == nil {
		if from, err := os.Stat(r.from); err == nil && os.SameFile(from, to) {
			return fmt.Errorf("%s is the database itself", r.from)
		}
	}
	left, err := filepath.Glob(quoteGlob(r.path) + ".restoring-*")
	if err != nil {
		return err
	}
	for _, file := range left { // by a restore that was killed
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	r.name(time.Now())
	r.step("copy")
	defer r.cleanUp()
	if err := r.copy(); err != nil {
		return err
	}
	r.step("check the copy")
	d, err := r.openCopy(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", r.from, err)
	}
	defer func() { _ = d.leave() }() // complete has closed it unless something failed
	r.step("empty the old log")
	customers, err := r.readOld(ctx)
	if err != nil {
		return err
	}
	r.step("complete the copy")
	if err := r.complete(ctx, d, customers); err != nil {
		return err
	}
	return r.exchange()
}

func (r *restoration) name(now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	r.staged, r.aside = r.path+".restoring-"+stamp, r.path+".before-restore-"+stamp
	for n := 2; ; n++ {
		if _, err := os.Lstat(r.aside); errors.Is(err, os.ErrNotExist) {
			return
		}
		r.aside = fmt.Sprintf("%s.before-restore-%s-%d", r.path, stamp, n)
	}
}

// cleanUp deletes what is left of the copy if it was not put in place.
func (r *restoration) cleanUp() {
	_ = errors.Join(remove(r.staged), remove(r.staged+"-journal"), removeLog(r.staged))
}

// copy copies the file, and the write-ahead log that belongs to it if it was copied
// with one, beside the database.
func (r *restoration) copy() error {
	info, err := os.Stat(r.from)
	if err != nil {
		return err
	}
	total := info.Size()
	log, err := os.Stat(r.from + "-wal")
	logged := err == nil && log.Size() > 0
	if logged {
		total += log.Size()
	}
	progress := &countingWriter{total: total, report: r.o.Progress}
	if err := copyFile(r.from, r.staged, progress); err != nil {
		return err
	}
	if logged {
		return copyFile(r.from+"-wal", r.staged+"-wal", progress)
	}
	return nil
}

// openCopy opens and checks the copy, and brings its tables up to date.
func (r *restoration) openCopy(ctx context.Context) (*database, error) {
	main, err := os.Stat(r.staged)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(newConnector(r.staged, main, "rw"))
	db.SetMaxOpenConns(1)
	err = checkTables(ctx, db)
	if err == nil {
		err = quickCheck(ctx, db)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return openWriting(r.staged)
}

// readOld moves everything from the old database's write-ahead log into its file,
// deletes the log, and returns the customers who may be logged in. A database
// that is too damaged for that stays as it is.
func (r *restoration) readOld(ctx context.Context) (logins, error) {
	main, err := os.Stat(r.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.done.Before = r.aside
	if err := r.keepLogs(); err != nil { // SQLite deletes a log that it cannot read
		return nil, err
	}
	db := sql.OpenDB(newConnector(r.path, main, "rw"))
	db.SetMaxOpenConns(1)
	var mode string
	err = db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode)
	var found logins
	if err == nil {
		var readErr error
		if found, readErr = r.listLogins(ctx, db); readErr != nil {
			r.done.Unreadable = readErr
		}
	}
	switch closeErr := db.Close(); {
	case err != nil && isDamage(err):
		r.done.Unreadable = err
	case err != nil:
		_ = r.dropLogs()
		if err = explain(r.path, err); oserror.Explained(err) {
			return nil, err
		}
		return nil, fmt.Errorf("%s: empty its write-ahead log (does another program have it open?): %w", r.path, err)
	case closeErr != nil:
		return nil, closeErr
	default: // everything is in the database file
		if err := r.dropLogs(); err != nil {
			return nil, err
		}
	}
	return found, ctx.Err()
}

// isDamage reports whether an error says that a file is not a database, or not a
// whole one.
func isDamage(err error) bool {
	var e codedError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	}
	return e.Code() == sqlite3.SQLITE_IOERR_SHORT_READ
}

// complete logs customers out in the copy, unless they stay logged in, and makes it
// one file.
func (r *restoration) complete(ctx context.Context, d *database, customers logins) error {
	if !r.o.KeepLogins {
		n, err := r.logOut(ctx, d, customers)
		if err != nil {
			return err
		}
		r.done.LoggedOut = n
	}
	var err error
	if r.done.Sessions, r.done.Latest, err = newArchive(d, Options{}).Extent(ctx); err != nil {
		return err
	}
	if err := d.read.Close(); err != nil {
		return err
	}
	if err := d.write.use(ctx, func(c *conn) error { return c.script("PRAGMA journal_mode = DELETE") }); err != nil {
		return err
	}
	if err := d.leave(); err != nil {
		return err
	}
	likeOwnerOf(filepath.Dir(r.path), r.staged)
	return syncFile(r.staged)
}

// exchange keeps the old database under another name and puts the copy in its
// place.
func (r *restoration) exchange() error {
	dir := filepath.Dir(r.path)
	if r.done.Before != "" {
		r.step("keep the old database")
		if err := keep(r.path, r.aside); err != nil {
			return err
		}
	}
	// There is a log only if the old database is damaged or gone.
	r.step("keep the old log")
	if err := r.keepLogs(); err != nil {
		return err
	}
	if err := syncFile(dir); err != nil {
		return err
	}
	r.step("delete the old log")
	if err := errors.Join(removeLog(r.path), remove(r.path+"-journal")); err != nil {
		return err
	}
	if err := syncFile(dir); err != nil {
		return err
	}
	r.step("put the copy in place")
	if err := os.Rename(r.staged, r.path); err != nil {
		return err
	}
	r.step("flush the directory")
	return syncFile(dir)
}

// keepLogs keeps the logs of the old database, as far as there are any.
func (r *restoration) keepLogs() error {
	for _, suffix := range []string{"-wal", "-journal"} {
		err := keep(r.path+suffix, r.aside+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// dropLogs takes back what keepLogs did.
func (r *restoration) dropLogs() error {
	return errors.Join(remove(r.aside+"-wal"), remove(r.aside+"-journal"))
}
