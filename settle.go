package footfall

import (
	"context"
	"sync"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
)

// Several instances may have counted views of a session when its record in the
// hot store is made anew, and whoever makes it knows only those that have reached
// the archive. What is missing is added later: first the archive is asked, and
// the hot store some time after that, when it has been told all that the archive
// had.
const (
	settleAfter    = 3 * time.Second
	settleCompare  = 700 * time.Millisecond
	settleRounds   = 8 // each after twice the time of the one before
	maxSettleTick  = 500
	maxSettlements = 100_000
)

// A settlement is an entry whose count is to be compared with the archive's.
type settlement struct {
	e     *entry
	due   time.Time
	round int
}

type settlements struct {
	on  bool // there are other instances
	mu  sync.Mutex
	all []settlement
}

// add has an entry's count looked at later.
func (s *settlements) add(e *entry, at time.Time) {
	if s.on {
		s.push(settlement{e: e, due: at.Add(settleAfter)})
	}
}

func (s *settlements) push(x settlement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) < maxSettlements {
		s.all = append(s.all, x)
	}
}

func (s *settlements) take(at time.Time) (due []settlement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	later := s.all[:0]
	for _, x := range s.all {
		if len(due) < maxSettleTick && !x.due.After(at) {
			due = append(due, x)
		} else {
			later = append(later, x)
		}
	}
	clear(s.all[len(later):])
	s.all = later
	return due
}

// settle raises counts in the hot store to what the archive has, until both are
// the same: a session that is being used differs while it is. It never takes
// anything away: what the archive lacks is still on its way.
func (t *Tracker) settle(ctx context.Context, at time.Time) {
	due := t.settles.take(at)
	if len(due) == 0 {
		return
	}
	archived := make([]int64, len(due))
	for i, x := range due {
		asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
		rec, ok, err := t.archive.Session(asking, x.e.ids().session)
		cancel()
		if err != nil { // it is down: later
			t.settles.later(due[i:], at)
			due = due[:i]
			break
		}
		if archived[i] = -1; ok {
			archived[i] = rec.PageViews
		}
	}
	if !clock.Sleep(ctx, settleCompare) {
		return
	}
	for i, x := range due {
		asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
		same, err := t.settleOne(asking, x.e, archived[i])
		cancel()
		if err != nil {
			t.settles.later(due[i:], at)
			return
		}
		if x.round++; !same && x.round < settleRounds {
			x.due = at.Add(settleAfter << x.round)
			t.settles.push(x)
		}
	}
}

// later has settlements tried again that a store was not there for.
func (s *settlements) later(all []settlement, at time.Time) {
	for _, x := range all {
		x.due = at.Add(settleAfter)
		s.push(x)
	}
}

// settleOne compares one entry's count, and says whether there is no more to do.
func (t *Tracker) settleOne(ctx context.Context, e *entry, archived int64) (done bool, err error) {
	sent, quiet := e.quiet()
	doc, version, views, _, err := t.hot.Read(ctx, e.ids().session)
	if err != nil || archived < 0 {
		return true, err
	}
	if doc == nil || !quiet || !e.isDocument(doc, version) {
		return false, nil
	}
	if e.raise(archived, views, sent) {
		t.queueHot(e)
	}
	return e.shows(archived, views), nil
}

// shows says that a total is what the hot store shows.
func (e *entry) shows(total, views int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.base+views == total
}

// quiet says that no activity of an entry is on its way to the hot store, and
// how many merges have ended so far.
func (e *entry) quiet() (sent uint64, quiet bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sent, !e.unsent && e.sending == 0
}

// raise adds to an entry's count what is missing up to a total, and says whether
// it did. views is what the hot store had of all writers when sent merges had
// ended. If one has ended since, or is under way, what seems to be missing may be
// in it: then nothing is added, or it would be counted twice.
func (e *entry) raise(total, views int64, sent uint64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	missing := total - (e.base + views)
	if missing <= 0 || e.unsent || e.sending > 0 || e.sent != sent {
		return false
	}
	e.views += missing
	e.rec.PageViews = max(e.rec.PageViews, total)
	return true
}
