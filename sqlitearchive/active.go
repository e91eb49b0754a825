package sqlitearchive

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"time"
)

// Reports ask for the active visitors every few seconds, and only few of a day's
// sessions are active. Looking at all of a million sessions took more than half a
// second, so the archive that writes remembers which sessions it has written
// lately and looks at those only.

// maxRecent is how many sessions are remembered, in about 10 MB. If there are
// more, every count looks at all sessions for the next restAfterMore.
const (
	maxRecent     = 200_000
	restAfterMore = 10 * time.Minute
)

// recent holds the sessions that may have been seen since a time. It is safe for
// concurrent use.
type recent struct {
	mu      sync.Mutex
	seen    map[int64]int64 // by number of the session: the latest that it can have been seen, Unix ms
	since   int64           // every session seen since then is in the map, Unix ms
	most    int
	rest    time.Duration // how long nothing is read after there were too many sessions
	dropped int           // how often there were too many sessions
	until   time.Time     // end of the current rest

	asking sync.Mutex // held while a count or findRecent is running
}

func newRecent() *recent {
	return &recent{seen: map[int64]int64{}, since: math.MaxInt64, most: maxRecent, rest: restAfterMore}
}

type sighting struct {
	session int64 // number
	at      int64
}

// note records sessions that have just been stored.
func (r *recent) note(sightings []sighting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range sightings {
		r.seen[s.session] = max(r.seen[s.session], s.at)
	}
	if len(r.seen) > r.most {
		r.seen, r.since = map[int64]int64{}, math.MaxInt64
		r.dropped++
		r.until = time.Now().Add(r.rest)
	}
}

// drops returns how often there were too many sessions to remember, and whether
// the rest after the latest time is still under way.
func (r *recent) drops() (n int, lately bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped, time.Now().Before(r.until)
}

// complete adds all sessions that had been seen since a time. drops is the number
// of drops before they were read: if there was another one since, some sessions
// are missing, and the map does not count as complete.
func (r *recent) complete(sightings []sighting, since int64, drops int) {
	r.note(sightings)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dropped == drops {
		r.since = min(r.since, since)
	}
}

// sessions returns the sessions that may have been seen since a time, and forgets
// the earlier ones. It returns false if some may be missing.
func (r *recent) sessions(since int64) ([]int64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since > since {
		return nil, false
	}
	ids := make([]int64, 0, len(r.seen))
	for id, at := range r.seen {
		if at < since {
			delete(r.seen, id)
			continue
		}
		ids = append(ids, id)
	}
	r.since = since
	return ids, true
}

const (
	// The queries name the index, because SQLite would otherwise walk all
	// sessions by visitor.
	activeOfAll   = ` FROM session_rows s INDEXED BY session_rows_started_at LEFT JOIN activity a ON a.session = s.number WHERE s.started_at >= ? AND coalesce(a.last_seen_at, s.last_seen_at) >= ?`
	countActive   = `SELECT count(DISTINCT s.visitor)` + activeOfAll
	listActive    = `SELECT s.number, coalesce(a.last_seen_at, s.last_seen_at)` + activeOfAll + ` LIMIT ?`
	countActiveOf = `SELECT count(DISTINCT visitor) FROM sessions WHERE +started_at >= ? AND last_seen_at >= ? AND number IN (SELECT value FROM json_each(?))`
)

// ActiveVisitors counts the visitors seen since a time. Sessions that began more
// than the maximum age before that cannot have been seen since and are left out.
func (a *Archive) ActiveVisitors(ctx context.Context, since time.Time) (n int64, err error) {
	began, seen := since.Add(-a.lives.Absolute).UnixMilli(), since.UnixMilli()
	d := a.opened.Load()
	ids, known, err := d.recentSessions(ctx, began, seen)
	switch {
	case err != nil:
	case known:
		var list []byte
		if list, err = json.Marshal(ids); err == nil {
			err = d.read.QueryRowContext(ctx, countActiveOf, began, seen, string(list)).Scan(&n)
		}
	default:
		err = d.read.QueryRowContext(ctx, countActive, began, seen).Scan(&n)
	}
	if err != nil {
		return 0, fmt.Errorf("sqlitearchive: active visitors: %w", err)
	}
	return n, nil
}

// recentSessions returns the sessions that may have been seen since a time. It
// returns false if it does not know them, or if it is quicker to look at all
// sessions that began since began.
func (d *database) recentSessions(ctx context.Context, began, seen int64) ([]int64, bool, error) {
	if d.recent == nil {
		return nil, false, nil
	}
	d.recent.asking.Lock()
	defer d.recent.asking.Unlock()
	ids, known := d.recent.sessions(seen)
	if !known {
		if _, lately := d.recent.drops(); lately {
			return nil, false, nil
		}
		if err := d.findRecent(ctx, began, seen); err != nil {
			return nil, false, err
		}
		ids, known = d.recent.sessions(seen)
	}
	if !known || len(ids) < 100 {
		return ids, known, nil
	}
	var all int
	err := d.read.QueryRowContext(ctx, countBegun, began).Scan(&all)
	return ids, len(ids)*passed < all, err
}

// passed is how many sessions a walk of the index gets past in the time of one
// look-up.
const passed = 7

// findRecent reads from the database which sessions were seen since a time. This
// happens once after the start, and again after there were too many to remember.
func (d *database) findRecent(ctx context.Context, began, since int64) error {
	drops, _ := d.recent.drops()
	rows, err := d.read.QueryContext(ctx, listActive, began, since, d.recent.most+1)
	if err != nil {
		return err
	}
	defer rows.Close()
	var found []sighting
	for rows.Next() {
		var s sighting
		if err := rows.Scan(&s.session, &s.at); err != nil {
			return err
		}
		found = append(found, s)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	d.recent.complete(found, since, drops)
	return nil
}
