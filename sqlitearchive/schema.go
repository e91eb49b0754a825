package sqlitearchive

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"
)

//go:embed tables.sql
var tables string

// schemaVersion is the version of the tables. Lower ones were never released.
const schemaVersion = 5

// views are the names that whoever opens the file with sqlite3 relies on. Behind their
// columns they have those by which a row is found: number and id.
var views = `
CREATE VIEW sessions AS SELECT ` + idText("s.id") + ` AS session_id, ` + idText("s.visitor") + ` AS visitor_id, s.customer_id,
	CASE WHEN s.customer_id IS NULL THEN 'ANONYMOUS' ELSE 'CUSTOMER' END AS type, s.ip_address, ` + wordTexts("s", wordsOfSession) + `,
	coalesce(a.page_views, s.page_views) AS page_views, s.started_at, coalesce(a.last_seen_at, s.last_seen_at) AS last_seen_at, s.ended_at, s.end_reason, s.converted, s.order_id,
	s.version, s.secret_hash, s.superseded_hash, s.authenticated_at,
	s.number, s.id, s.visitor, ` + lastEvent + ` AS last_event
	FROM session_rows s LEFT JOIN activity a ON a.session = s.number;
CREATE VIEW session_events AS SELECT ` + idText("e.id") + ` AS event_id,
	coalesce((SELECT ` + idText("s.id") + ` FROM session_rows s WHERE s.number = e.session), (SELECT ` + idText("u.id") + ` FROM unknown_sessions u WHERE u.number = e.session)) AS session_id,
	coalesce(` + idText("e.visitor") + `, (SELECT ` + idText("s.visitor") + ` FROM session_rows s WHERE s.number = e.session)) AS visitor_id,
	` + wordTexts("e", []string{"event_type", "page"}) + `, e.product_id, e.metadata, e.created_at,
	e.session AS number, e.id, e.previous
	FROM event_rows e;
CREATE VIEW visitors AS SELECT ` + idText("v.id") + ` AS visitor_id, v.first_seen_at, coalesce(v.last_seen_at, v.first_seen_at) AS last_seen_at, v.id FROM visitor_rows v;
`

// lastEvent is the key of the latest event of a session s with activity a.
const lastEvent = `CASE WHEN a.session IS NULL THEN s.last_event ELSE a.last_event END`

// ErrOlder means that Footfall made the database before its first release, or never.
var ErrOlder = errors.New("not a database of footfall, or one from before its first release: move it away, with the -wal and -shm beside it, and the next start makes a new one")

// errUnlessKnown returns an error if this program does not know a version of the
// tables. 0 is that of a database without any.
func errUnlessKnown(version int) error {
	switch {
	case version > schemaVersion:
		return fmt.Errorf("its tables have version %d, and this footfall knows %d: %w", version, schemaVersion, ErrNewer)
	case version > 0 && version < schemaVersion:
		return fmt.Errorf("its tables have version %d, and this footfall knows %d: %w", version, schemaVersion, ErrOlder)
	}
	return nil
}

// versionOf reads the version of a database's tables, 0 if it has none yet.
func versionOf(db *sql.DB) (version int, err error) {
	if err := db.QueryRowContext(context.Background(), "PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	return version, errUnlessKnown(version)
}

func (c *conn) version() (version int, err error) {
	_, err = c.row("PRAGMA user_version", func(s *stmt) { version = int(s.columnInt(0)) })
	return version, err
}

// makeTables makes the tables of a database that has none.
func makeTables(w *writer) error {
	return w.transact(context.Background(), func(c *conn) error {
		version, err := c.version()
		if err == nil {
			err = errUnlessKnown(version)
		}
		if err != nil || version > 0 {
			return err
		}
		return c.script(fmt.Sprintf("%s; %s; PRAGMA user_version = %d", tables, views, schemaVersion))
	})
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
