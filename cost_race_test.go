//go:build race

package footfall_test

import (
	"testing"

	"github.com/footfall-go/footfall/internal/stage"

	"github.com/footfall-go/footfall/internal/live"
)

// Each time that a request takes the lock of its session it may wait for another
// request of that session, and reads a state that may have changed since the last.
func TestCost_LocksOfAResumedPageView(t *testing.T) {
	const most = 3
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Tracker.Handler(stage.Page))
	b.Do("GET", "/")
	b.Do("GET", "/")
	s.Settle()
	r := b.Request("GET", "/products/1")
	w := &nullWriter{header: map[string][]string{}}
	before := live.LocksTaken()
	b.Handler.ServeHTTP(w, r)
	if n := live.LocksTaken() - before; n > most {
		t.Errorf("a resumed page view takes the lock of its session %d times, at most %d are allowed", n, most)
	}
}
