//go:build !race

package sqlitearchive_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// A batch takes some hundred milliseconds of CPU. Interrupted each 10 ms, and put behind
// all goroutines that can run, those of a thousand connections that keep the processors
// busy had facts ever later.
func TestAppend_ABatchGetsOnBesideManyConnections(t *testing.T) {
	var facts []store.Fact
	for n := range 2000 {
		facts = append(facts, begun(n))
	}
	for n := range 10_000 {
		facts = append(facts, view(n%2000, fmt.Sprintf("01970000-0000-7000-8000-%012x", n)))
	}
	took := func() time.Duration {
		a := open(t, filepath.Join(t.TempDir(), "footfall.db"))
		began := time.Now()
		mustAppend(t, a, facts...)
		return time.Since(began)
	}
	alone := took()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var stop atomic.Bool
	defer stop.Store(true)
	for range 1200 {
		go func() {
			for !stop.Load() {
				for began := time.Now(); time.Since(began) < 300*time.Microsecond; {
				}
				runtime.Gosched()
			}
		}()
	}
	if beside := took(); beside > 6*alone+500*time.Millisecond {
		t.Errorf("a batch of %d facts takes %v beside 1,200 goroutines that each run for 300 µs at a time, and %v alone: want hardly more", len(facts), beside, alone)
	}
}
