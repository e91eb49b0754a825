package outbox

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/journal"
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
	switch err := b.append(&unattributed{event, secret}); {
	case err != nil && !errors.Is(err, ErrLate):
		b.eventsDropped.Add(1)
	default:
		b.eventsPending.Add(1)
	}
}

func (b *Outbox) append(event *unattributed) error {
	_, err := b.journal.Append(appendUnattributed(nil, event))
	if err != nil {
		b.refused(err, 1)
	}
	return err
}

// resolve looks an unattributed event's session up. It returns the event to store,
// nil if there is none: the event was dropped, or put at the journal's end because
// the archive does not know the session yet. It returns false if ctx ended before
// the archive answered.
func (b *Outbox) resolve(ctx context.Context, event *unattributed) (*store.EventRecorded, bool) {
	rec, found, ok := b.patientSession(ctx, event.SessionID)
	if !ok {
		return nil, false
	}
	switch known := found && event.presented(&rec); {
	case known && b.lives.AliveAt(&rec.Session, event.CreatedAt):
		event.VisitorID = rec.VisitorID
		return &store.EventRecorded{Event: event.Event}, true
	case known || !b.MayArrive(event.CreatedAt, clock.Now()):
		b.eventsUnattributed.Add(1)
		return nil, true
	}
	return nil, b.appendAgain(ctx, event)
}

// presented reports whether the secret of an event is, or was, the session's.
func (u *unattributed) presented(rec *store.Record) bool {
	return subtle.ConstantTimeCompare(u.secret[:], rec.SecretHash[:]) == 1 ||
		rec.Superseded != (store.SecretHash{}) && subtle.ConstantTimeCompare(u.secret[:], rec.Superseded[:]) == 1
}

// appendAgain puts an unattributed event at the journal's end, in its reserve if
// need be: what the journal holds is not dropped. It returns false if ctx ended
// first.
func (b *Outbox) appendAgain(ctx context.Context, event *unattributed) bool {
	for {
		if err := b.append(event); err == nil || errors.Is(err, ErrLate) {
			return true
		}
		if _, err := b.journal.CommitUnreserved(appendUnattributed(nil, event)); err == nil || errors.Is(err, journal.ErrStalled) {
			return true
		}
		if !clock.Sleep(ctx, maxArchiveRetry) {
			return false
		}
	}
}

// patientSession reads a session from the archive, however long that takes.
func (b *Outbox) patientSession(ctx context.Context, id string) (rec store.Record, found, ok bool) {
	for wait := minArchiveRetry; ; wait = min(2*wait, maxArchiveRetry) {
		asking, cancel := context.WithTimeout(ctx, appendTimeout)
		rec, found, err := b.archive.Unguarded().Session(asking, id)
		cancel()
		if err == nil {
			return rec, found, true
		}
		if ctx.Err() != nil {
			return store.Record{}, false, false
		}
		b.archiveFailed(err)
		if !clock.Sleep(ctx, wait) {
			return store.Record{}, false, false
		}
	}
}
