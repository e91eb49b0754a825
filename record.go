package footfall

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/footfall-go/footfall/internal/journal"
	"github.com/footfall-go/footfall/internal/live"
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
	if err != nil && !errors.Is(err, journal.ErrStalled) {
		t.dropped(fact)
	}
	var view bool
	o.At, view = factActivity(fact)
	o.View = view && (err == nil || errors.Is(err, journal.ErrStalled))
	o.Written = err == nil
	if e.Recorded(o) {
		t.requeueHot(e)
	}
}

// dropped counts an event that will never be stored. That is fewer than the facts
// that are unacknowledged: a session's beginning and its latest activity are said
// again until the journal takes them, and then nothing is missing.
func (t *Tracker) dropped(fact Fact) {
	switch fact.(type) {
	case *EventRecorded, *EventPending:
		t.counts.eventsDropped.Add(1)
	}
}

// lostLate counts an event that was late for its answer and could not be written
// later either.
func (t *Tracker) lostLate(record []byte) {
	if len(record) > 0 && (record[0] == kindEventRecorded || record[0] == kindEventPending) {
		t.counts.eventsDropped.Add(1)
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
		o.Position, err = t.append(fact)
		return o, err
	}
	o.First = true
	o.Position, err = t.append(a.First, fact)
	return o, err
}

// appendBehind is append of a session's fact. The beginning goes before it, in
// the same write, until this process's journal is known to have that.
func (t *Tracker) appendBehind(e *live.Entry, fact Fact) (journal.Position, error) {
	first := e.First()
	if first == nil {
		return t.append(fact)
	}
	position, err := t.append(first, fact)
	if err == nil {
		e.Told(position)
	}
	return position, err
}

// seen notes that a session is active, with nothing to count. Of many such
// moments the journal gets one a second, or more if sessions are that short.
func (t *Tracker) seen(r *http.Request, e *live.Entry, at time.Time) {
	tell, queue := e.Extend(at, min(time.Second, t.lives.Idle/20))
	switch {
	case tell:
		t.record(r, e, &SessionSeen{SessionID: e.SessionID(), At: at})
	case queue:
		t.requeueHot(e)
	}
}

// queueHot has an entry's activity merged into the hot store soon.
func (t *Tracker) queueHot(e *live.Entry) {
	if e.MarkUnsent() {
		t.requeueHot(e)
	}
}

// requeueHot queues an entry whose activity is unsent.
func (t *Tracker) requeueHot(e *live.Entry) {
	if t.hotSync.push(e, t.config.LiveSessions) {
		return
	}
	t.counts.hotDropped.Add(1) // the archive has it all the same
	e.Dropped()
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
	position journal.Position
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
		b.position, b.err = t.append(first, along)
	} else {
		b.position, b.err = t.append(first)
	}
	key, before := e.Announced(b.position, b.err == nil)
	if before {
		return b
	}
	t.counts.sessionsBegun.Add(1)
	t.live.Add(e, t.confirmedPosition())
	if key != (live.SiblingKey{}) {
		t.siblings.Began(e, key, d.StartedAt)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), t.config.StoreTimeout)
	defer cancel()
	d.Unbegun = b.err != nil
	stored, err := t.hot.Put(ctx, d.SessionID, d.Series, encodeDocument(&d), 0, d.Version, t.ttl(&d.Record))
	if err != nil {
		t.counts.hotErrors.Add(1)
	}
	b.stored = stored
	return b
}

// recordBuffers are for encoding a fact: the journal copies it.
var recordBuffers = sync.Pool{New: func() any { return new([]byte) }}

// append puts tracking facts into the journal, in one write.
func (t *Tracker) append(facts ...Fact) (journal.Position, error) {
	buf := recordBuffers.Get().(*[]byte)
	defer recordBuffers.Put(buf)
	*buf = (*buf)[:0]
	var few [2][]byte
	records := few[:0]
	for _, fact := range facts {
		from := len(*buf)
		*buf = appendFact(*buf, fact)
		records = append(records, (*buf)[from:len(*buf):len(*buf)])
	}
	position, err := t.journal.Append(records...)
	if err != nil {
		t.counts.unacknowledged.Add(uint64(len(facts)))
		t.complain(err)
	}
	return position, err
}

// commitFact puts a control fact where losing this process, or its machine's
// power, does not lose it, and where other instances find it: in a shared
// archive, otherwise in the journal, flushed to the disk. e is the session that
// the fact is about, nil if none.
func (t *Tracker) commitFact(ctx context.Context, e *live.Entry, fact Fact) (position journal.Position, err error) {
	if t.archive.Shared() {
		err = t.commitArchive(ctx, e, fact)
	} else {
		position, err = t.commitJournal(e, fact)
	}
	if err != nil {
		t.counts.controlFailures.Add(1)
	}
	return position, err
}

// commitJournal commits a fact to the journal, behind its session's beginning.
func (t *Tracker) commitJournal(e *live.Entry, fact Fact) (position journal.Position, err error) {
	records := [][]byte{appendFact(nil, fact)}
	if e != nil {
		if first := e.First(); first != nil {
			records = [][]byte{appendFact(nil, first), records[0]}
		}
	}
	if position, err = t.journal.Commit(records...); err != nil {
		return 0, fmt.Errorf("%w: journal: %w", ErrUnavailable, err)
	}
	if len(records) > 1 {
		e.Told(position)
	}
	return position, nil
}

// commitArchive appends a fact to the archive itself, after its session's
// beginning, which may still be on its way there.
func (t *Tracker) commitArchive(ctx context.Context, e *live.Entry, fact Fact) error {
	facts := []Fact{fact}
	if e != nil && (!t.projected(e) || e.First() != nil) {
		facts = []Fact{&SessionBegun{Record: live.Beginning(e.Snapshot())}, fact}
	}
	t.clamp(facts)
	if err := t.archive.Commit(ctx, facts); err != nil {
		return archiveError(err)
	}
	return nil
}

// complain logs why the journal refused, at most once a second.
func (t *Tracker) complain(err error) {
	second := time.Now().Unix()
	if last := t.counts.complained.Load(); last != second && t.counts.complained.CompareAndSwap(last, second) {
		if errors.Is(err, journal.ErrStalled) {
			t.log.Warn("footfall: facts are written after their answers", "error", err)
			return
		}
		t.log.Error("footfall: facts are not being recorded", "error", err)
	}
}
