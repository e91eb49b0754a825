package sqlitearchive

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Horizon reads how far deleting by age has come, and when the latest session began.
func (a *Archive) Horizon(ctx context.Context) (horizon, newest time.Time, err error) {
	var at, latest sql.NullInt64
	err = a.reader().QueryRowContext(ctx, `SELECT (SELECT horizon FROM retention), (SELECT max(started_at) FROM session_rows)`).Scan(&at, &latest)
	if err != nil {
		return horizon, newest, fmt.Errorf("sqlitearchive: horizon: %w", err)
	}
	if at.Valid {
		horizon = time.UnixMilli(at.Int64).UTC()
	}
	if latest.Valid {
		newest = time.UnixMilli(latest.Int64).UTC()
	}
	return horizon, newest, nil
}

// SetHorizon stores how far deleting by age may go.
func (a *Archive) SetHorizon(ctx context.Context, horizon time.Time) error {
	d, err := a.writable(ctx)
	if err == nil {
		err = d.write.transact(ctx, func(c *conn) error {
			return c.exec(`INSERT INTO retention (id, horizon) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET horizon = excluded.horizon`, horizon.UnixMilli())
		})
	}
	if err != nil {
		return fmt.Errorf("sqlitearchive: horizon: %w", err)
	}
	return nil
}
