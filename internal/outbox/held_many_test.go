package outbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/store"
)

func isBad(fact store.Fact) bool {
	f, ok := fact.(*store.EventRecorded)
	return ok && strings.HasPrefix(f.EventID, "bad")
}

func TestHeld_FactsThatFailOneBehindAnotherStopNoOther(t *testing.T) {
	for _, n := range []int{2, 3, maxHeld + 6} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			w := open(t, dir, sick(isBad), nil)
			for i := range n {
				w.append(t, event(fmt.Sprint("bad ", i), fmt.Sprint("session ", i)))
			}
			w.append(t, event("after", "s"))
			w.start(t, Hooks{})
			w.visitors(t, 10*time.Minute)
			if !slices.Contains(w.archive.took(), "event after") || asideLines(t, dir) != n || w.Stats().Pending > 1 {
				t.Errorf("of %d facts that fail one behind another %d are set aside after ten minutes, and %d are pending: they must not stop those behind them", n, asideLines(t, dir), w.Stats().Pending)
			}
			w.stop()
		})
	}
}

func TestHeld_ASessionThatIsVeryBusyIsDecidedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := open(t, dir, sick(isBad), func(o *Options) { o.MaxBytes = 64 << 20 })
		w.append(t, event("bad", "busy"), event("other", "s"))
		w.start(t, Hooks{})
		time.Sleep(2 * time.Second)
		for i := range maxWaiting + 5000 {
			w.append(t, event(fmt.Sprint("view ", i), "busy"))
		}
		w.visitors(t, 10*time.Minute)
		if asideLines(t, dir) != 1 || w.Stats().Pending > 1 {
			t.Errorf("%d facts are set aside, and %d are pending after ten minutes: however many wait behind a fact that fails, it is decided", asideLines(t, dir), w.Stats().Pending)
		}
		w.stop()
	})
}

func TestHeld_AnOutageOfManySessionsIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		a := &archive{refuse: func([]store.Fact) error { return errSick }}
		w := open(t, dir, a, nil)
		for i := range 1000 {
			w.append(t, event(fmt.Sprint(i), fmt.Sprint("session ", i)))
		}
		w.start(t, Hooks{})
		const outage = time.Hour
		time.Sleep(outage)
		synctest.Wait()
		if calls := a.calls; calls > int(outage/time.Second)*8 {
			t.Errorf("an archive that was away for %v was called %d times", outage, calls)
		}
		a.set(func() { a.refuse = nil })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(a.took()) != 1000 || w.Stats().Pending != 0 || asideLines(t, dir) != 0 {
			t.Errorf("10 s after an outage the archive has %d of 1000 facts, %d are pending and %d set aside", len(a.took()), w.Stats().Pending, asideLines(t, dir))
		}
		w.stop()
	})
}
