package outbox

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/store"
)

var errDown = errors.New("down")

// lastRun leaves two events of two sessions, and a third fact, in a journal.
func lastRun(t *testing.T, dir string) {
	w := open(t, dir, &archive{}, nil)
	for _, fact := range []store.Fact{event("1", "a"), event("2", "b"), &store.CustomerRevoked{CustomerID: "c", Before: time.Now()}} {
		if _, err := w.Append(nil, fact); err != nil {
			t.Fatal(err)
		}
	}
	w.stop()
}

func awaits(w *world) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return w.AwaitReplay(ctx)
}

func TestGate_OpensWhenTheArchiveHoldsTheLastRunAndItsRevocationsAreKnown(t *testing.T) {
	for _, shared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			lastRun(t, dir)
			a := &archive{shared: shared, refuse: func([]store.Fact) error { return errDown }}
			w := open(t, dir, a, nil)
			defer func() { w.stop() }()
			follow, follows, replayed, early := errDown, 0, [][]string{}, false
			w.start(t, Hooks{
				Follow: func(context.Context) (err error) {
					a.set(func() { follows, early, err = follows+1, early || len(a.facts) < 3, follow })
					return err
				},
				Replayed: func(ids []string) { slices.Sort(ids); replayed = append(replayed, ids) },
			})
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if err := awaits(w); w.Replayed() || !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("shared %v: the gate is open (%v) though the archive has taken nothing: it may miss the end of a session", shared, err)
			}
			a.set(func() { a.refuse = nil })
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if w.Replayed() != shared {
				t.Errorf("shared %v: the archive holds the last run, what was revoked could not be read, and the gate is open: %v. Of an archive that is not shared it must be known; of a shared one no revocation was ever in this journal", shared, w.Replayed())
			}
			a.set(func() { follow = nil })
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if err := awaits(w); !w.Replayed() || err != nil {
				t.Errorf("shared %v: the archive holds the last run, what was revoked is known, and the gate is shut: %v", shared, err)
			}
			if early || follows == 0 {
				t.Errorf("shared %v: what was revoked was read %d times, before the archive held everything: %v. Then it misses what the replay brings", shared, follows, early)
			}
			if len(replayed) != 1 || !slices.Equal(replayed[0], []string{"a", "b"}) {
				t.Errorf("shared %v: the sessions of the last run are told as %v, want once [a b]", shared, replayed)
			}
		})
	}
}

func TestGate_StaysShutUntilTheLastOfManyBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, a := t.TempDir(), &archive{}
		last := open(t, dir, a, nil)
		for range batchRecords + 1 {
			if _, err := last.Append(nil, event("1", "a")); err != nil {
				t.Fatal(err)
			}
		}
		last.stop()
		a.refuse = func([]store.Fact) error {
			if len(a.facts) >= batchRecords {
				return errDown
			}
			return nil
		}
		w := open(t, dir, a, nil)
		defer func() { w.stop() }()
		w.start(t, Hooks{})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(a.took()) != batchRecords || w.Replayed() {
			t.Errorf("the archive has %d facts of %d, and the gate is open: %v", len(a.took()), batchRecords+1, w.Replayed())
		}
		a.set(func() { a.refuse = nil })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !w.Replayed() {
			t.Error("the archive has everything, and the gate is shut")
		}
	})
}

func TestGate_AFirstRunHasNothingToWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, t.TempDir(), &archive{}, nil)
		defer func() { w.stop() }()
		if w.Replayed() {
			t.Error("the gate is open before the outbox was started, and before what was revoked is known")
		}
		w.start(t, Hooks{})
		if !w.Replayed() {
			t.Error("nothing was left of a last run, and requests wait for its replay")
		}
	})
}

func TestGate_ItIsNotOpenedByFactsOfThisRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		lastRun(t, dir)
		w := open(t, dir, &archive{}, nil)
		defer func() { w.stop() }()
		var replayed []string
		w.start(t, Hooks{Replayed: func(ids []string) { replayed = ids }})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if _, err := w.Append(nil, event("3", "of this run")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if slices.Contains(replayed, "of this run") || len(w.archive.took()) != 4 {
			t.Errorf("the archive took %q, and told are the sessions %q: those of this run are not to be compared", w.archive.took(), replayed)
		}
	})
}
