package sqlitearchive

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"

	"github.com/footfall-go/footfall/store"
)

// Append stores a batch in one transaction.
func (a *Archive) Append(ctx context.Context, facts []store.Fact) error {
	if a.write == nil {
		return errReadOnly
	}
	tx, err := a.write.BeginTx(ctx, nil) // here it may wait for others, and ends with ctx
	if err != nil {
		return fmt.Errorf("sqlitearchive: append: %w", err)
	}
	defer tx.Rollback()
	// A statement whose context can end costs the driver a goroutine: a third of
	// a batch of new sessions. When ctx ends the transaction is rolled back, and
	// the next statement fails: none may run while the rows of another are read.
	b := &batch{ctx: context.WithoutCancel(ctx), tx: tx, statements: map[string]*sql.Stmt{}, yields: len(facts) < backlogged, now: nowMillis()}
	if err = b.apply(facts); err == nil {
		err = tx.Commit()
	}
	switch {
	case err == nil:
		a.recent.note(b.sightings)
		return nil
	case ctx.Err() != nil: // what the driver says of a transaction that was rolled back explains nothing
		return fmt.Errorf("sqlitearchive: append: %w", ctx.Err())
	}
	return fmt.Errorf("sqlitearchive: append: %w", classify(err))
}

// A batch is the transaction of one Append. Its facts are applied in rounds: the
// events are inserted together, then the sessions that began, then everything
// else follows in order. A fold depends on what came before it and ends a round.
type batch struct {
	ctx        context.Context
	tx         *sql.Tx
	statements map[string]*sql.Stmt
	yields     bool // to those who answer requests
	now        int64

	touched map[string]*touch // by session id
	touches []*touch          // the same, in order
	events  []sessionEvent
	fresh   []*touch // sessions that begin
	later   []store.Fact
	args    []any // for use again

	sightings []sighting // the sessions of all rounds
}

// A touch is what a round changes of one session.
type touch struct {
	id        string
	begins    *store.Record // it began in this round, nil if not
	active    bool          // something other than its beginning touches it
	views     int64
	lastSeen  int64
	lastEvent int64 // 0: none
	known     bool  // it has a row
	folded    bool

	chunk    int   // number of the chunk that is being tried
	previous int64 // the latest event in that chunk
}

// sighting is the latest that the session can have been seen.
func (t *touch) sighting(now int64) sighting {
	at := max(now, t.lastSeen)
	if t.begins != nil {
		at = max(at, t.begins.LastSeenAt.UnixMilli())
	}
	return sighting{t.id, at}
}

type sessionEvent struct {
	*store.Event
	touch *touch
}

func (b *batch) apply(facts []store.Fact) error {
	b.touched = map[string]*touch{}
	for _, fact := range facts {
		switch f := fact.(type) {
		case *store.SessionBegun:
			if t := b.touch(f.SessionID); t.begins == nil {
				t.begins = &f.Record
			}
		case *store.EventRecorded:
			b.addEvent(&f.Event)
		case *store.OrderPlaced:
			b.later = append(b.later, f)
			if f.SessionID != "" {
				e := f.Event()
				b.addEvent(&e)
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
		case *store.CredentialsChanged: // of a folded session too
			b.activeTouch(f.SessionID)
			b.sightings = append(b.sightings, sighting{f.SessionID, unixMillis(f.Cred.EndedAt)}) // by a clock that was ahead
			b.later = append(b.later, f)
		case *store.ValueSet:
			b.activeTouch(f.SessionID)
			b.later = append(b.later, f)
		default:
			b.later = append(b.later, f)
		}
	}
	return b.finishRound()
}

func (b *batch) touch(sessionID string) *touch {
	t := b.touched[sessionID]
	if t == nil {
		t = &touch{id: sessionID}
		b.touched[sessionID] = t
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
	b.events = append(b.events, sessionEvent{e, b.activeTouch(e.SessionID)})
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
		b.sightings = append(b.sightings, t.sighting(b.now))
	}
	clear(b.touched)
	b.touches, b.events, b.fresh, b.later = b.touches[:0], b.events[:0], b.fresh[:0], b.later[:0]
	return nil
}

// exec runs a statement that is prepared once a batch. A batch takes many
// milliseconds of a core, so it lets whoever answers requests go first, unless more
// is waiting behind it: then requests must not keep it from getting on.
func (b *batch) exec(query string, args ...any) (sql.Result, error) {
	s, err := b.prepare(query)
	if err != nil {
		return nil, err
	}
	if b.yields && len(args) >= manyArgs {
		runtime.Gosched()
	}
	return s.ExecContext(b.ctx, args...)
}

const (
	manyArgs   = 100  // from here on a statement takes as long as a few requests
	backlogged = 2000 // a batch of so many facts says that more are waiting
)

func (b *batch) prepare(query string) (*sql.Stmt, error) {
	s := b.statements[query]
	if s == nil {
		var err error
		if s, err = b.tx.PrepareContext(b.ctx, query); err != nil {
			return nil, err
		}
		b.statements[query] = s
	}
	return s, nil
}
