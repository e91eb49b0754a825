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
// is asked, until a probe gets an answer.
type breaker struct {
	failures atomic.Int32
	open     atomic.Bool
	opened   atomic.Uint64         // how often
	failing  atomic.Pointer[error] // how the last call failed, nil if it did not
}

// allow reports whether the store may be asked.
func (b *breaker) allow() bool { return !b.open.Load() }

// took records the result of a call that began at a time.
func (b *breaker) took(began time.Time, err error) {
	if err == nil || errors.Is(err, store.ErrRejected) || errors.Is(err, store.ErrNewer) {
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
	if time.Since(began) >= slowFailure && b.failures.Add(1) >= failuresToOpen && b.open.CompareAndSwap(false, true) {
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
