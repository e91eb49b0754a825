package footfall

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
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
	e     *live.Entry
	due   time.Time
	round int
}

type settlements struct {
	on  bool // there are other instances
	mu  sync.Mutex
	all []settlement
}

// add has an entry's count looked at later.
func (s *settlements) add(e *live.Entry, at time.Time) {
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
		rec, ok, err := t.archive.Session(asking, x.e.SessionID())
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
func (t *Tracker) settleOne(ctx context.Context, e *live.Entry, archived int64) (done bool, err error) {
	sent, quiet := e.Quiet()
	doc, version, views, lastSeen, err := t.hot.Read(ctx, e.SessionID())
	if err != nil || archived < 0 {
		return true, err
	}
	if doc == nil || !quiet || !e.Refresh(doc, version, views, clock.FromMillis(lastSeen), time.Time{}) {
		return false, nil
	}
	d, err := decodeHot(doc)
	if err != nil {
		return true, nil // whoever asks for it will see
	}
	missing := archived - (d.PageViews + views)
	if missing <= 0 {
		return missing == 0, nil
	}
	if now, quiet := e.Quiet(); !quiet || now != sent {
		return false, nil
	}
	return false, t.addMissing(ctx, &d, views, missing, e.Snapshot().LastSeenAt)
}

// addMissing adds to what the hot store shows of a session what the archive has
// more. Two instances that see the same at the same time add it once: the writer is
// named for what was seen.
func (t *Tracker) addMissing(ctx context.Context, d *live.Document, views, missing int64, lastSeen time.Time) error {
	ttl := max(t.lives.Remaining(&d.Session, clock.Now()), time.Second)
	_, err := t.hot.Merge(ctx, d.SessionID, d.Series, "recount."+strconv.FormatInt(views, 36), missing, clock.Millis(lastSeen), ttl)
	return err
}
