package outbox

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// arrivalTime is how long a session's beginning may take to the archive from
// another instance. Events that no session is known for are dropped after this
// long, counted from the event or from the end of an archive outage, whichever is
// later.
const arrivalTime = 2 * time.Minute

// An unattributed event is one of a visitor whose session no store could look up
// when it happened. The journal keeps it with the hash of the secret that came with
// it. The projector looks again: it becomes an event once the archive knows the
// session and finds that it was alive and the secret right.
type unattributed struct {
	store.Event
	secret store.SecretHash
}

// AppendUnattributed records an event of a session that no store could look up,
// by the secret that came with it.
func (b *Outbox) AppendUnattributed(event store.Event, secret store.SecretHash) {
	_, err := b.journal.Append(appendUnattributed(nil, &unattributed{event, secret}))
	if err != nil {
		b.refused(err, 1)
	}
	if err != nil && !errors.Is(err, ErrLate) {
		b.eventsDropped.Add(1)
		return
	}
	b.eventsPending.Add(1)
}

const (
	// lookUps is how many sessions of unattributed events are looked up at once, and
	// lookUpTime for how long in a batch: the facts of others, which are stored behind
	// that, do not wait for longer. Strangers can have any number of such events.
	lookUps    = 16
	lookUpTime = 50 * time.Millisecond

	// lookAgain is how long events wait, once all were looked up, before the first is looked
	// up again. Each time they are written anew.
	lookAgain = time.Second / 2
)

// lookUp reads the sessions of events from the archive; of one that is not there it
// returns nil. Those that it did not come to in time are missing. It returns false if ctx
// ended before the archive answered.
func (b *Outbox) lookUp(ctx context.Context, events []*unattributed) (found map[string]*store.Record, ok bool) {
	var ids []string
	found = map[string]*store.Record{}
	for _, event := range events {
		if _, asked := found[event.SessionID]; !asked {
			found[event.SessionID] = nil
			ids = append(ids, event.SessionID)
		}
	}
	clear(found)
	var (
		mu    sync.Mutex // guards what follows
		next  int
		began = time.Now()
		ended bool
		all   sync.WaitGroup
	)
	turn := func() (id string, more bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == len(ids) || next >= lookUps && time.Since(began) >= lookUpTime && !b.closing.Load() {
			return "", false
		}
		next++
		return ids[next-1], true
	}
	for range min(lookUps, len(ids)) {
		all.Go(func() {
			for id, more := turn(); more; id, more = turn() {
				rec, answered := b.session(ctx, id)
				mu.Lock()
				if found[id] = rec; !answered {
					ended = true
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return found, !ended
}

// resolve returns the event to store of an unattributed one whose session was looked up.
// It returns nil if there is none: the event was dropped, or it is to be looked up again
// because the archive does not know the session yet.
func (p *projector) resolve(event *unattributed, rec *store.Record) (recorded *store.EventRecorded, again bool) {
	switch known := rec != nil && event.presented(rec); {
	case known && p.lives.AliveAt(&rec.Session, event.CreatedAt):
		had, most := p.had(event, rec)
		if had >= most {
			p.pendingCapped.Add(1)
			return nil, false
		}
		event.VisitorID = rec.VisitorID
		return p.FitPage(&store.EventRecorded{Event: event.Event}, live.HasLongPage(&event.Event, had), rec.IPAddress), false
	case known || !p.MayArrive(event.CreatedAt, clock.Now()):
		p.eventsUnattributed.Add(1)
		return nil, false
	}
	return nil, true
}

// had returns how many events of an event's kind its session has had, and how many it may
// have. Whoever keeps the stores from answering in time gets events that no entry has
// admitted: many requests at once do, whose eight cookies each have a secret that was
// replaced. Page views are those that the archive has counted, so that a session may get a
// batch too many; other events are counted here.
func (b *Outbox) had(event *unattributed, rec *store.Record) (had, most int64) {
	if event.EventType == store.EventPageView {
		return rec.PageViews, live.MaxViews
	}
	return int64(b.given.Add(event.SessionID)), live.MaxEvents
}

// presented reports whether the secret of an event is, or was, the session's.
func (u *unattributed) presented(rec *store.Record) bool {
	return subtle.ConstantTimeCompare(u.secret[:], rec.SecretHash[:]) == 1 ||
		rec.Superseded != (store.SecretHash{}) && subtle.ConstantTimeCompare(u.secret[:], rec.Superseded[:]) == 1
}

// appendTogether is how many events are put at the journal's end in one write, which may
// have to be flushed to the disk.
const appendTogether = 256

// appendAgain puts unattributed events at the journal's end, in its last tenth if need
// be. It returns for how many there was room, and a position among the first.
func (b *Outbox) appendAgain(events []*unattributed) (n int, first Position) {
	for chunk := range slices.Chunk(events, appendTogether) {
		records := make([][]byte, len(chunk))
		for i, event := range chunk {
			records[i] = appendUnattributed(nil, event)
		}
		position, err := b.journal.Append(records...)
		if err != nil {
			b.refused(err, len(records))
		}
		if err != nil && !errors.Is(err, ErrLate) {
			if position, err = b.journal.CommitUnreserved(records...); err != nil && (position == 0 || !errors.Is(err, ErrLate)) {
				break
			}
		}
		if n += len(chunk); first == 0 {
			first = position
		}
	}
	return n, first
}

// session reads a session from the archive, however long that takes: nil if it is not
// there. It returns false if ctx ended first.
func (b *Outbox) session(ctx context.Context, id string) (*store.Record, bool) {
	for wait := minArchiveRetry; ; wait = min(2*wait, maxArchiveRetry) {
		asking, cancel := context.WithTimeout(ctx, appendTimeout)
		rec, found, err := b.archive.Unguarded().Session(asking, id)
		cancel()
		switch {
		case err == nil && found:
			return &rec, true
		case err == nil:
			return nil, true
		case ctx.Err() != nil:
			return nil, false
		}
		b.archiveFailed(err)
		if !clock.Sleep(ctx, wait) {
			return nil, false
		}
	}
}
