package footfall

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
)

// maxReplaySessions is how many sessions' counts are brought up to date in a hot
// store that outlived the process; what the others lack shows there only.
const maxReplaySessions = 10_000

// replaySessions are the sessions that the last run's journal tells of. What they
// did at its end may not have reached the hot store.
type replaySessions struct {
	mu      sync.Mutex
	ids     map[string]bool
	settled atomic.Bool
}

func (s *replaySessions) note(facts []Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[string]bool{}
	}
	for _, fact := range facts {
		if f, ok := fact.(*EventRecorded); ok && len(s.ids) < maxReplaySessions {
			s.ids[f.SessionID] = true
		}
	}
}

// begin says whether there is anything to settle.
func (s *replaySessions) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) == 0 {
		s.settled.Store(true)
	}
	return len(s.ids) > 0
}

// settleReplay raises what the hot store shows of these sessions to what the
// archive has now.
func (t *Tracker) settleReplay() {
	ctx := t.background
	defer t.replaySeen.settled.Store(true)
	t.replaySeen.mu.Lock()
	ids := t.replaySeen.ids
	t.replaySeen.ids = nil
	t.replaySeen.mu.Unlock()
	archived := make([]Record, 0, len(ids))
	for id := range ids {
		asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
		rec, ok, err := t.archive.Unguarded().Session(asking, id)
		cancel()
		if err != nil {
			return
		}
		if ok && t.lives.Remaining(&rec.Session, clock.Now()) > 0 {
			archived = append(archived, rec)
		}
	}
	if len(archived) > 0 && t.archive.Shared() && !clock.Sleep(ctx, settleCompare) { // others may be telling the hot store
		return
	}
	for i := range archived {
		asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
		err := t.raiseHot(asking, &archived[i])
		cancel()
		if err != nil {
			t.counts.hotErrors.Add(1)
			return
		}
	}
}

// raiseHot raises what the hot store shows of a session to what its record has.
func (t *Tracker) raiseHot(ctx context.Context, rec *Record) error {
	doc, _, views, lastSeen, err := t.hot.Read(ctx, rec.SessionID)
	if err != nil || doc == nil {
		return err
	}
	d, err := decodeHot(doc)
	if err != nil {
		return nil // whoever asks for it will see
	}
	missing := max(rec.PageViews-(d.PageViews+views), 0)
	if missing == 0 && lastSeen >= clock.Millis(rec.LastSeenAt) {
		return nil
	}
	return t.addMissing(ctx, &d, views, missing, rec.LastSeenAt)
}
