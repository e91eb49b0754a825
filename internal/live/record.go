package live

import (
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/journal"
	"github.com/footfall-go/footfall/store"
)

// Bounds on what one session may record. Its counts are carried by its record in the
// hot store, so leaving this process's memory does not begin them anew, and other
// instances add to them.
const (
	MaxEvents = 10_000
	MaxViews  = 100_000
	MaxOrders = 100

	// wholePages is of how many events the page is kept whole. Nobody sees so many pages;
	// a program that asks for the longest URLs would fill the archive with them.
	wholePages = 1000
)

// ShortPage is how long the page of an event is at most in a session that has had many
// events, in bytes.
const ShortPage = 256

// HasLongPage reports whether the page of an event is too long in a session that has had so
// many.
func HasLongPage(event *store.Event, before int64) bool {
	return len(event.Page) > ShortPage && before > wholePages
}

// closeLook is how old the counts may be by which a session past half of its events or
// page views is counted: other instances may have counted more since. Writing a record,
// as a session does that sets values, says nothing of what others counted.
const closeLook = time.Second

// An Admission says how a fact of a session may be recorded.
type Admission struct {
	Refused bool                // a bound says no
	Long    bool                // its page has more than [ShortPage] bytes
	Short   bool                // it may not, because of the session
	Network string              // of the session, if it has
	Begun   bool                // the session's beginning is known to be in a journal or in the archive; if not, announce it
	First   *store.SessionBegun // if begun, what to append before the fact; nil: this process's journal holds it
}

// Admit asks to record a fact. Only events are bounded; page views apart from the
// others.
func (e *Entry) Admit(fact store.Fact) (a Admission) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if event, ok := fact.(*store.EventRecorded); ok {
		view := event.EventType == store.EventPageView
		switch {
		case view && e.rec.PageViews >= MaxViews, !view && e.events >= MaxEvents:
			return Admission{Refused: true}
		case !view:
			e.events++
			e.own.events++
		}
		if len(event.Page) > ShortPage {
			a.Long, a.Short, a.Network = true, HasLongPage(&event.Event, e.events+e.rec.PageViews), e.rec.IPAddress
		}
		if (e.events > MaxEvents/2 || e.rec.PageViews > MaxViews/2) && event.CreatedAt.Sub(e.countsAt) > closeLook {
			e.readAt = time.Time{} // the next request reads it again
		}
	}
	if a.Begun = e.begun; a.Begun {
		a.First = e.first()
	}
	return a
}

// AdmitOrder asks to give the session one more order. It reports whether the caller
// has to queue the entry for the hot store.
func (e *Entry) AdmitOrder() (ok, queue bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.orders >= MaxOrders {
		return false, false
	}
	e.orders++
	e.own.orders++
	return true, e.markUnsent()
}

// First is the session's beginning if this process's journal may not hold it,
// otherwise nil.
func (e *Entry) First() *store.SessionBegun {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.first()
}

//go:noinline // most facts need no beginning, and its copies would be in their callers' frames
func (e *Entry) first() *store.SessionBegun {
	if e.begun && !e.needsBeginning {
		return nil
	}
	return &store.SessionBegun{Record: Beginning(e.rec)}
}

// Beginning is a record as its session began, but for its credentials: what is
// counted and derived follows from other facts.
func Beginning(rec store.Record) store.Record {
	rec.PageViews, rec.Converted, rec.OrderID = 0, false, ""
	return rec
}

// BeginningWritten records that this process's journal holds the session's beginning, and its
// latest fact at a position.
func (e *Entry) BeginningWritten(position journal.Position) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.beginningWritten(position)
}

func (e *Entry) beginningWritten(position journal.Position) {
	e.begun, e.needsBeginning = true, false
	e.position = max(e.position, position)
}

// Moved records the position of the session's latest fact.
func (e *Entry) Moved(position journal.Position) {
	e.mu.Lock()
	e.position = max(e.position, position)
	e.mu.Unlock()
}

// SeenAppended records that the session's latest activity was given to the journal, and
// whether it was written.
func (e *Entry) SeenAppended(at time.Time, position journal.Position, written bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if written {
		e.seenWritten = max(e.seenWritten, clock.Millis(at))
	}
	e.position = max(e.position, position)
}

// An Outcome says what became of a fact in the journal.
type Outcome struct {
	At       time.Time // when the fact shows the session active; zero: it does not
	View     bool      // it is a page view that the journal holds, or will if the process lives
	Written  bool      // the journal confirmed the write
	First    bool      // the session's beginning went with it
	Position journal.Position
}

// Recorded counts a fact that was given to the journal. It reports whether the
// caller has to queue the entry for the hot store.
func (e *Entry) Recorded(o Outcome) (queue bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.recorded(o)
	return e.markUnsent()
}

func (e *Entry) recorded(o Outcome) {
	if o.View {
		e.own.views++
		e.rec.PageViews++
	}
	e.sawActivity(o.At)
	if o.Written {
		e.seenWritten = max(e.seenWritten, clock.Millis(o.At))
		if o.First {
			e.beginningWritten(o.Position)
		}
	}
	e.position = max(e.position, o.Position)
}

// Extend records that the session was active. It reports whether that has to go to
// the journal, to which one such moment is written per step; and, if not, whether the
// caller has to queue the entry for the hot store.
func (e *Entry) Extend(at time.Time, step time.Duration) (write, queue bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	write = !e.begun || at.Sub(clock.FromMillis(e.seenWritten)) >= step
	e.sawActivity(at)
	if write {
		return true, false
	}
	return false, e.markUnsent()
}

// Announce runs f, which makes a new session known, unless the session's beginning
// is known to be in a journal. One call runs at a time.
func (e *Entry) Announce(f func()) {
	e.announcing.Lock()
	defer e.announcing.Unlock()
	if e.Begun() {
		return
	}
	f()
}

// Announced records that others than the request that began the session know it, and
// what became of its beginning in the journal and of the first fact that went along. It
// returns the document for the hot store, in which that fact is counted, and what the
// session is to be found by among its siblings; or that it was announced before, and
// nothing is counted.
func (e *Entry) Announced(o Outcome) (d Document, key SiblingKey, before bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before = e.announced
	e.announced, e.begun = true, o.Written
	e.position = max(e.position, o.Position)
	if before {
		return d, key, true
	}
	e.recorded(o)
	if e.sending == 0 { // otherwise a merge may add what was counted before to the document
		e.base = counts{e.base.views + e.own.views, e.base.events + e.own.events, e.base.orders + e.own.orders}
		e.own = counts{}
	}
	return e.document(), e.siblings, false
}

// IsAnnounced reports whether others than the request that began the session know
// it.
func (e *Entry) IsAnnounced() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.announced
}

// Begun reports whether the session's beginning is known to be in a journal, or in
// the archive.
func (e *Entry) Begun() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.begun
}

// Projected reports whether the archive holds all facts of the session, when it
// holds everything up to a position.
func (e *Entry) Projected(confirmed journal.Position) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.begun && e.position <= confirmed
}

// Settled reports whether nothing of the session is on its way to the archive any more,
// when that holds everything up to a position. It is not known whether the archive has
// a beginning that was late for its answer: it does, or it is lost.
func (e *Entry) Settled(confirmed journal.Position) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return (e.begun || e.position > 0) && e.position <= confirmed
}
