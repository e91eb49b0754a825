package sqlitearchive

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/footfall-go/footfall/store"
)

// logins are customers who may be logged in, with the latest time at which one of
// their sessions was authenticated, as far as it is known.
type logins map[string]time.Time

// revokedAtOnce is how many customers are revoked in one transaction.
const revokedAtOnce = 1000

// listLogins returns the customers of all sessions that can be alive.
func (r *restoration) listLogins(ctx context.Context, db *sql.DB) (logins, error) {
	age := r.o.SessionMaxAge
	if age == 0 {
		age = 24 * time.Hour
	}
	since := time.Now().Add(-2 * age) // clocks may differ, and nobody is logged in for too long
	rows, err := db.QueryContext(ctx, `SELECT customer_id, max(authenticated_at) FROM sessions WHERE customer_id IS NOT NULL AND started_at >= ? GROUP BY 1`, since.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := logins{}
	for rows.Next() {
		var customer string
		var at sql.NullInt64
		if err := rows.Scan(&customer, &at); err != nil {
			return nil, err
		}
		found[customer] = fromMillis(at)
	}
	return found, rows.Err()
}

// logOut revokes every customer who may be logged in according to the copy or to the
// database that it replaces. The copy does not know who logged out, or was revoked,
// after it was made; the hot store may know sessions that the copy does not. It
// returns how many customers were revoked.
func (r *restoration) logOut(ctx context.Context, d *database, others logins) (int, error) {
	customers, err := r.listLogins(ctx, d.read)
	if err != nil {
		return 0, err
	}
	for customer, at := range others {
		if at.After(customers[customer]) || customers[customer].IsZero() {
			customers[customer] = at
		}
	}
	a := newArchive(d, Options{SessionMaxAge: r.o.SessionMaxAge})
	now := time.Now()
	for chunk := range slices.Chunk(slices.SortedFunc(maps.Keys(customers), strings.Compare), revokedAtOnce) {
		var facts []store.Fact
		for _, customer := range chunk {
			before := now
			if at := customers[customer]; !at.Before(now) { // a clock that was ahead
				before = at.Add(time.Millisecond)
			}
			facts = append(facts, &store.CustomerRevoked{CustomerID: customer, Before: before})
		}
		if err := a.append(ctx, facts); err != nil {
			return 0, err
		}
	}
	return len(customers), nil
}
