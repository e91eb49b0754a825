package hot

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// When the hot store loses a session, the instance that rewrites it only knows the
// views in the archive, or its own; and when a process dies, what it counted last
// may be in its journal alone. So the count that the hot store shows is compared
// with the archive's later: we read the archive, wait until pending merges are done,
// read the hot store, and add the difference. A session that is being used differs
// while it is, so the comparison is repeated, each time after twice as long, until
// both are the same or for about ten minutes. Nothing is ever taken away: what the
// archive lacks is on its way there.
const (
	recountAfter  = 3 * time.Second
	recountUntil  = 5 * time.Minute        // the longest time between two comparisons
	mergesSettle  = 700 * time.Millisecond // merges that began before the archive was read are done then
	recountEvery  = time.Second
	recountsATime = 500
	maxRecounts   = 100_000
)

// A recount is a session whose count is to be compared with the archive's.
type recount struct {
	id    string
	entry *live.Entry // nil: this process does not serve it
	due   time.Time
	after time.Duration // how long to wait for the next comparison; 0: this is the only one
}

type recounts struct {
	mu       sync.Mutex
	all      []recount
	replayed atomic.Bool // the sessions of the last run's journal were compared
	skipped  *atomic.Uint64
}

func (r *recounts) push(x recount) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) >= maxRecounts {
		r.skipped.Add(1)
		return
	}
	r.all = append(r.all, x)
}

func (r *recounts) take(at time.Time) (due []recount) {
	r.mu.Lock()
	defer r.mu.Unlock()
	later := r.all[:0]
	for _, x := range r.all {
		if len(due) < recountsATime && !x.due.After(at) {
			due = append(due, x)
		} else {
			later = append(later, x)
		}
	}
	clear(r.all[len(later):])
	r.all = later
	return due
}

// Recount has the count of a session compared with the archive's later. Where the
// archive is not shared no other instance counts, so there is nothing to compare.
func (h *Hot) Recount(e *live.Entry) {
	if h.archive.Shared() {
		h.recounts.push(recount{id: e.SessionID(), entry: e, due: clock.Now().Add(recountAfter), after: 2 * recountAfter})
	}
}

// Replayed compares, now, the counts of the sessions in the last run's journal: a hot
// store that outlived the process may lack their latest activity.
func (h *Hot) Replayed(ctx context.Context, ids []string) {
	defer h.recounts.replayed.Store(true)
	all := make([]recount, len(ids))
	for i, id := range ids {
		all[i].id = id
	}
	h.compare(ctx, all)
}

// IsReplayed reports whether [Hot.Replayed] is through.
func (h *Hot) IsReplayed() bool { return h.recounts.replayed.Load() }

// RunRecounts is the loop that compares counts.
func (h *Hot) RunRecounts(ctx context.Context) {
	for clock.Sleep(ctx, recountEvery) {
		for _, x := range h.compare(ctx, h.recounts.take(clock.Now())) {
			if x.after > 0 {
				h.recounts.push(x)
			}
		}
	}
}

// compare adds to the hot store what the archive has more, and returns what is to
// be compared again.
func (h *Hot) compare(ctx context.Context, due []recount) (again []recount) {
	if len(due) == 0 {
		return nil
	}
	at := clock.Now()
	later := func(all []recount) { // a store fails: try again without counting this time
		for _, x := range all {
			x.due = at.Add(recountAfter)
			again = append(again, x)
		}
	}
	archived := make([]*store.Record, len(due))
	for i, x := range due {
		asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
		rec, ok, err := h.archive.Unguarded().Session(asking, x.id)
		cancel()
		if err != nil {
			later(due[i:])
			due = due[:i]
			break
		}
		if ok && h.lives.Remaining(&rec.Session, clock.Now()) > 0 {
			archived[i] = &rec
		}
	}
	if h.archive.Shared() && !clock.Sleep(ctx, mergesSettle) {
		return nil
	}
	for i, x := range due {
		if archived[i] == nil {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
		same, err := h.compareOne(asking, x, archived[i])
		cancel()
		if err != nil {
			h.store.CountError()
			later(due[i:])
			break
		}
		if !same && x.after <= recountUntil {
			x.due, x.after = at.Add(x.after), 2*x.after
			again = append(again, x)
		}
	}
	return again
}

// compareOne compares one count and reports whether both were the same. What is on
// its way to the hot store from this process, or was while the hot store was read,
// is not missing: then nothing is added, or it would be counted twice.
func (h *Hot) compareOne(ctx context.Context, x recount, archived *store.Record) (same bool, err error) {
	var sent uint64
	quiet := true
	if x.entry != nil {
		sent, quiet = x.entry.Quiet()
	}
	there, err := h.Read(ctx, x.id)
	if err != nil || there.Doc == nil || !quiet {
		return false, err
	}
	d, err := there.Decode()
	if err != nil {
		return true, nil // corrupt: the next request of the session deals with it
	}
	missing := archived.PageViews - d.PageViews
	if missing <= 0 && !archived.LastSeenAt.After(d.LastSeenAt) {
		return missing == 0, nil
	}
	if x.entry != nil {
		if now, quiet := x.entry.Quiet(); !quiet || now != sent {
			return false, nil
		}
	}
	// The writer's name contains the count that was read. Two instances that read the
	// same count merge under one name, so that the difference is added once.
	writer := "recount." + strconv.FormatInt(there.Views, 36)
	ttl := max(h.lives.Remaining(&archived.Session, clock.Now()), time.Second)
	merged, err := h.store.Merge(ctx, x.id, d.Series, writer, max(missing, 0), clock.Millis(archived.LastSeenAt), ttl)
	if merged && x.entry != nil {
		x.entry.Show(archived.PageViews)
	}
	return false, err
}
