package outbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/journal"
	"github.com/footfall-go/footfall/store"
)

func TestAppend_WhatAFullJournalRefusesIsDroppedOnlyIfItIsAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, t.TempDir(), &archive{}, nil)
		defer w.stop()
		big := event("fill", "s")
		big.Page = strings.Repeat("x", 100<<10)
		for {
			if _, err := w.Append(nil, big); err != nil {
				break
			}
		}
		unacknowledged, dropped := w.count("unacknowledged"), w.count("events_dropped")
		if dropped != 1 || unacknowledged != 1 {
			t.Errorf("one event was refused, and %d are counted as dropped, %d as unacknowledged: want each once", dropped, unacknowledged)
		}
		seen := &store.SessionSeen{SessionID: strings.Repeat("s", 100<<10), At: time.Now()}
		if _, err := w.Append(nil, seen); !errors.Is(err, journal.ErrFull) || w.count("events_dropped") != 1 || w.count("unacknowledged") != 2 {
			t.Errorf("a session's activity was refused (%v), and %d events are counted as dropped: it is told again later, so nothing is lost", err, w.count("events_dropped")-1)
		}
		first := &store.SessionBegun{Record: entry().Snapshot()}
		if _, err := w.AppendBehind(first, big); err == nil || w.count("events_dropped") != 2 || w.count("unacknowledged") != 4 {
			t.Errorf("an event and the beginning before it were refused (%v): %d events are counted as dropped, want one; %d facts as unacknowledged, want two",
				err, w.count("events_dropped")-1, w.count("unacknowledged")-2)
		}
		big.Page = strings.Repeat("x", 200<<10)
		if w.AppendUnattributed(big.Event, store.SecretHash{1}); w.count("events_dropped") != 3 || w.count("events_pending") != 0 {
			t.Errorf("an unattributed event was refused: %d are counted as dropped, want one; %d as pending", w.count("events_dropped")-2, w.count("events_pending"))
		}
		revoked := &store.CustomerRevoked{CustomerID: strings.Repeat("c", 10<<10), Before: time.Now()}
		for {
			if _, err := w.Append(nil, revoked); err != nil {
				break
			}
		}
		if _, err := w.CommitSale(nil, revoked); err != nil {
			t.Errorf("a logout does not fit into a journal that is full of page views: %v. The last tenth is for it", err)
		}
	})
}

func TestAppend_AnEventThatIsLateIsDroppedOnceIfItIsNeverWritten(t *testing.T) {
	for _, fails := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			disk := make(chan error)
			a := &archive{}
			w := open(t, t.TempDir(), a, func(o *Options) { o.BeforeWrite = func() error { return <-disk } })
			_, err := w.Append(nil, event("1", "s"))
			if !errors.Is(err, ErrLate) || w.count("events_dropped") != 0 || w.count("unacknowledged") != 1 {
				t.Errorf("a disk that does not answer: %v, %d events dropped, %d unacknowledged. It may still be written", err, w.count("events_dropped"), w.count("unacknowledged"))
			}
			if fails {
				disk <- errDown
			}
			close(disk)
			synctest.Wait()
			if want := map[bool]uint64{true: 1}[fails]; w.count("events_dropped") != want {
				t.Errorf("the disk then refuses it: %v, and %d events are counted as dropped, want %d", fails, w.count("events_dropped"), want)
			}
			w.stop()
		})
	}
}

func TestAppend_TheBeginningGoesFirstUntilTheJournalHasIt(t *testing.T) {
	for name, put := range map[string]func(w *world, fact store.Fact) func() error{
		"Append": func(w *world, fact store.Fact) func() error {
			e := entry()
			return func() error { _, err := w.Append(e, fact); return err }
		},
		"CommitSale": func(w *world, fact store.Fact) func() error {
			e := entry()
			return func() error { _, err := w.CommitSale(e, fact); return err }
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &archive{}
			var disk error
			w := open(t, t.TempDir(), a, func(o *Options) { o.BeforeWrite = func() error { return disk } })
			again := put(w, &store.SessionSeen{SessionID: "s", At: time.Now()})
			disk = errDown
			if err := again(); err == nil || name == "CommitSale" && !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: the disk refused, and the error is %v", name, err)
			}
			disk = nil
			for range 2 {
				if err := again(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			w.start(t, Hooks{})
			time.Sleep(time.Second)
			synctest.Wait()
			if got := a.took(); !slices.Equal(got, []string{"begun", "seen s", "seen s"}) {
				t.Errorf("%s: after one failure and two facts the archive has %q: the session's beginning has to go before its first fact, again after a failure, and then no more", name, got)
			}
			w.stop()
		})
	}
}

func TestCommit_OnlyASharedArchiveIsAskedAtOnce(t *testing.T) {
	for _, shared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := &archive{shared: shared}
			w := open(t, t.TempDir(), a, nil)
			position, err := w.Commit(t.Context(), entry(), &store.CustomerRevoked{CustomerID: "c"})
			if want := map[bool]int{true: 2}[shared]; err != nil || len(a.took()) != want || (position == 0) != shared {
				t.Errorf("shared %v: a control fact is at %d (%v), and the archive took %q: a shared one has it, behind the session's beginning, before the answer; otherwise the journal has", shared, position, err, a.took())
			}
			a.refuse = func([]store.Fact) error { return errDown }
			if _, err := w.Commit(t.Context(), nil, &store.CustomerRevoked{CustomerID: "c"}); errors.Is(err, store.ErrUnavailable) != shared || w.count("control_failures") != map[bool]uint64{true: 1}[shared] {
				t.Errorf("shared %v: the archive is away, and a control fact says %v, %d failures", shared, err, w.count("control_failures"))
			}
			w.stop()
		})
	}
}

func TestDrain_EndsWhenTheArchiveHasEverythingAndSaysIfNot(t *testing.T) {
	for _, away := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := &archive{}
			if away {
				a.refuse = func([]store.Fact) error { return errDown }
			}
			w := open(t, t.TempDir(), a, nil)
			w.start(t, Hooks{})
			_, _ = w.Append(nil, event("1", "s"))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if err := w.Drain(ctx); (err != nil) != away || len(a.took()) == 1 == away {
				t.Errorf("the archive is away: %v; draining says %v, and it took %q", away, err, a.took())
			}
			w.stop()
		})
	}
}
