package clock

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

type key struct{}

// Whoever waits for a Within, or looks at it, sees what context.WithTimeout would show.
func TestWithin_EndsAsAContextWithTimeout(t *testing.T) {
	for name, end := range map[string]func(cancelParent, stop func()){
		"by time":   func(_, _ func()) { time.Sleep(time.Second) },
		"by parent": func(cancelParent, _ func()) { cancelParent() },
		"by Stop":   func(_, stop func()) { stop() },
		"not":       func(_, _ func()) { time.Sleep(time.Second - 1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent, cancelParent := context.WithCancel(context.WithValue(t.Context(), key{}, 1))
				defer cancelParent()
				want, cancel := context.WithTimeout(parent, time.Second)
				defer cancel()
				looked, waited, late := NewWithin(parent, time.Second), NewWithin(parent, time.Second), NewWithin(parent, time.Second)
				defer looked.Stop()
				defer late.Stop()
				_ = waited.Done()
				goroutines := runtime.NumGoroutine()
				derived, cancelDerived := context.WithCancel(waited)
				defer cancelDerived()
				if runtime.NumGoroutine() != goroutines {
					t.Error("a context derived from a Within needs a goroutine")
				}
				end(cancelParent, func() { cancel(); looked.Stop(); waited.Stop(); late.Stop() })
				synctest.Wait()
				_ = late.Done()
				for what, c := range map[string]context.Context{"never waited for": looked, "waited for": waited, "waited for afterwards": late, "derived": derived} {
					if !errors.Is(c.Err(), want.Err()) || c.Value(key{}) != 1 {
						t.Errorf("a Within that was %s ends with %v, want %v", what, c.Err(), want.Err())
					}
				}
				select {
				case <-late.Done():
				default:
					if want.Err() != nil {
						t.Error("a Within that has ended does not say so to who asks afterwards")
					}
				}
				if by, ok := looked.Deadline(); !ok || by.IsZero() {
					t.Error("a Within has no deadline")
				}
			})
		})
	}
}

// A Within of a parent that ends earlier ends with it.
func TestWithin_TheEarlierDeadlineCounts(t *testing.T) {
	parent, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	want, _ := parent.Deadline()
	if got, _ := NewWithin(parent, time.Hour).Deadline(); !got.Equal(want) {
		t.Errorf("the deadline is %v, and the parent's %v", got, want)
	}
}

// A store in memory asks for nothing: then there is no timer to pay for.
func TestWithin_CostsOneAllocation(t *testing.T) {
	parent := t.Context()
	if n := testing.AllocsPerRun(100, func() { w := NewWithin(parent, time.Second); _ = w.Err(); w.Stop() }); n > 1 {
		t.Errorf("a Within that nobody waits for allocates %v objects, want 1", n)
	}
}
