package footfall

import (
	"context"
	"sync"
	"time"
)

// hotQueue holds the entries whose activity has to reach the hot store.
type hotQueue struct {
	mu      sync.Mutex
	entries []*entry
}

// push queues an entry, unless there are too many already.
func (q *hotQueue) push(e *entry, most int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.entries) >= most {
		return false
	}
	q.entries = append(q.entries, e)
	return true
}

func (q *hotQueue) take() []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries := q.entries
	q.entries = nil
	return entries
}

// syncHot is the loop that merges activity into the hot store, once for all
// that a session did in a while.
func (t *Tracker) syncHot(ctx context.Context) {
	for sleep(ctx, gatherTime) {
		t.flushHot(ctx)
	}
}

func (t *Tracker) flushHot(ctx context.Context) {
	entries := t.hotSync.take()
	for i, e := range entries {
		e.mu.Lock()
		e.dirty = false
		unnoted := e.begun && e.rec.LastSeenAt.After(e.notedAt)
		id, writer, views := e.rec.SessionID, e.writer, e.views
		lastSeen, ttl := e.rec.LastSeenAt, t.lives.Remaining(&e.rec.Session, now())
		e.mu.Unlock()
		if ttl <= 0 {
			continue
		}
		if unnoted {
			t.noteSeen(e, lastSeen)
		}
		mergeCtx, cancel := context.WithTimeout(ctx, controlTimeout)
		err := t.hot.Merge(mergeCtx, id, writer, views, millis(lastSeen), ttl)
		cancel()
		if err == nil {
			continue
		}
		t.counts.hotErrors.Add(1)
		t.queueHot(e)
		for _, late := range entries[i+1:] { // the store is down: these wait too
			t.hotSync.push(late, t.config.LiveSessions)
		}
		return
	}
}

// noteSeen has the journal know when a session was last active.
func (t *Tracker) noteSeen(e *entry, at time.Time) {
	position, err := t.append(&SessionSeen{SessionID: e.ids().session, At: at})
	e.mu.Lock()
	if err == nil && at.After(e.notedAt) {
		e.notedAt = at
	}
	e.position = max(e.position, position)
	e.mu.Unlock()
}
