package footfall

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/journal"
)

// While no store can say what a cookie is worth, what its visitor does is noted
// with the secret's hash. The projector looks at it again: it becomes an event
// once the archive knows the session and finds that it was alive and the secret
// right.

// pendingFor is how long the archive has for that, from the moment it took facts
// again if it did not.
const pendingFor = 2 * time.Minute

// EventPending is an event of a session that could not be resolved when it
// happened. No archive ever sees one.
type EventPending struct {
	EventRecorded
	SecretHash SecretHash // of the secret that the visitor presented
}

// recordPending notes an event of a visit whose session cannot be known. It
// returns false if that is not how the visit is.
func (v *visit) recordPending(event Event) bool {
	v.mu.Lock()
	waits := v.entry == nil && v.err != nil && v.hasToken && v.bot == "" && v.mode != untouched
	token := v.token
	v.mu.Unlock()
	if !waits {
		return false
	}
	event.SessionID = token.ID.String()
	fact := &EventPending{EventRecorded: EventRecorded{Event: event}, SecretHash: token.Secret.Hash()}
	position, err := v.t.append(fact)
	if position == 0 && err != nil && !errors.Is(err, journal.ErrStalled) {
		v.t.dropped(fact)
		return true // counted as unacknowledged
	}
	v.t.counts.eventsPending.Add(1)
	return true
}

// attribute turns the pending events of a batch into events. Those whose session
// the archive does not know yet go to the journal's end. It returns false if ctx
// ended before the archive answered.
func (t *Tracker) attribute(ctx context.Context, facts []Fact) ([]Fact, bool) {
	attributed := facts[:0]
	for _, fact := range facts {
		f, ok := fact.(*EventPending)
		if !ok {
			attributed = append(attributed, fact)
			continue
		}
		rec, found, ok := t.patientSession(ctx, f.SessionID)
		if !ok {
			return nil, false
		}
		switch known := found && f.presented(&rec); {
		case known && t.lives.AliveAt(&rec.Session, f.CreatedAt):
			f.VisitorID = rec.VisitorID
			attributed = append(attributed, &EventRecorded{Event: f.Event})
		case known || !t.mayArrive(f.CreatedAt, clock.Now()):
			t.counts.eventsUnattributed.Add(1)
		default:
			if !t.appendAgain(ctx, f) {
				return nil, false
			}
		}
	}
	return attributed, true
}

// appendAgain puts a pending event at the journal's end, in its reserve if need
// be: what the journal holds is not dropped. It returns false if ctx ended first.
func (t *Tracker) appendAgain(ctx context.Context, f *EventPending) bool {
	for {
		if _, err := t.append(f); err == nil || errors.Is(err, journal.ErrStalled) {
			return true
		}
		if _, err := t.commitJournal(nil, f); err == nil {
			return true
		}
		if !clock.Sleep(ctx, maxArchiveRetry) {
			return false
		}
	}
}

// presented says that the secret of a pending event is, or was, the session's.
func (f *EventPending) presented(c *Record) bool {
	return subtle.ConstantTimeCompare(f.SecretHash[:], c.SecretHash[:]) == 1 ||
		c.Superseded != (SecretHash{}) && subtle.ConstantTimeCompare(f.SecretHash[:], c.Superseded[:]) == 1
}

// patientSession reads a session from the archive, however long that takes.
func (t *Tracker) patientSession(ctx context.Context, id string) (rec Record, found, ok bool) {
	for wait := minArchiveRetry; ; wait = min(2*wait, maxArchiveRetry) {
		asking, cancel := context.WithTimeout(ctx, appendTimeout)
		rec, found, err := t.archive.Unguarded().Session(asking, id)
		cancel()
		if err == nil {
			return rec, found, true
		}
		if ctx.Err() != nil {
			return Record{}, false, false
		}
		t.archiveFailed(err)
		if !clock.Sleep(ctx, wait) {
			return Record{}, false, false
		}
	}
}
