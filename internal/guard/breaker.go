package guard

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/store"
)

const (
	failuresToOpen = 5 // in a row

	// slowFailure is how long a failed call must take to count: failures that are
	// faster cost a request nothing, so that asking again does no harm. A refused
	// connection is one.
	slowFailure = 10 * time.Millisecond
)

var errOpen = errors.New("it has not answered lately")

// A breaker opens after several slow failures in a row. While it is open, nothing
// is asked, until a probe gets an answer. A failure during which another call was answered
// is none in this sense: the store is busy, and strangers can make it so for a moment. Nor is
// the answer of a store that takes no writes: they are refused, and reads are not.
type breaker struct {
	failures atomic.Int32
	answers  atomic.Uint64 // calls that were answered
	open     atomic.Bool
	opening  chan struct{}         // a signal that it opened
	opened   atomic.Uint64         // how often
	failing  atomic.Pointer[error] // how the last call failed, nil if it did not
}

func newBreaker() breaker { return breaker{opening: make(chan struct{}, 1)} }

// A call is one that a store is asked.
type call struct {
	began   time.Time
	answers uint64 // the breaker's when it began
}

// begin begins a call, or returns false if the store may not be asked.
func (b *breaker) begin() (c call, ok bool) {
	if b.open.Load() {
		return call{}, false
	}
	return call{time.Now(), b.answers.Load()}, true
}

// took records the result of a call.
func (b *breaker) took(c call, err error) {
	if err == nil || errors.Is(err, store.ErrRejected) || errors.Is(err, store.ErrNewer) {
		b.answers.Add(1)
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
	if errors.Is(err, store.ErrNoWrites) {
		b.answers.Add(1)
		b.failures.Store(0)
		return
	}
	if b.answers.Load() != c.answers { // others were answered meanwhile
		return
	}
	if time.Since(c.began) >= slowFailure && b.failures.Add(1) >= failuresToOpen && b.open.CompareAndSwap(false, true) {
		b.opened.Add(1)
		select {
		case b.opening <- struct{}{}:
		default:
		}
	}
}

// A prober asks a store behind a breaker that is open, and closes the breaker when the
// store answers. It asks soon after the breaker opened, because a store that stands still for
// a moment, under many requests, opens it too: without that, everybody would go without the
// store for much longer than it did. One that opens again and again is asked as seldom as
// one that stays open.
type prober struct {
	*breaker
	within time.Duration
	ask    func(context.Context) error

	wait   time.Duration // before the next probe
	due    time.Time     // zero: the breaker was closed
	closed time.Time     // when it was last
}

// run probes until ctx ends.
func (p *prober) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := p.probe(ctx)
		select {
		case <-ctx.Done():
		case <-p.opening:
		case <-time.After(wait):
		}
	}
}

// probe asks the store if it is time, and returns how long to wait until it is.
func (p *prober) probe(ctx context.Context) time.Duration {
	if !p.open.Load() {
		p.due = time.Time{}
		return probeEvery
	}
	if p.due.IsZero() {
		p.wait = min(2*p.wait, probeEvery)
		if time.Since(p.closed) > 2*probeEvery {
			p.wait = probeFirst
		}
		p.due = time.Now().Add(p.wait)
	}
	if left := time.Until(p.due); left > 0 {
		return left
	}
	asking, cancel := context.WithTimeout(ctx, p.within)
	defer cancel()
	if p.ask(asking) == nil {
		p.due, p.closed = time.Time{}, time.Now()
		p.failures.Store(0)
		p.failing.Store(nil)
		p.open.Store(false)
		return probeEvery
	}
	p.wait = min(2*p.wait, probeEvery)
	p.due = time.Now().Add(p.wait)
	return p.wait
}

func (b *breaker) state() string {
	if b.open.Load() {
		return "open"
	}
	return "closed"
}
