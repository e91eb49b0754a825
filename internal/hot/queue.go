package hot

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/store"
)

// mergesAtOnce is how many merges are under way at a time: stores put those that
// meet into one message.
const mergesAtOnce = 64

// A queue holds the entries whose activity has to reach the hot store.
type queue struct {
	most      int
	mostBytes int64
	bytes     int64 // of all entries
	mu        sync.Mutex
	entries   []*live.Entry
}

// push queues an entry, unless there are too many already.
func (q *queue) push(e *live.Entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.entries) >= q.most || q.bytes > q.mostBytes {
		return false
	}
	q.bytes += e.Bytes()
	q.entries = append(q.entries, e)
	return true
}

func (q *queue) take() []*live.Entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries := q.entries
	q.entries, q.bytes = nil, 0
	return entries
}

// Queue has the activity of an entry merged into the hot store soon. Call it when a
// method of the entry says so.
func (h *Hot) Queue(e *live.Entry) {
	if !h.queue.push(e) {
		h.dropped.Add(1) // the archive has it all the same
		h.writeValues(e)
		e.Dropped()
	}
}

// Run is the loop that merges activity into the hot store, once for all that a
// session did in a while.
func (h *Hot) Run(ctx context.Context) {
	for clock.Sleep(ctx, outbox.GatherTime) {
		h.Flush(ctx)
	}
}

// Flush merges the activity of the queued entries into the hot store. If it fails,
// what is left waits for the next time.
func (h *Hot) Flush(ctx context.Context) {
	var next atomic.Int64
	var failed atomic.Bool
	entries := h.queue.take()
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(entries) {
				return
			}
			h.writeValues(entries[i]) // whatever the hot store does
			switch {
			case failed.Load():
				h.Queue(entries[i])
			case !h.merge(ctx, entries[i]):
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

// writeValues gives the values that an entry held to the journal.
func (h *Hot) writeValues(e *live.Entry) {
	for _, v := range e.TakeValues() {
		position, _ := h.out.Append(e, v) // a refusal is counted there
		e.Moved(position)
	}
}

// merge tells the hot store what an entry did, and before that the journal when it
// was last active. It returns false if the hot store failed; the entry is queued
// again then.
func (h *Hot) merge(ctx context.Context, e *live.Entry) bool {
	m := e.StartMerge(h.lives)
	defer e.EndMerge()
	h.writeValues(e) // that were held since, and did not queue the entry because it was queued until now
	if m.TTL <= 0 {
		return true
	}
	if m.SeenUnwritten {
		position, err := h.out.Append(e, &store.SessionSeen{SessionID: m.SessionID, At: m.LastSeen})
		e.SeenAppended(m.LastSeen, position, err == nil)
	}
	merging := clock.NewWithin(ctx, guard.ControlTimeout)
	defer merging.Stop()
	merged, err := h.store.Merge(merging, m.SessionID, m.Series, m.Writer, m.Activity, m.TTL)
	if err != nil {
		h.store.CountError()
		if e.MarkUnsent() {
			h.Queue(e)
		}
		return false
	}
	if !merged {
		h.notMerged(merging, e, &m)
	}
	return true
}

// notMerged deals with a merge that the hot store did not do. The document is gone or
// was written anew, so it is read again before it is believed; or it has as many writers
// as it holds, since the session left processes and came back again and again, so that
// its counts go into a document with a series of its own.
func (h *Hot) notMerged(ctx context.Context, e *live.Entry, m *live.Merge) {
	e.Distrust()
	there, err := h.Read(ctx, m.SessionID)
	if err != nil || there.Doc == nil || there.Version != e.Version() || !e.Refresh(there.Version, there.Series(), there.Merged, time.Time{}) { // revocations were not read before it: it does not count as read
		return
	}
	if d, err := there.Decode(); err == nil && d.Series == m.Series {
		h.Restore(ctx, e, there.Version)
	}
}
