package sqlitearchive

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// Append stores a batch in one transaction. If the database is no longer the file
// that was opened, it stores nothing and returns an error.
func (a *Archive) Append(ctx context.Context, facts []store.Fact) error {
	err := a.append(ctx, facts)
	switch {
	case err == nil:
		a.failed.Store(false)
		return nil
	case ctx.Err() != nil: // the driver's error about the rolled back transaction explains nothing
		err = ctx.Err()
	case !errors.Is(err, store.ErrRejected):
		a.failed.Store(true)
	}
	return fmt.Errorf("sqlitearchive: append: %w", explain(a.path, err))
}

func (a *Archive) append(ctx context.Context, facts []store.Fact) error {
	d, err := a.writable(ctx)
	if err != nil {
		return err
	}
	var b *batch
	err = d.write.transact(ctx, func(c *conn) error {
		b = &batch{c: c, remembered: d.remembered, yields: len(facts) < backlogged, now: nowMillis(), lives: a.lives}
		if err := b.remember(c); err != nil {
			return err
		}
		if err := b.apply(facts); err != nil {
			return err
		}
		if err := b.words.store(c, b.nextNumber); err != nil {
			return err
		}
		if err := b.days.renew(c); err != nil {
			return err
		}
		return d.inPlace()
	})
	if err != nil {
		return classify(err)
	}
	d.recent.note(b.sightings)
	// If the file was taken away during the commit, the facts may be gone with it.
	// Whoever appends keeps them then, and storing them again does no harm.
	return d.inPlace()
}

// A batch is the transaction of one Append. It applies its facts in rounds: first
// it inserts all events together, then the sessions that begin, then it applies
// the other facts in order. The effect of a fold depends on the facts before it,
// so a fold ends a round.
type batch struct {
	*remembered
	c      *conn
	yields bool // lets goroutines that answer requests run first
	now    int64
	lives  store.Lifetimes

	touched map[key]*touch // by session id
	touches []*touch       // the same touches in the order of their facts
	events  []sessionEvent
	misses  []*touch // those of sessions of which nothing is remembered
	fresh   []*touch // touches of sessions that begin in this round
	later   []store.Fact
	days    changedDays

	sightings []sighting // the sessions of all rounds, for database.recent
}

// What is remembered is what the writer knows of the tables without reading them.
type remembered struct {
	words      *words
	sessions   known
	nextNumber int64 // of a session
	version    int64 // of the data, which another connection changed if it is another
}

// remember reads what it has to know, unless it knows that.
func (m *remembered) remember(c *conn) error {
	before := m.version
	if _, err := c.row(`PRAGMA data_version`, func(s *stmt) { m.version = s.columnInt(0) }); err != nil || m.version == before && !c.stale {
		return err
	}
	c.stale = true // until all is known
	m.sessions.clear()
	if _, err := c.row(`SELECT max((SELECT coalesce(max(number), 0) FROM session_rows), (SELECT coalesce(max(number), 0) FROM folded_sessions), (SELECT coalesce(max(number), 0) FROM unknown_sessions)) + 1`,
		func(s *stmt) { m.nextNumber = s.columnInt(0) }); err != nil {
		return err
	}
	if err := m.words.load(c); err != nil {
		return err
	}
	c.stale = false
	return nil
}

// A touch is what a round changes in one session.
type touch struct {
	id        key
	number    int64
	visitor   key           // that of the session's row, if it has one
	day       report.UTCDay // on which it began, if it has one
	begins    *store.Record // set if the session begins in this round
	active    bool          // a fact other than its SessionBegun concerns it
	views     int64
	lastSeen  int64
	earliest  int64 // of its events in this round; 0: none
	lastEvent key
	values    bool // a value is set
	known     bool // the session has a row
	hasOwn    bool // and a row in activity
	folded    bool
	unknown   bool // the session neither has a row nor begins
	awaited   bool // the session begins, and facts of it came before

	chunk    int // number of the chunk that is being inserted
	previous key // the session's latest event in that chunk
}

// sighting returns the latest time at which the session can have been seen.
func (t *touch) sighting(now int64) sighting {
	at := max(now, t.lastSeen)
	if t.begins != nil {
		at = max(at, t.begins.LastSeenAt.UnixMilli())
	}
	return sighting{t.number, at}
}

type sessionEvent struct {
	*store.Event
	id    key
	touch *touch
}

func (b *batch) apply(facts []store.Fact) error {
	b.touched = map[key]*touch{}
	for _, fact := range facts {
		if err := store.CheckAmount(fact); err != nil {
			return err
		}
		switch f := fact.(type) {
		case *store.SessionBegun:
			if t := b.touch(f.SessionID); t.begins == nil {
				t.begins = &f.Record
			}
		case *store.EventRecorded:
			b.addEvent(&f.Event)
		case *store.OrderPlaced:
			if err := b.placeOrder(f); err != nil {
				return err
			}
		case *store.OrderRefunded:
			b.later = append(b.later, f)
			if f.SessionID != "" {
				e := f.Event()
				b.addEvent(&e)
			}
		case *store.SessionsFolded:
			if err := b.finishRound(); err != nil {
				return err
			}
			if err := b.fold(f); err != nil {
				return err
			}
		case *store.SessionSeen:
			t := b.activeTouch(f.SessionID)
			t.lastSeen = max(t.lastSeen, f.At.UnixMilli())
		case *store.CredentialsChanged: // also when the session is folded
			b.activeTouch(f.SessionID)
			b.later = append(b.later, f)
		case *store.ValueSet:
			b.activeTouch(f.SessionID).values = true
			b.later = append(b.later, f)
		default:
			b.later = append(b.later, f)
		}
	}
	return b.finishRound()
}

func (b *batch) touch(sessionID string) *touch {
	id := keyOf(sessionID)
	t := b.touched[id]
	if t == nil {
		t = &touch{id: id}
		b.touched[id] = t
		b.touches = append(b.touches, t)
	}
	return t
}

func (b *batch) activeTouch(sessionID string) *touch {
	t := b.touch(sessionID)
	t.active = true
	return t
}

func (b *batch) addEvent(e *store.Event) {
	b.events = append(b.events, sessionEvent{e, keyOf(e.EventID), b.activeTouch(e.SessionID)})
}

func (b *batch) finishRound() error {
	steps := []func() error{b.lookUpTouched, b.insertEvents, b.insertFresh, b.updateTouched}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	for _, fact := range b.later {
		if err := b.control(fact); err != nil {
			return err
		}
	}
	for _, t := range b.touches {
		if t.number != 0 {
			b.sightings = append(b.sightings, t.sighting(b.now))
		}
	}
	clear(b.touched)
	b.touches, b.events, b.fresh, b.later = b.touches[:0], b.events[:0], b.fresh[:0], b.later[:0]
	return nil
}

// yield lets goroutines that answer requests run before a statement with many rows,
// because a batch takes many milliseconds of CPU. It does not do so if more facts are
// waiting: then a steady load of requests would keep the backlog from shrinking.
func (b *batch) yield() {
	if b.yields {
		runtime.Gosched()
	}
}

const backlogged = 2000 // a batch of this many facts means that more are waiting
