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
	a := open(t, filepath.Join(t.TempDir(), "footfall.db"))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
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
	if others := runs.Load() - before; others > 3*1200 {
		t.Errorf("beside a batch of %d facts 1,200 goroutines run %d times: it waited for all of them each 10 ms", len(facts), others)
	}
}
