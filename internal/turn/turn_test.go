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
	defer stop.Store(true)
	for range 600 {
		go func() {
			for !stop.Load() {
				busy(300 * time.Microsecond)
				runtime.Gosched()
			}
		}()
	}
	time.Sleep(time.Millisecond)
	began := time.Now()
	var turn Turn
	for range 200 {
		turn.Keep()
		busy(500 * time.Microsecond)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("100 ms of work take %v beside 600 goroutines that each run for 300 µs at a time: want some 130 ms", took)
	}
}

// busy works for a time, of this goroutine alone as far as it is not interrupted.
func busy(d time.Duration) {
	for began := time.Now(); time.Since(began) < d; {
	}
}
