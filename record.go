package footfall

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
)

// record puts facts of a session into the journal, with its beginning if nobody
// knows of it yet, and counts them in this process. A fact that the journal did
// not take in time is counted as unacknowledged, though it will be written when
// the disk answers again, unless the disk refuses it then; the request goes on.
func (t *Tracker) record(r *http.Request, e *live.Entry, fact Fact) {
	a := e.Admit(fact)
	if a.Refused {
		t.counts.eventsCapped.Add(1)
		return
	}
	o, err := t.tell(r, e, fact, a)
	var view bool
	o.At, view = factActivity(fact)
	o.View = view && (err == nil || errors.Is(err, outbox.ErrLate))
	o.Written = err == nil
	if e.Recorded(o) {
		t.hot.Queue(e)
	}
}

// tell puts a fact of a session into the journal, behind its beginning.
func (t *Tracker) tell(r *http.Request, e *live.Entry, fact Fact, a live.Admission) (o live.Outcome, err error) {
	if !a.Begun {
		if b := t.begin(r, e, fact); b.said {
			return live.Outcome{Position: b.position}, b.err
		}
		a.First = e.First()
	}
	if a.First == nil {
		o.Position, err = t.out.AppendBehind(nil, fact)
		return o, err
	}
	o.First = true
	o.Position, err = t.out.AppendBehind(a.First, fact)
	return o, err
}

// seen notes that a session is active, with nothing to count. Of many such
// moments the journal gets one a second, or more if sessions are that short.
func (t *Tracker) seen(r *http.Request, e *live.Entry, at time.Time) {
	tell, queue := e.Extend(at, min(time.Second, t.lives.Idle/20))
	switch {
	case tell:
		t.record(r, e, &SessionSeen{SessionID: e.SessionID(), At: at})
	case queue:
		t.hot.Queue(e)
	}
}

// factActivity is when a fact shows its session active, and whether it is a
// page view.
func factActivity(fact Fact) (at time.Time, view bool) {
	switch f := fact.(type) {
	case *EventRecorded:
		return f.CreatedAt, f.EventType == EventPageView
	case *SessionSeen:
		return f.At, false
	}
	return time.Time{}, false
}

// A beginOutcome says what became of a session's beginning.
type beginOutcome struct {
	stored   bool // the hot store has it
	said     bool // it went to the journal, with the fact that came along:
	position outbox.Position
	err      error // ErrStalled: both may yet be written
}

// begin makes a new session known: to the journal, to the hot store, and to
// this process. It stays a session if some of them fail. If the journal does not
// confirm the write in time it may come to nothing, so the session does not count
// as begun: the next fact says its beginning again. A first fact of it may come
// along, or nil, so that one write takes both. If another request has begun the
// session meanwhile, nothing is said.
func (t *Tracker) begin(r *http.Request, e *live.Entry, along Fact) (b beginOutcome) {
	e.Announce(func() { b = t.announce(r, e, along) })
	return b
}

func (t *Tracker) announce(r *http.Request, e *live.Entry, along Fact) (b beginOutcome) {
	d := e.Document()
	b.said = true
	if first := (&SessionBegun{Record: live.Beginning(d.Record)}); along != nil {
		b.position, b.err = t.out.AppendBehind(first, along)
	} else {
		b.position, b.err = t.out.AppendBehind(first, nil)
	}
	key, before := e.Announced(b.position, b.err == nil)
	if before {
		return b
	}
	t.counts.sessionsBegun.Add(1)
	t.live.Add(e, t.out.Confirmed())
	if key != (live.SiblingKey{}) {
		t.siblings.Began(e, key, d.StartedAt)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), t.config.StoreTimeout)
	defer cancel()
	d.Unbegun = b.err != nil
	stored, err := t.hot.Replace(ctx, &d, 0)
	if err != nil {
		t.guarded.CountError()
	}
	b.stored = stored
	return b
}
