package sqlitearchive

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// Who is active is asked every few seconds, and the answer is in few of the
// sessions of a day: among a million of them, looking at each took more than half
// a second. The archive that writes remembers which it has written lately, and looks
// at those only.

// maxRecent is how many sessions it remembers, in some 25 MB. If there are more,
// it looks at all for a while.
const (
	maxRecent     = 200_000
	restAfterMore = 10 * time.Minute
)

// recent is the sessions that may have been seen since a time. It is safe for
// concurrent use.
type recent struct {
	mu      sync.Mutex
	seen    map[string]int64 // session to the latest it can have been seen, Unix ms
	since   int64            // none is missing that was seen since then, Unix ms
	most    int
	rest    time.Duration // after there were more
	dropped int           // how often there were more
	until   time.Time     // rests until then

	asking sync.Mutex // held by whoever asks, or reads what is missing
}

func newRecent() *recent {
	return &recent{seen: map[string]int64{}, since: math.MaxInt64, most: maxRecent, rest: restAfterMore}
}

type sighting struct {
	session string
	at      int64
}

// note takes in what has just been stored.
func (r *recent) note(sightings []sighting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range sightings {
		before, known := r.seen[s.session]
		if !known {
			s.session = strings.Clone(s.session) // it may be a part of a whole record
		}
		r.seen[s.session] = max(before, s.at)
	}
	if len(r.seen) > r.most {
		r.seen, r.since = map[string]int64{}, math.MaxInt64
		r.dropped++
		r.until = time.Now().Add(r.rest)
	}
}

// drops is how often there were too many to remember, and whether that was a
// moment ago.
func (r *recent) drops() (n int, lately bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped, time.Now().Before(r.until)
}

// complete adds all that had been seen since a time, as read when there had been
// that many drops: what was noted meanwhile is kept unless there was another.
func (r *recent) complete(sightings []sighting, since int64, drops int) {
	r.note(sightings)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dropped == drops {
		r.since = min(r.since, since)
	}
}

// sessions are those that may have been seen since a time; ones before it are
// forgotten. It returns false if some may be missing.
func (r *recent) sessions(since int64) ([]string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since > since {
		return nil, false
	}
	ids := make([]string, 0, len(r.seen))
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
	// They say which index: left to choose, SQLite walks all sessions by visitor.
	activeOfAll   = ` FROM sessions INDEXED BY sessions_started_at WHERE started_at >= ? AND last_seen_at >= ?`
	countActive   = `SELECT count(DISTINCT visitor_id)` + activeOfAll
	listActive    = `SELECT session_id, last_seen_at` + activeOfAll + ` LIMIT ?`
	countActiveOf = `SELECT count(DISTINCT visitor_id) FROM sessions WHERE +started_at >= ? AND last_seen_at >= ? AND session_id IN (SELECT value FROM json_each(?))`
)

// ActiveVisitors counts visitors seen since a time. No session that is older
// than the maximum age can have been.
func (a *Archive) ActiveVisitors(ctx context.Context, since time.Time) (n int64, err error) {
	began, seen := since.Add(-a.maxAge).UnixMilli(), since.UnixMilli()
	ids, known, err := a.recentSessions(ctx, began, seen)
	switch {
	case err != nil:
	case known:
		var list []byte
		if list, err = json.Marshal(ids); err == nil {
			err = a.read.QueryRowContext(ctx, countActiveOf, began, seen, string(list)).Scan(&n)
		}
	default:
		err = a.read.QueryRowContext(ctx, countActive, began, seen).Scan(&n)
	}
	if err != nil {
		return 0, fmt.Errorf("sqlitearchive: active visitors: %w", err)
	}
	return n, nil
}

// recentSessions is the sessions that may have been seen since a time. It returns
// false if it does not know them, or if looking at all that began since another
// time is quicker.
func (a *Archive) recentSessions(ctx context.Context, began, seen int64) ([]string, bool, error) {
	if a.recent == nil {
		return nil, false, nil
	}
	a.recent.asking.Lock()
	defer a.recent.asking.Unlock()
	ids, known := a.recent.sessions(seen)
	if !known {
		if _, lately := a.recent.drops(); lately {
			return nil, false, nil
		}
		if err := a.findRecent(ctx, began, seen); err != nil {
			return nil, false, err
		}
		ids, known = a.recent.sessions(seen)
	}
	if !known || len(ids) < 100 {
		return ids, known, nil
	}
	var all int
	err := a.read.QueryRowContext(ctx, countBegun, began).Scan(&all)
	return ids, len(ids)*passed < all, err
}

// passed is how many sessions a walk gets past while one is looked up.
const passed = 7

// findRecent looks at all sessions for those seen since a time: once after the
// start, unless there are too many to remember.
func (a *Archive) findRecent(ctx context.Context, began, since int64) error {
	drops, _ := a.recent.drops()
	rows, err := a.read.QueryContext(ctx, listActive, began, since, a.recent.most+1)
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
	a.recent.complete(found, since, drops)
	return nil
}
