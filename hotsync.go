package footfall

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
)

// hotQueue holds the entries whose activity has to reach the hot store.
type hotQueue struct {
	mu      sync.Mutex
	entries []*live.Entry
}

// push queues an entry, unless there are too many already.
func (q *hotQueue) push(e *live.Entry, most int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.entries) >= most {
		return false
	}
	q.entries = append(q.entries, e)
	return true
}

func (q *hotQueue) take() []*live.Entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries := q.entries
	q.entries = nil
	return entries
}

// mergesAtOnce is how many merges are under way at a time: stores put those that
// meet into one message.
const mergesAtOnce = 64

// syncHot is the loop that merges activity into the hot store, once for all
// that a session did in a while.
func (t *Tracker) syncHot(ctx context.Context) {
	for clock.Sleep(ctx, outbox.GatherTime) {
		t.flushHot(ctx)
	}
}

// flushHot tells the hot store what the queued entries did. If it fails, what is
// left waits for the next time.
func (t *Tracker) flushHot(ctx context.Context) {
	var next atomic.Int64
	var failed atomic.Bool
	entries := t.hotSync.take()
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			switch {
			case i >= len(entries):
				return
			case failed.Load():
				t.requeueHot(entries[i])
			case !t.mergeHot(ctx, entries[i]):
				failed.Store(true)
			}
		}
	}
	var workers sync.WaitGroup
	for range min(mergesAtOnce, len(entries)) - 1 {
		workers.Go(work)
	}
	work()
	workers.Wait()
}

// mergeHot tells the hot store what an entry did, and the journal when it was
// last active. It returns false if the hot store failed; the entry is queued
// again then.
func (t *Tracker) mergeHot(ctx context.Context, e *live.Entry) bool {
	m := e.StartMerge(t.lives)
	defer e.EndMerge()
	if m.TTL <= 0 {
		return true
	}
	if m.Untold {
		t.noteSeen(e, m.LastSeen)
	}
	ctx, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	merged, err := t.hot.Merge(ctx, m.SessionID, m.Series, m.Writer, m.Views, clock.Millis(m.LastSeen), m.TTL)
	if err != nil {
		t.hot.CountError()
		t.queueHot(e)
		return false
	}
	if !merged { // the record is gone, or was made anew
		e.Distrust()
	}
	return true
}

// noteSeen has the journal know when a session was last active.
func (t *Tracker) noteSeen(e *live.Entry, at time.Time) {
	position, err := t.appendBehind(e, &SessionSeen{SessionID: e.SessionID(), At: at})
	e.SeenTold(at, position, err == nil)
}
