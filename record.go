package footfall

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/journal"
)

// Bounds on what one session may record while this process holds it.
const (
	maxSessionEvents = 10_000
	maxSessionViews  = 100_000
)

// record puts facts of a session into the journal, with its beginning if nobody
// knows of it yet, and counts them in this process. A fact that the journal did
// not take in time is counted as unacknowledged, though it will be written when
// the disk answers again, unless the disk refuses it then; the request goes on.
func (t *Tracker) record(r *http.Request, e *entry, fact Fact) {
	if !t.within(e, fact) {
		return
	}
	at, view := factActivity(fact)
	position, err := t.tell(r, e, fact)
	if err != nil && !errors.Is(err, journal.ErrStalled) {
		t.dropped(fact)
	}
	e.mu.Lock()
	if view && (err == nil || errors.Is(err, journal.ErrStalled)) {
		e.views++
		e.rec.PageViews++
	}
	if at.After(e.rec.LastSeenAt) {
		e.rec.LastSeenAt = at
	}
	if err == nil {
		e.notedAt = max(e.notedAt, clock.Millis(at))
	}
	e.position = max(e.position, position)
	e.mu.Unlock()
	t.queueHot(e)
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
func (t *Tracker) tell(r *http.Request, e *entry, fact Fact) (journal.Position, error) {
	if !e.isBegun() {
		if b := t.begin(r, e, fact); b.said {
			return b.position, b.err
		}
	}
	return t.appendBehind(e, fact)
}

// appendBehind is append of a session's fact. The beginning goes before it, in
// the same write, until this process's journal is known to have that.
func (t *Tracker) appendBehind(e *entry, fact Fact) (journal.Position, error) {
	first := e.unsaid()
	if first == nil {
		return t.append(fact)
	}
	position, err := t.append(first, fact)
	if err == nil {
		e.said()
	}
	return position, err
}

// unsaid is a session's beginning if it may not be in this process's journal.
func (e *entry) unsaid() *SessionBegun {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.begun && !e.retell {
		return nil
	}
	return &SessionBegun{Record: beginning(e.rec)}
}

// said notes that this process's journal has a session's beginning.
func (e *entry) said() {
	e.mu.Lock()
	e.begun, e.retell = true, false
	e.mu.Unlock()
}

// seen notes that a session is active, with nothing to count. Of many such
// moments the journal gets one a second, or more if sessions are that short.
func (t *Tracker) seen(r *http.Request, e *entry, at time.Time) {
	step := min(time.Second, t.lives.Idle/20)
	e.mu.Lock()
	noted := e.begun && at.Sub(clock.FromMillis(e.notedAt)) < step
	if at.After(e.rec.LastSeenAt) {
		e.rec.LastSeenAt = at
	}
	e.mu.Unlock()
	if noted {
		t.queueHot(e)
		return
	}
	t.record(r, e, &SessionSeen{SessionID: e.ids().session, At: at})
}

// queueHot has an entry's activity merged into the hot store soon.
func (t *Tracker) queueHot(e *entry) {
	e.mu.Lock()
	queued := e.unsent
	e.unsent = true
	e.mu.Unlock()
	if !queued {
		t.requeueHot(e)
	}
}

// requeueHot queues an entry whose activity is unsent.
func (t *Tracker) requeueHot(e *entry) {
	if t.hotSync.push(e, t.config.LiveSessions) {
		return
	}
	t.counts.hotDropped.Add(1) // the archive has it all the same
	e.mu.Lock()
	e.unsent = false
	e.mu.Unlock()
}

func (e *entry) isBegun() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.begun
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

// within says whether a session may record another fact of that kind.
func (t *Tracker) within(e *entry, fact Fact) bool {
	event, ok := fact.(*EventRecorded)
	if !ok {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if event.EventType == EventPageView {
		if e.rec.PageViews < maxSessionViews {
			return true
		}
	} else if e.events < maxSessionEvents {
		e.events++
		return true
	}
	t.counts.eventsCapped.Add(1)
	return false
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
func (t *Tracker) begin(r *http.Request, e *entry, along Fact) (b beginOutcome) {
	e.beginning.Lock()
	defer e.beginning.Unlock()
	if e.isBegun() {
		return b
	}
	d := e.document()
	b.said = true
	if first := (&SessionBegun{Record: beginning(d.Record)}); along != nil {
		b.position, b.err = t.append(first, along)
	} else {
		b.position, b.err = t.append(first)
	}
	e.mu.Lock()
	e.begun = b.err == nil
	e.position = max(e.position, b.position)
	announced := e.announced
	e.announced = true
	e.mu.Unlock()
	if announced {
		return b
	}
	t.counts.sessionsBegun.Add(1)
	t.live.add(e, t.confirmedPosition())
	if e.foldBy != (foldKey{}) {
		t.folder.begun(e, e.foldBy, d.StartedAt)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), t.config.StoreTimeout)
	defer cancel()
	d.unbegun = b.err != nil
	stored, err := t.hot.Put(ctx, d.SessionID, d.series, d.encode(), 0, d.Version, t.ttl(&d.Record))
	if err != nil {
		t.counts.hotErrors.Add(1)
	}
	b.stored = stored
	return b
}

// beginning is a record as it began, but for its credentials: what is counted
// and derived follows from other facts.
func beginning(rec Record) Record {
	rec.PageViews, rec.Converted, rec.OrderID = 0, false, ""
	return rec
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
func (t *Tracker) commitFact(ctx context.Context, e *entry, fact Fact) (position journal.Position, err error) {
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
func (t *Tracker) commitJournal(e *entry, fact Fact) (position journal.Position, err error) {
	records := [][]byte{appendFact(nil, fact)}
	if e != nil {
		if first := e.unsaid(); first != nil {
			records = [][]byte{appendFact(nil, first), records[0]}
		}
	}
	if position, err = t.journal.Commit(records...); err != nil {
		return 0, fmt.Errorf("%w: journal: %w", ErrUnavailable, err)
	}
	if len(records) > 1 {
		e.said()
	}
	return position, nil
}

// commitArchive appends a fact to the archive itself, after its session's
// beginning, which may still be on its way there.
func (t *Tracker) commitArchive(ctx context.Context, e *entry, fact Fact) error {
	facts := []Fact{fact}
	if e != nil && (!t.projected(e) || e.unsaid() != nil) {
		facts = []Fact{&SessionBegun{Record: beginning(e.snapshot())}, fact}
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
