package sqlitearchive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/store"
)

// feedAge is how long changes stay in the feed of credential changes: twice as long as
// a session can be alive, because clocks differ.
func (a *Archive) feedAge() time.Duration { return 2 * a.lives.Absolute }

// turnBits is how many bits of a cursor number the changes of one database. The bits
// above them count the databases that this Archive has opened, so that a cursor of
// a database that was replaced is not taken for one of the database in its place.
const turnBits = 48

const (
	lastChange  = `SELECT seq, changed_at FROM credential_changes ORDER BY seq DESC LIMIT 1`
	firstChange = `SELECT seq FROM credential_changes WHERE changed_at >= ? ORDER BY changed_at, seq LIMIT 1`
	pageOfFeed  = `SELECT seq, session_id, version, customer_id, revoked_before FROM credential_changes WHERE seq > ? ORDER BY seq LIMIT ?`
	oldChanges  = `SELECT seq FROM credential_changes WHERE changed_at < ? ORDER BY changed_at LIMIT ?`
	lastCutoff  = `SELECT max(revoked_before) FROM credential_changes WHERE customer_id = ?`
)

// CredentialChanges reads a page of the feed. If another database has taken the
// place of the one that the cursor comes from, it reads from the beginning.
func (a *Archive) CredentialChanges(ctx context.Context, after int64, limit int) (store.ChangesPage, error) {
	d := a.opened.Load()
	seq := after & (1<<turnBits - 1)
	if after>>turnBits != d.turn {
		seq = 0
	}
	page, err := d.changes(ctx, seq, limit, a.feedAge())
	if err != nil {
		return store.ChangesPage{Next: after}, fmt.Errorf("sqlitearchive: credential changes: %w", err)
	}
	page.Next |= d.turn << turnBits
	return page, nil
}

func (d *database) changes(ctx context.Context, after int64, limit int, age time.Duration) (page store.ChangesPage, err error) {
	page.Next = after
	last, at, err := d.lastChange(ctx)
	if err != nil || last == 0 {
		return page, err
	}
	if after == 0 {
		if after, err = d.firstNeeded(ctx, at, age); err != nil {
			return page, err
		}
		page.Next = after
	}
	rows, err := d.read.QueryContext(ctx, pageOfFeed, after, max(limit, 0)) // to SQLite a negative limit is none
	if err != nil {
		return page, err
	}
	defer rows.Close()
	for rows.Next() {
		var session, customer sql.NullString
		var version, before sql.NullInt64
		if err := rows.Scan(&page.Next, &session, &version, &customer, &before); err != nil {
			return page, err
		}
		page.Changes = append(page.Changes, store.CredentialChange{SessionID: session.String, Version: version.Int64, CustomerID: customer.String, RevokedBefore: fromMillis(before)})
	}
	page.Left = max(last-page.Next, 0)
	return page, rows.Err()
}

// lastChange returns the number and the time of the latest change, 0 if there is none.
func (d *database) lastChange(ctx context.Context) (seq, at int64, err error) {
	err = d.read.QueryRowContext(ctx, lastChange).Scan(&seq, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return seq, at, err
}

// firstNeeded returns the cursor before the first change that a live session can need.
// Its age is measured from the latest change, or from now if that is earlier: a clock
// that is ahead makes nothing too old.
func (d *database) firstNeeded(ctx context.Context, last int64, age time.Duration) (int64, error) {
	var first int64
	err := d.read.QueryRowContext(ctx, firstChange, feedHorizon(last, age)).Scan(&first)
	return first - 1, err
}

func feedHorizon(last int64, age time.Duration) int64 {
	return min(last, nowMillis()) - age.Milliseconds()
}

// RevokedBefore is the latest revocation of a customer in the feed.
func (a *Archive) RevokedBefore(ctx context.Context, customerID string) (time.Time, error) {
	var before sql.NullInt64
	if err := a.reader().QueryRowContext(ctx, lastCutoff, customerID).Scan(&before); err != nil {
		return time.Time{}, a.readFailed("revoked before", err)
	}
	return fromMillis(before), nil
}
