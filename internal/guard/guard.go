package guard

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/store"
)

const (
	// ControlTimeout is how long a control fact, such as a logout, may take.
	ControlTimeout = 2 * time.Second
	// HotShare is what of it the hot store has. Then the archive is asked, and the
	// other instances need 1.5 s to read what was answered.
	HotShare = ControlTimeout / 5

	probeEvery = 500 * time.Millisecond
	probeFirst = 20 * time.Millisecond // after a breaker opened; each further probe waits twice as long
)

// A Hot is a hot store behind a breaker.
type Hot struct {
	store   store.HotStore
	breaker breaker
	errors  *atomic.Uint64

	reading, putting, merging, deleting *count.Histogram
}

// NewHot returns a hot store behind a closed breaker.
func NewHot(s store.HotStore, counts *count.Set) *Hot {
	took := func(call string) *count.Histogram { return answerTime(counts, "hot", call) }
	g := &Hot{
		store:   s,
		breaker: newBreaker(),
		errors:  counts.New("hot_errors", "Calls of the hot store that failed and did not fail a request: it went on without them, or asked the archive."),

		reading: took("read"), putting: took("put"), merging: took("merge"), deleting: took("delete"),
	}
	counts.Func("hot_breaker_opened", "How often requests began to do without the hot store because it did not answer.", g.breaker.opened.Load)
	evicted := func() uint64 { return 0 }
	if e, ok := store.HotAs[store.Evictor](s); ok {
		evicted = e.Evicted
	}
	counts.BoundFunc("hot_evicted", "Sessions that a hot store in memory dropped because it was full; they are read from the archive.", evicted)
	return g
}

// answerTime makes the histogram of a call of a store.
func answerTime(counts *count.Set, store, call string) *count.Histogram {
	return counts.Histogram("store_answer_seconds", "How long a store took to answer a call, or to fail. Calls that were not made because the store had not answered lately are not in it.",
		count.Label{Name: "store", Value: store}, count.Label{Name: "call", Value: call})
}

// CountError counts an error that was no reason to fail a request.
func (g *Hot) CountError() { g.errors.Add(1) }

// Unguarded is the store itself, for callers that no request waits for.
func (g *Hot) Unguarded() store.HotStore { return g.store }

// State is the breaker's, "open" or "closed".
func (g *Hot) State() string { return g.breaker.state() }

// Read is [store.HotStore]'s.
func (g *Hot) Read(ctx context.Context, id string) (doc []byte, version int64, all store.Activity, err error) {
	c, ok := g.breaker.begin()
	if !ok {
		return nil, 0, store.Activity{}, errOpen
	}
	doc, version, all, err = g.store.Read(ctx, id)
	g.reading.Observe(time.Since(c.began))
	g.breaker.took(c, err)
	return doc, version, all, err
}

// Put is [store.HotStore]'s.
func (g *Hot) Put(ctx context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	c, ok := g.breaker.begin()
	if !ok {
		return false, errOpen
	}
	stored, err := g.store.Put(ctx, id, series, doc, previous, version, ttl)
	g.putting.Observe(time.Since(c.began))
	g.breaker.took(c, err)
	return stored, err
}

// Merge is [store.HotStore]'s.
func (g *Hot) Merge(ctx context.Context, id, series, writer string, a store.Activity, ttl time.Duration) (bool, error) {
	c, ok := g.breaker.begin()
	if !ok {
		return false, errOpen
	}
	merged, err := g.store.Merge(ctx, id, series, writer, a, ttl)
	g.merging.Observe(time.Since(c.began))
	g.breaker.took(c, err)
	return merged, err
}

// Delete is [store.HotStore]'s.
func (g *Hot) Delete(ctx context.Context, id string) error {
	c, ok := g.breaker.begin()
	if !ok {
		return errOpen
	}
	err := g.store.Delete(ctx, id)
	g.deleting.Observe(time.Since(c.began))
	g.breaker.took(c, err)
	return err
}

// Check says whether the store is in order: what it says itself if it is a
// [store.Checker], otherwise whether it answers.
func (g *Hot) Check(ctx context.Context) error {
	if c, ok := store.HotAs[store.Checker](g.store); ok {
		return c.Check(ctx)
	}
	return g.answers(ctx)
}

func (g *Hot) answers(ctx context.Context) error {
	_, _, _, err := g.store.Read(ctx, nobody)
	return err
}

// An Archive is an archive whose reads for requests, and whose commits, are behind
// a breaker each. What runs behind the journal has patience of its own and is never
// refused: it uses [Archive.Append] and [Archive.Unguarded].
type Archive struct {
	archive store.Archive
	reads   breaker
	commits breaker // they have more time than reads: slow reads say nothing of them
	errors  *atomic.Uint64

	finding, ordering, committing, appending *count.Histogram
}

// NewArchive returns an archive behind closed breakers.
func NewArchive(a store.Archive, counts *count.Set) *Archive {
	took := func(call string) *count.Histogram { return answerTime(counts, "archive", call) }
	g := &Archive{
		archive: a, reads: newBreaker(), commits: newBreaker(),
		errors: counts.New("archive_errors", "Calls of the archive that failed while no request waited for them; they are repeated."),

		finding: took("session"), ordering: took("order"), committing: took("commit"), appending: took("append"),
	}
	counts.Func("archive_breaker_opened", "How often requests began to do without reading the archive because it did not answer.", g.reads.opened.Load)
	counts.Func("archive_commit_breaker_opened", "How often requests began to do without writing to the archive themselves, because it did not answer: orders go to the journal, and logouts are answered with 503 if the archive is shared.", g.commits.opened.Load)
	return g
}

// CountError counts an error that was no reason to fail a request.
func (g *Archive) CountError() { g.errors.Add(1) }

// Unguarded is the archive itself.
func (g *Archive) Unguarded() store.Archive { return g.archive }

// Shared is [store.Ledger]'s.
func (g *Archive) Shared() bool { return g.archive.Shared() }

// State is that of the breaker of reads, "open" or "closed".
func (g *Archive) State() string { return g.reads.state() }

// Check is [store.Archive]'s.
func (g *Archive) Check(ctx context.Context) error { return g.archive.Check(ctx) }

// Session is [store.Ledger]'s.
func (g *Archive) Session(ctx context.Context, id string) (store.Record, bool, error) {
	c, allowed := g.reads.begin()
	if !allowed {
		return store.Record{}, false, errOpen
	}
	rec, ok, err := g.archive.Session(ctx, id)
	g.finding.Observe(time.Since(c.began))
	g.reads.took(c, err)
	return rec, ok, err
}

// Order is [store.Ledger]'s.
func (g *Archive) Order(ctx context.Context, id string) (store.Order, bool, error) {
	c, ok := g.reads.begin()
	if !ok {
		return store.Order{}, false, errOpen
	}
	order, ok, err := g.archive.Order(ctx, id)
	g.ordering.Observe(time.Since(c.began))
	g.reads.took(c, err)
	return order, ok, err
}

// Refund is [store.Ledger]'s.
func (g *Archive) Refund(ctx context.Context, id string) (store.Refund, bool, error) {
	c, ok := g.reads.begin()
	if !ok {
		return store.Refund{}, false, errOpen
	}
	refund, ok, err := g.archive.Refund(ctx, id)
	g.reads.took(c, err)
	return refund, ok, err
}

// Refunded is [store.Ledger]'s.
func (g *Archive) Refunded(ctx context.Context, orderID string) (int64, error) {
	c, ok := g.reads.begin()
	if !ok {
		return 0, errOpen
	}
	amount, err := g.archive.Refunded(ctx, orderID)
	g.reads.took(c, err)
	return amount, err
}

// RevokedBefore is [store.Ledger]'s.
func (g *Archive) RevokedBefore(ctx context.Context, customerID string) (time.Time, error) {
	c, ok := g.reads.begin()
	if !ok {
		return time.Time{}, errOpen
	}
	before, err := g.archive.RevokedBefore(ctx, customerID)
	g.reads.took(c, err)
	return before, err
}

// Commit is Append for facts that a request waits for.
func (g *Archive) Commit(ctx context.Context, facts []store.Fact) error {
	c, ok := g.commits.begin()
	if !ok {
		return errOpen
	}
	err := g.archive.Append(ctx, facts)
	g.committing.Observe(time.Since(c.began))
	g.commits.took(c, err)
	return err
}

// Append is [store.Ledger]'s, for what runs behind the journal: it is never refused.
func (g *Archive) Append(ctx context.Context, facts []store.Fact) error {
	began := time.Now()
	err := g.archive.Append(ctx, facts)
	g.appending.Observe(time.Since(began))
	return err
}

// nobody is a valid id that no session has.
const nobody = "00000000-0000-7000-8000-000000000000"

// Probe runs until ctx ends. It finds out when a store behind an open breaker
// answers again, asking the hot store and the archive for at most budget, and logs
// when the hot store begins to fail and when it answers again.
func Probe(ctx context.Context, hot *Hot, archive *Archive, budget time.Duration, log *slog.Logger) {
	if c, ok := store.HotAs[store.Checker](hot.store); ok { // before the first request: what is wrong is logged at once
		first, cancel := context.WithTimeout(ctx, ControlTimeout)
		asked, _ := hot.breaker.begin()
		hot.breaker.took(asked, c.Check(first))
		cancel()
	}
	probers := []*prober{
		{breaker: &hot.breaker, within: budget, ask: hot.answers},
		{breaker: &archive.reads, within: max(budget, probeEvery), ask: func(ctx context.Context) error {
			_, _, err := archive.archive.Session(ctx, nobody)
			return err
		}},
		{breaker: &archive.commits, within: ControlTimeout, ask: archive.Check},
	}
	var all sync.WaitGroup
	for _, p := range probers {
		all.Go(func() { p.run(ctx) })
	}
	defer all.Wait()
	var down time.Time // since when the hot store has been failing
	for alive := true; alive && ctx.Err() == nil; alive = sleep(ctx) {
		switch cause := hot.breaker.failing.Load(); {
		case cause != nil && down.IsZero():
			down = time.Now()
			log.Error("footfall: the hot store fails: nobody is known as a customer until it answers; logins and logouts go to the archive", "error", *cause)
		case cause == nil && !down.IsZero():
			log.Info("footfall: the hot store answers again", "after", time.Since(down).Round(time.Millisecond))
			down = time.Time{}
		}
	}
}

func sleep(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(probeEvery):
		return true
	}
}
