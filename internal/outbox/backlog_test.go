package outbox

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/store"
)

// Where thousands of connections keep the processors busy, each batch waits for its turn some
// times. In batches of 4,000 facts 2,500 connections had them ever later, 21 s after 45 s.
func TestProject_ABacklogIsCarriedInFewBatches(t *testing.T) {
	for shared, want := range map[bool]int{false: 1, true: 4} {
		synctest.Test(t, func(t *testing.T) {
			dir, a := t.TempDir(), &archive{shared: shared}
			roomy := func(o *Options) { o.MaxBytes = 64 << 20 }
			last := open(t, dir, a, roomy)
			const facts = 15_000
			for range facts {
				if _, err := last.Append(nil, event("1", "a")); err != nil {
					t.Fatal(err)
				}
			}
			last.stop()
			largest := 0
			a.refuse = func(facts []store.Fact) error { largest = max(largest, len(facts)); return nil }
			w := open(t, dir, a, roomy)
			defer func() { w.stop() }()
			w.start(t, Hooks{})
			time.Sleep(time.Second)
			synctest.Wait()
			if len(a.took()) != facts || a.calls != want || shared && largest > sharedRecords {
				t.Errorf("shared %v: the archive took %d facts of %d in %d calls, %d in one at most, want %d calls", shared, len(a.took()), facts, a.calls, largest, want)
			}
		})
	}
}
