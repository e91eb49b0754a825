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
	for n := range 60_000 {
		facts = append(facts, view(n%2000, fmt.Sprintf("01970000-0000-7000-8000-%012x", n)))
	}
	a, other := open(t, filepath.Join(t.TempDir(), "footfall.db")), open(t, filepath.Join(t.TempDir(), "other.db"))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	began := time.Now()
	mustAppend(t, other, facts...)
	alone := time.Since(began)
	var stop atomic.Bool
	var runs atomic.Int64
	defer stop.Store(true)
	for range 1200 {
		go func() {
			for !stop.Load() {
				runs.Add(1)
				for began := time.Now(); time.Since(began) < 300*time.Microsecond; {
				}
				runtime.Gosched()
			}
		}()
	}
	before := runs.Load()
	mustAppend(t, a, facts...)
	others := runs.Load() - before
	// One that is interrupted each 10 ms waits for all of them once in each 17 ms of its work.
	if most := int64(alone/(25*time.Millisecond)) * 1200; others > most {
		t.Errorf("beside a batch that takes %v alone 1,200 goroutines run %d times, want %d at most: it waited for all of them each 10 ms", alone, others, most)
	}
}
