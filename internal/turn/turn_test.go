//go:build !race

package turn

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// Beside hundreds of goroutines that can all run, a tenth of a second of work gets on:
// interrupted each 10 ms, it would wait for all others ten times, 180 ms each time.
func TestTurn_WorkGetsOnBesideManyGoroutines(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var stop atomic.Bool
	var runs atomic.Int64
	defer stop.Store(true)
	for range 600 {
		go func() {
			for !stop.Load() {
				runs.Add(1)
				busy(300 * time.Microsecond)
				runtime.Gosched()
			}
		}()
	}
	time.Sleep(time.Millisecond)
	before := runs.Load()
	var turn Turn
	for range 200 {
		turn.Keep()
		busy(500 * time.Microsecond)
	}
	if others := runs.Load() - before; others > 600 {
		t.Errorf("beside 100 ms of work 600 goroutines run %d times: it waited for all of them, want some 30", others)
	}
}

// busy works for a time, of this goroutine alone as far as it is not interrupted.
func busy(d time.Duration) {
	for began := time.Now(); time.Since(began) < d; {
	}
}
