package sqlitearchive

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
)

//go:embed migrations/*.sql
var migrations embed.FS

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
