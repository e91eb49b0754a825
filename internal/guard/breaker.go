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
	// connection is one, or a store that is full or read-only.
	slowFailure = 10 * time.Millisecond
)

var errOpen = errors.New("it has not answered lately")

// A breaker opens after several slow failures in a row. While it is open, nothing
// is asked, until a probe gets an answer. A failure during which another call was answered
// is none in this sense: the store is busy, and strangers can make it so for a moment.
type breaker struct {
	failures atomic.Int32
	answers  atomic.Uint64 // calls that were answered
	open     atomic.Bool
	opened   atomic.Uint64         // how often
	failing  atomic.Pointer[error] // how the last call failed, nil if it did not
}

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
	if b.answers.Load() != c.answers { // others were answered meanwhile
		return
	}
	if time.Since(c.began) >= slowFailure && b.failures.Add(1) >= failuresToOpen && b.open.CompareAndSwap(false, true) {
		b.opened.Add(1)
	}
}

// probe asks the store if the breaker is open, and closes the breaker if the store
// answers without an error.
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

func (b *breaker) state() string {
	if b.open.Load() {
		return "open"
	}
	return "closed"
}
