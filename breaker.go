package footfall

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/store"
)

const (
	breakerFailures = 5 // in a row open a breaker
	probeEvery      = 500 * time.Millisecond
)

// slowFailure is how long a failure may take that costs a request nothing worth
// saving: a connection that is refused, a store that is full or read-only.
const slowFailure = 10 * time.Millisecond

// A breaker keeps requests from waiting for a store that does not answer. It
// opens after a few failures in a row that took their time; from then on nothing
// is asked until a probe, twice a second, gets an answer.
type breaker struct {
	failures atomic.Int32
	open     atomic.Bool
	opened   atomic.Uint64         // how often
	failing  atomic.Pointer[error] // how the last call failed, nil if it did not
}

// allow says whether the store may be asked.
func (b *breaker) allow() bool { return !b.open.Load() }

// note takes in how a call went that began at a time.
func (b *breaker) note(began time.Time, err error) {
	if err == nil || errors.Is(err, ErrRejected) {
		if b.failures.Load() != 0 {
			b.failures.Store(0)
		}
		if b.failing.Load() != nil {
			b.failing.Store(nil)
		}
		return
	}
	if errors.Is(err, context.Canceled) {
		return
	}
	cause := err // so that err itself stays off the heap
	b.failing.CompareAndSwap(nil, &cause)
	if time.Since(began) >= slowFailure && b.failures.Add(1) >= breakerFailures && b.open.CompareAndSwap(false, true) {
		b.opened.Add(1)
	}
}

// probe asks the store of an open breaker, and closes it if there is an answer.
func (b *breaker) probe(ctx context.Context, within time.Duration, ask func(context.Context) error) {
	if !b.open.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if ask(ctx) == nil {
		b.failures.Store(0)
		b.failing.Store(nil)
		b.open.Store(false)
	}
}

// state is the breaker's in one word.
func (b *breaker) state() string {
	if b.open.Load() {
		return "open"
	}
	return "closed"
}

var errBreakerOpen = errors.New("it has not answered lately")

// A guardedHot is a hot store behind a breaker.
type guardedHot struct {
	HotStore
	breaker
}

func (g *guardedHot) Read(ctx context.Context, id string) (doc []byte, version, views, lastSeen int64, err error) {
	if !g.allow() {
		return nil, 0, 0, 0, errBreakerOpen
	}
	began := time.Now()
	doc, version, views, lastSeen, err = g.HotStore.Read(ctx, id)
	g.note(began, err)
	return doc, version, views, lastSeen, err
}

func (g *guardedHot) Put(ctx context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	if !g.allow() {
		return false, errBreakerOpen
	}
	began := time.Now()
	stored, err := g.HotStore.Put(ctx, id, series, doc, previous, version, ttl)
	g.note(began, err)
	return stored, err
}

func (g *guardedHot) Merge(ctx context.Context, id, series, writer string, views, lastSeen int64, ttl time.Duration) (bool, error) {
	if !g.allow() {
		return false, errBreakerOpen
	}
	began := time.Now()
	merged, err := g.HotStore.Merge(ctx, id, series, writer, views, lastSeen, ttl)
	g.note(began, err)
	return merged, err
}

func (g *guardedHot) Delete(ctx context.Context, id string) error {
	if !g.allow() {
		return errBreakerOpen
	}
	began := time.Now()
	err := g.HotStore.Delete(ctx, id)
	g.note(began, err)
	return err
}

// A guardedArchive is an archive whose reads for requests are behind a breaker.
// What runs behind the journal has its own patience and is never refused.
type guardedArchive struct {
	Archive
	breaker         // of reads
	commits breaker // which have more time than reads: slow reads say nothing of them
}

func (g *guardedArchive) Session(ctx context.Context, id string) (Record, bool, error) {
	if !g.allow() {
		return Record{}, false, errBreakerOpen
	}
	began := time.Now()
	rec, ok, err := g.Archive.Session(ctx, id)
	g.note(began, err)
	return rec, ok, err
}

func (g *guardedArchive) Order(ctx context.Context, id string) (Order, bool, error) {
	if !g.allow() {
		return Order{}, false, errBreakerOpen
	}
	began := time.Now()
	order, ok, err := g.Archive.Order(ctx, id)
	g.note(began, err)
	return order, ok, err
}

// commit is Append for facts that somebody waits for.
func (g *guardedArchive) commit(ctx context.Context, facts []Fact) error {
	if !g.commits.allow() {
		return errBreakerOpen
	}
	began := time.Now()
	err := g.Archive.Append(ctx, facts)
	g.commits.note(began, err)
	return err
}

// probeID is nobody's session.
const probeID = "00000000-0000-7000-8000-000000000000"

// probeStores is the loop that finds out when a store answers again.
func (t *Tracker) probeStores(ctx context.Context) {
	var down time.Time                                           // since when the hot store has been failing
	if c, ok := store.HotAs[store.Checker](t.hot.HotStore); ok { // say at once what nobody has asked yet
		first, cancel := context.WithTimeout(ctx, controlTimeout)
		t.hot.note(time.Now(), c.Check(first))
		cancel()
	}
	for ; ; sleep(ctx, probeEvery) {
		if ctx.Err() != nil {
			return
		}
		switch cause := t.hot.failing.Load(); {
		case cause != nil && down.IsZero():
			down = time.Now()
			t.log.Error("footfall: the hot store fails: nobody is known as a customer until it answers; logins and logouts go to the archive", "error", *cause)
		case cause == nil && !down.IsZero():
			t.log.Info("footfall: the hot store answers again", "after", time.Since(down).Round(time.Millisecond))
			down = time.Time{}
		}
		t.hot.probe(ctx, t.config.StoreTimeout, func(ctx context.Context) error {
			_, _, _, _, err := t.hot.HotStore.Read(ctx, probeID)
			return err
		})
		t.archive.probe(ctx, max(t.config.StoreTimeout, probeEvery), func(ctx context.Context) error {
			_, _, err := t.archive.Archive.Session(ctx, probeID)
			return err
		})
		t.archive.commits.probe(ctx, controlTimeout, t.archive.Check)
	}
}
