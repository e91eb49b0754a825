package hot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/store"
)

// ErrFailed is wrapped, beside [store.ErrUnavailable], by errors that mean that the
// hot store failed: the archive may be asked instead.
var ErrFailed = errors.New("hot store")

func failed(err error) error { return fmt.Errorf("%w: %w: %w", store.ErrUnavailable, ErrFailed, err) }

// maxBuryTries is how often an end is written to the hot store that somebody else
// writes to at the same moment.
const maxBuryTries = 5

// Hot is safe for concurrent use.
type Hot struct {
	store   *guard.Hot
	archive *guard.Archive
	out     *outbox.Outbox
	lives   store.Lifetimes
	compact bool // documents are for this process alone

	queue    queue
	recounts recounts

	reads, dropped *atomic.Uint64
}

// New returns a Hot whose queue holds so many sessions, in so many bytes.
func New(s *guard.Hot, archive *guard.Archive, out *outbox.Outbox, lives store.Lifetimes, queued int, queuedBytes int64, counts *count.Set) *Hot {
	h := &Hot{
		store: s, archive: archive, out: out, lives: lives, queue: queue{most: queued, mostBytes: queuedBytes},
		reads:   counts.New("hot_reads", "Sessions that were looked up in the hot store."),
		dropped: counts.Bound("hot_dropped", "Sessions whose latest activity did not reach the hot store because too many were waiting. The archive has it."),
	}
	_, h.compact = store.HotAs[store.InProcess](s.Unguarded())
	h.recounts.skipped = counts.Bound("recounts_skipped", "Sessions that the hot store had lost and whose page views are not compared with the archive's, because too many were waiting. The archive's count is right; the one that is shown may be too low.")
	return h
}

// Stored is what the hot store holds of a session.
type Stored struct {
	id      string
	lives   store.Lifetimes
	compact bool
	Doc     []byte // nil: nothing
	Version int64
	Merged  store.Activity // on top of the document's counts
	ReadAt  time.Time      // when the reading began
}

// Read reads a session. An error wraps [ErrFailed], or [store.ErrUnavailable] and
// [store.ErrNewer].
func (h *Hot) Read(ctx context.Context, id string) (s Stored, err error) {
	s.id, s.lives, s.compact, s.ReadAt = id, h.lives, h.compact, clock.Now()
	h.reads.Add(1)
	s.Doc, s.Version, s.Merged, err = h.store.Read(ctx, id)
	switch {
	case errors.Is(err, store.ErrNewer):
		return Stored{}, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case err != nil:
		return Stored{}, failed(err)
	}
	latest := clock.Millis(s.ReadAt.Add(clock.MaxOffset)) // no other clock is so far ahead: it is damaged
	s.Merged.LastSeen = min(s.Merged.LastSeen, latest)
	return s, nil
}

// LastSeen is the latest activity that was merged, zero if none was.
func (s *Stored) LastSeen() time.Time { return clock.FromMillis(s.Merged.LastSeen) }

// Decode is the session with the activity that was merged. The error wraps
// [store.ErrNewer], or says why the document is corrupt.
func (s *Stored) Decode() (live.Document, error) {
	d, err := s.decode()
	if err == nil {
		err = s.check(&d)
	}
	if err != nil {
		return live.Document{}, err
	}
	d.PageViews += s.Merged.Views
	d.Events += s.Merged.Events
	d.Orders += s.Merged.Orders
	if seen := s.LastSeen(); seen.After(d.LastSeenAt) {
		d.LastSeenAt = seen
	}
	return d, nil
}

func (s *Stored) decode() (live.Document, error) {
	if s.compact {
		return decodeCompact(s.id, s.Doc)
	}
	return Decode(s.Doc)
}

// Series is the series of the document, "" if its version is not the record's.
func (s *Stored) Series() string {
	if s.compact {
		return compactSeries(s.Doc)
	}
	return jsonSeries(s.Doc, s.Version)
}

// InProcess reports whether the store is in this process's memory: whatever session it has
// was begun by this process, or read from the archive.
func (h *Hot) InProcess() bool { return h.compact }

// Replace stores a session's document in place of the one with a previous version,
// 0 if there must be none. It reports whether it did. An error wraps [ErrFailed].
func (h *Hot) Replace(ctx context.Context, d *live.Document, previous int64) (stored bool, err error) {
	if stored, err = h.put(ctx, d, previous, d.Version, h.ttl(&d.Record)); err != nil {
		return false, failed(err)
	}
	return stored, nil
}

// documents are buffers for documents, which belong to nobody once they are stored.
var documents = sync.Pool{New: func() any { return new(make([]byte, 0, 2048)) }}

func (h *Hot) put(ctx context.Context, d *live.Document, previous, version int64, ttl time.Duration) (bool, error) {
	buf := documents.Get().(*[]byte)
	defer documents.Put(buf)
	if h.compact {
		*buf = appendCompact((*buf)[:0], d)
	} else {
		*buf = AppendDocument((*buf)[:0], d)
	}
	return h.store.Put(ctx, d.SessionID, d.Series, *buf, previous, version, ttl)
}

// ttl is how long the hot store keeps a record: until the session's idle or absolute
// deadline, even if it was ended earlier, so that no old copy can be stored in its place.
func (h *Hot) ttl(rec *store.Record) time.Duration {
	s := rec.Session
	s.EndedAt = time.Time{}
	return h.lives.Remaining(&s, clock.Now())
}

// Remove deletes a session's document, unless its version is another. Errors are
// counted.
func (h *Hot) Remove(ctx context.Context, d *live.Document) {
	if _, err := h.put(ctx, d, d.Version, d.Version+1, 0); err != nil {
		h.store.CountError()
	}
}

// Delete deletes whatever is stored for a session. An error wraps [ErrFailed].
func (h *Hot) Delete(ctx context.Context, id string) error {
	if err := h.store.Delete(ctx, id); err != nil {
		return failed(err)
	}
	return nil
}

// Restore puts a session into a hot store that has lost it, or has a stale version
// of it, 0 if none. Best effort; the next read retries. Another instance may win,
// or may hold page views we do not know: a recount is scheduled.
func (h *Hot) Restore(ctx context.Context, e *live.Entry, stale int64) {
	d := e.Restart()
	if h.ttl(&d.Record) <= 0 {
		return
	}
	stored, err := h.Replace(ctx, &d, stale)
	if err != nil {
		h.store.CountError()
	}
	if !stored {
		e.Distrust()
	}
	h.Recount(e)
}

// Bury puts the end of a session into the hot store and reports whether it is
// there. It need not succeed: no copy below the end's version counts any more, for
// this instance at once, and if the session has a customer for others as soon as they
// have read the archive's feed.
func (h *Hot) Bury(ctx context.Context, e *live.Entry, version int64) bool {
	for range maxBuryTries {
		d := e.Document()
		d.Version = version
		there, err := h.Read(ctx, d.SessionID)
		if err != nil {
			h.store.CountError()
			return false
		}
		if there.Version >= version {
			return true
		}
		if there.Doc != nil && there.Version <= 0 { // corrupt: Replace leaves it alone
			if err := h.Delete(ctx, d.SessionID); err != nil {
				h.store.CountError()
				return false
			}
			there.Version = 0
		}
		stored, err := h.Replace(ctx, &d, there.Version)
		if err != nil {
			h.store.CountError()
			return false
		}
		if stored {
			return true
		}
	}
	return false
}

// CountError counts an error of the hot store that was no reason to fail a request.
func (h *Hot) CountError() { h.store.CountError() }
