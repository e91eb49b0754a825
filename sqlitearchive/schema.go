package sqlitearchive

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schemaFiles are the migrations in order; the number in a file's name is the
// version of the schema after it.
func schemaFiles() ([]string, error) { return fs.Glob(migrations, "migrations/*.sql") }

// errIfNewer returns an error if this program does not know a version of the tables.
func errIfNewer(version int) error {
	files, err := schemaFiles()
	if err == nil && version > len(files) {
		err = fmt.Errorf("its tables have version %d, and this footfall knows %d: %w", version, len(files), ErrNewer)
	}
	return err
}

// versionOf reads the version of a database's tables, 0 if it has none yet.
func versionOf(db *sql.DB) (version int, err error) {
	if err := db.QueryRowContext(context.Background(), "PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	return version, errIfNewer(version)
}

func (c *conn) version() (version int, err error) {
	_, err = c.row("PRAGMA user_version", func(s *stmt) { version = int(s.columnInt(0)) })
	return version, err
}

// migrate applies the missing migrations, each in a transaction of its own.
func migrate(w *writer) error {
	files, err := schemaFiles()
	if err != nil {
		return err
	}
	for i, file := range files {
		script, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		if err := w.transact(context.Background(), func(c *conn) error {
			version, err := c.version()
			if err == nil {
				err = errIfNewer(version)
			}
			if err != nil || version > i {
				return err
			}
			return c.script(fmt.Sprintf("%s; PRAGMA user_version = %d", script, i+1))
		}); err != nil {
			return err
		}
	}
	return nil
}

// checkTables returns an error if a database is not one that this program has made,
// or a newer one.
func checkTables(ctx context.Context, db *sql.DB) error {
	if version, err := versionOf(db); err != nil {
		return err
	} else if version == 0 {
		return errors.New("it is not a database of footfall")
	}
	for _, query := range []string{
		`SELECT session_id, customer_id, authenticated_at, ended_at FROM sessions LIMIT 0`,
		`SELECT event_id, session_id FROM session_events LIMIT 0`,
		`SELECT visitor_id FROM visitors LIMIT 0`,
		`SELECT order_id FROM orders LIMIT 0`,
		`SELECT seq, customer_id FROM credential_changes LIMIT 0`,
	} {
		if _, err := db.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("it is not a database of footfall: %w", err)
		}
	}
	return nil
}

// quickCheck looks for damage on every page of a database. It returns an error that
// describes the first damage found.
func quickCheck(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, strings.ReplaceAll(found, "\n", " "))
	}
	return nil
}

// ErrDamaged means that pages of the database are damaged.
var ErrDamaged = errors.New("the database is damaged")

// QuickCheck looks for damage on every page of the database, which may take long,
// until ctx ends. If it finds some, the error wraps [ErrDamaged].
func (a *Archive) QuickCheck(ctx context.Context) error {
	err := quickCheck(ctx, a.reader())
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fmt.Errorf("sqlitearchive: %s: %w", a.path, err)
}
