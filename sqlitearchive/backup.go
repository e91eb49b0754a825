package sqlitearchive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// BackupOptions for [Archive.Backup]. The zero value is ready for use.
type BackupOptions struct {
	// Replace allows Backup to replace an existing file.
	Replace bool
	// Progress, if set, is called now and then with the bytes written so far and an
	// estimate of how many there will be.
	Progress func(done, total int64)
}

// Backup writes a copy of the database to a file, as it is at one moment, while any
// process goes on writing to it. The copy is one file, complete by itself, which
// only its owner can read. It appears under its name when it has been checked and is
// on the disk. If a file of that name exists, the error wraps [fs.ErrExist].
func (a *Archive) Backup(ctx context.Context, file string, o BackupOptions) error {
	if err := a.backup(ctx, file, o); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err() // the driver's error about an interrupted statement explains nothing
		}
		return fmt.Errorf("sqlitearchive: backup: %w", explain(file, err))
	}
	return nil
}

func (a *Archive) backup(ctx context.Context, file string, o BackupOptions) error {
	d := a.opened.Load()
	if err := isFile(d.path, d.main); err != nil {
		return err
	}
	switch there, err := os.Stat(file); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil:
	case os.SameFile(there, d.main):
		return fmt.Errorf("%s is the database itself: name another file", file)
	case there.IsDir():
		return fmt.Errorf("%s is a directory: name a file in it", file)
	case !o.Replace:
		return fmt.Errorf("%s: %w", file, fs.ErrExist)
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(file)+"-*") // has mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	if err := d.copyTo(ctx, f.Name(), o.Progress); err != nil {
		return err
	}
	if err := syncFile(f.Name()); err != nil {
		return err
	}
	if err := checkCopy(ctx, f.Name()); err != nil {
		return err
	}
	if err := publish(f.Name(), filepath.Join(dir, filepath.Base(file)), o.Replace); err != nil {
		return err
	}
	return syncFile(dir)
}

// copyTo copies the database into an empty file.
func (d *database) copyTo(ctx context.Context, file string, progress func(done, total int64)) error {
	if progress != nil {
		var pages, pageSize int64
		if err := errors.Join(
			d.read.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages),
			d.read.QueryRowContext(ctx, "PRAGMA page_size").Scan(&pageSize),
		); err != nil {
			return err
		}
		defer watchSize(file, pages*pageSize, progress)()
	}
	_, err := d.read.ExecContext(ctx, "VACUUM INTO ?", file)
	return err
}

// watchSize reports the size of a growing file until the function that it returns
// is called.
func watchSize(file string, total int64, progress func(done, total int64)) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(100 * time.Millisecond):
				if info, err := os.Stat(file); err == nil {
					progress(min(info.Size(), total), total)
				}
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// checkCopy looks for damage in a copy that nobody writes to.
func checkCopy(ctx context.Context, file string) error {
	main, err := os.Stat(file)
	if err != nil {
		return err
	}
	db := sql.OpenDB(newConnector(file, main, "ro", "immutable"))
	return errors.Join(checkTables(ctx, db), quickCheck(ctx, db), db.Close())
}

// Extent counts the sessions and returns when the latest began, zero if there is
// none.
func (a *Archive) Extent(ctx context.Context) (sessions int64, latest time.Time, err error) {
	var began sql.NullInt64
	if err := a.reader().QueryRowContext(ctx, "SELECT count(*), max(started_at) FROM session_rows").Scan(&sessions, &began); err != nil {
		return 0, time.Time{}, fmt.Errorf("sqlitearchive: extent: %w", err)
	}
	return sessions, fromMillis(began), nil
}
