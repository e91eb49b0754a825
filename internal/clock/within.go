package clock

import (
	"context"
	"sync"
	"time"
)

// A Within is a context that ends after a while, or when its parent does, like that of
// [context.WithTimeout]. It costs little as long as nobody waits for it: its timer
// starts when somebody asks for Done. A store in memory never does.
type Within struct {
	parent context.Context
	at     time.Time

	mu     sync.Mutex
	inner  context.Context // nil until somebody asks for Done
	cancel context.CancelFunc
	over   bool
}

// NewWithin returns a context that ends after d. Call its Stop when it is no longer
// needed.
func NewWithin(parent context.Context, d time.Duration) *Within {
	at := time.Now().Add(d)
	if by, ok := parent.Deadline(); ok && by.Before(at) {
		at = by
	}
	return &Within{parent: parent, at: at}
}

// Stop ends the context.
func (w *Within) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.cancel != nil {
		w.cancel()
	}
}

// Deadline is when the context ends.
func (w *Within) Deadline() (time.Time, bool) { return w.at, true }

// Done is closed when the context ends.
func (w *Within) Done() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.inner == nil {
		w.inner, w.cancel = context.WithDeadline(w.parent, w.at)
		if w.over {
			w.cancel()
		}
	}
	return w.inner.Done()
}

// Err says why the context ended, nil if it did not.
func (w *Within) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.inner != nil:
		return w.inner.Err()
	case w.parent.Err() != nil:
		return w.parent.Err()
	case !time.Now().Before(w.at):
		return context.DeadlineExceeded
	case w.over:
		return context.Canceled
	}
	return nil
}

// Value is the parent's. Once somebody asked for Done, package context finds the timer
// by it, so that contexts derived from this one need no goroutine.
func (w *Within) Value(key any) any {
	w.mu.Lock()
	inner := w.inner
	w.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return w.parent.Value(key)
}
