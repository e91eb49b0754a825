package live

import (
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/store"
)

// A Merge is the activity of a session that is to be merged into the hot store.
type Merge struct {
	SessionID, Series, Writer string
	Activity                  store.Activity // what this writer has counted
	LastSeen                  time.Time
	TTL                       time.Duration // 0: the session is over, and nothing has to be merged
	SeenUnwritten             bool          // the journal does not know of LastSeen
}

// StartMerge returns the activity to merge. The caller merges it and calls
// [Entry.EndMerge]; until then the merge is under way.
func (e *Entry) StartMerge(lives store.Lifetimes) Merge {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unsent = false
	e.sending++
	if e.writer == "" {
		e.writer = e.names.Writer()
	}
	return Merge{
		SessionID: e.rec.SessionID, Series: e.series, Writer: e.writer, LastSeen: e.rec.LastSeenAt,
		Activity: store.Activity{Views: e.own.views, Events: e.own.events, Orders: e.own.orders, LastSeen: clock.Millis(e.rec.LastSeenAt)},
		TTL:      lives.Remaining(&e.rec.Session, clock.Now()), SeenUnwritten: e.begun && clock.Millis(e.rec.LastSeenAt) > e.seenWritten,
	}
}

// EndMerge records that a merge is no longer under way, whether or not the hot
// store took it.
func (e *Entry) EndMerge() {
	e.mu.Lock()
	e.sending--
	e.sent++
	e.mu.Unlock()
}

// MarkUnsent records that the entry has activity that no merge has taken. It reports
// whether the caller has to queue the entry: it is not queued yet.
func (e *Entry) MarkUnsent() (queue bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.markUnsent()
}

func (e *Entry) markUnsent() (queue bool) {
	queue = !e.unsent
	e.unsent = true
	return queue
}

// Dropped records that the queue had no room: the activity is merged when the entry
// is queued the next time.
func (e *Entry) Dropped() {
	e.mu.Lock()
	e.unsent = false
	e.mu.Unlock()
}

// Quiet reports whether nothing of the entry's activity is on its way to the hot
// store, and how many merges have ended. If both are the same after the hot store
// was read, no merge was under way while it was.
func (e *Entry) Quiet() (sent uint64, quiet bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sent, !e.unsent && e.sending == 0
}

// Show takes over a count of page views that the hot store shows now.
func (e *Entry) Show(pageViews int64) {
	e.mu.Lock()
	e.rec.PageViews = max(e.rec.PageViews, pageViews)
	e.mu.Unlock()
}
