package sessions

import (
	"context"
	"errors"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/store"
)

// Record puts a fact of a session into the journal, with the session's beginning if
// nobody knows of it yet, and counts it in this process. Whatever becomes of the
// fact, the request goes on. A fact that the journal did not take in time is counted
// as unacknowledged; it will be written when the disk answers again, unless the disk
// refuses it then.
func (s *Sessions) Record(ctx context.Context, e *live.Entry, fact store.Fact) {
	s.record(ctx, e, fact, false)
}

// RecordLast is Record for the last fact of the request that began the session. If it is
// the only one, and the hot store is in this process, the session is left to that alone
// until its visitor comes back, as most never do, or the request goes on after all: see
// [Sessions.Held].
func (s *Sessions) RecordLast(ctx context.Context, e *live.Entry, fact store.Fact) {
	s.record(ctx, e, fact, true)
}

func (s *Sessions) record(ctx context.Context, e *live.Entry, fact store.Fact, last bool) {
	a := e.Admit(fact)
	if a.Refused {
		s.capped.Add(1)
		return
	}
	if a.Long {
		fact = s.out.FitPage(fact.(*store.EventRecorded), a.Short, a.Network)
	}
	o, counted := s.append(ctx, e, fact, a, last)
	if o.View {
		s.views.Add(1)
	}
	if !counted && e.Recorded(o) {
		s.hot.Queue(e)
	}
}

// RecordValue is Record for a value that the hot store has. Of those that a session sets
// in a loop only the last of each key is recorded, within [outbox.GatherTime].
func (s *Sessions) RecordValue(ctx context.Context, e *live.Entry, v *store.ValueSet) {
	held, replaced, queue := e.HoldValue(v)
	if replaced {
		s.coalesced.Add(1)
	}
	if queue {
		s.hot.Queue(e)
	}
	if !held {
		s.Record(ctx, e, v)
	}
}

// append puts a fact of a session into the journal, behind its beginning. It reports
// whether the fact was counted with that.
func (s *Sessions) append(ctx context.Context, e *live.Entry, fact store.Fact, a live.Admission, last bool) (o live.Outcome, counted bool) {
	if !a.Begun {
		done := false
		e.Announce(func() {
			o, counted, _ = s.announce(ctx, e, fact, last)
			done = true
		})
		if done {
			return o, counted
		}
		a.First = e.First()
	}
	position, err := s.out.AppendBehind(a.First, fact)
	o = outcome(fact, position, err)
	o.First = a.First != nil
	return o, false
}

// outcome is what became of a fact in the journal.
func outcome(fact store.Fact, position outbox.Position, err error) live.Outcome {
	at, view := activity(fact)
	return live.Outcome{At: at, View: view && (err == nil || errors.Is(err, outbox.ErrLate)), Written: err == nil, Position: position}
}

// AdmitOrder asks to give a session one more order. It reports whether it may have one.
func (s *Sessions) AdmitOrder(e *live.Entry) bool {
	ok, queue := e.AdmitOrder()
	if queue {
		s.hot.Queue(e)
	}
	return ok
}

// activity is when a fact shows its session active, and whether it is a page view.
func activity(fact store.Fact) (at time.Time, view bool) {
	switch f := fact.(type) {
	case *store.EventRecorded:
		return f.CreatedAt, f.EventType == store.EventPageView
	case *store.SessionSeen:
		return f.At, false
	}
	return time.Time{}, false
}

// Extend records that a session is active, with nothing to count. Of many such
// moments the journal gets one a second, or more if sessions are that short.
func (s *Sessions) Extend(ctx context.Context, e *live.Entry, at time.Time) {
	write, queue := e.Extend(at, min(time.Second, s.lives.Idle/20))
	switch {
	case write:
		s.Record(ctx, e, &store.SessionSeen{SessionID: e.SessionID(), At: at})
	case queue:
		s.hot.Queue(e)
	}
}

// Announce makes a new session known to the journal, to the hot store and to this
// process, unless that has been done. Failures do not undo the session. Unless the
// journal confirmed the write, the next fact carries the beginning again. It reports
// whether the hot store has it.
func (s *Sessions) Announce(ctx context.Context, e *live.Entry) (stored bool) {
	e.Announce(func() { _, _, stored = s.announce(ctx, e, nil, false) })
	return stored
}

// AnnounceDurably is Announce for a session that has a customer from its start: if
// the hot store does not take it, its beginning is committed.
func (s *Sessions) AnnounceDurably(ctx context.Context, e *live.Entry) error {
	if s.Announce(ctx, e) {
		return nil
	}
	_, err := s.out.Commit(ctx, nil, &store.SessionBegun{Record: live.Beginning(e.Snapshot())})
	return err
}

// announce is called by one request at a time. A first fact of the session may go
// with its beginning, so that one write takes both; it is counted in the document that
// the hot store gets, so that a visitor who never comes back costs the store one call.
func (s *Sessions) announce(ctx context.Context, e *live.Entry, along store.Fact, last bool) (o live.Outcome, counted, stored bool) {
	position, err := s.out.AppendBehind(&store.SessionBegun{Record: live.Beginning(e.Snapshot())}, along)
	o = outcome(along, position, err)
	d, key, before := e.Announced(o)
	if before {
		return o, false, false
	}
	s.begun.Add(1)
	if key != (live.SiblingKey{}) {
		s.siblings.Began(e, key, d.StartedAt)
		last = false // its siblings are compared with it
	}
	last = last && s.hot.InProcess() && o.Written
	if !last {
		s.table.Add(e, s.out.Confirmed())
	}
	storing := clock.NewWithin(context.WithoutCancel(ctx), s.budget)
	defer storing.Stop()
	stored, hotErr := s.hot.Replace(storing, &d, 0)
	if hotErr != nil {
		s.hot.CountError()
	}
	if last && !stored {
		s.table.Add(e, s.out.Confirmed())
	}
	return o, true, stored
}

// Held is the entry by which this process knows a session from now on, for a request that
// goes on with one that [Sessions.RecordLast] left to the hot store: the visitor's next
// request may have brought another.
func (s *Sessions) Held(e *live.Entry) *live.Entry {
	if there := s.table.Add(e, s.out.Confirmed()); there != nil {
		return there
	}
	return e
}

// RecordCredentials records the credentials of a login that the hot store holds.
// If the journal's room for tracking is full, they go into its last tenth. Those of a
// first login never go into the reserve: losing them would only log the customer out. With
// replaced, the secret before was a login's too: losing them would let that one back in.
func (s *Sessions) RecordCredentials(ctx context.Context, e *live.Entry, cred store.Credentials, replaced bool) {
	change := &store.CredentialsChanged{SessionID: e.SessionID(), Cred: cred}
	position, err := s.out.Append(e, change)
	if err != nil && !errors.Is(err, outbox.ErrLate) {
		if replaced {
			position, err = s.out.Commit(ctx, e, change)
		} else {
			position, err = s.out.CommitUnreserved(e, change)
		}
		if err != nil {
			s.log.Error("footfall: a login is in the hot store only", "sessionId", e.SessionID(), "error", err)
		}
	}
	e.Moved(position)
}

// Convert records the latest order of a session, whose fact is at a position, and that
// the visitor is there.
func (s *Sessions) Convert(ctx context.Context, e *live.Entry, orderID string, position outbox.Position, at time.Time) {
	e.Convert(orderID, position)
	s.Record(ctx, e, &store.SessionSeen{SessionID: e.SessionID(), At: at})
	s.showOrder(ctx, e, orderID)
}

// ConvertLater is Convert for an order that is told without the visitor: it is no
// activity, and the session may be over.
func (s *Sessions) ConvertLater(ctx context.Context, e *live.Entry, orderID string, position outbox.Position) {
	e.Convert(orderID, position)
	s.showOrder(ctx, e, orderID)
}
