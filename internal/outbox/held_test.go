package outbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/store"
)

var errSick = errors.New("a page of the database is damaged")

// sick is an archive that answers some facts with an error, alone or with others.
func sick(bad func(store.Fact) bool) *archive {
	return &archive{refuse: func(facts []store.Fact) error {
		if slices.ContainsFunc(facts, bad) {
			return errSick
		}
		return nil
	}}
}

func isEvent(id string) func(store.Fact) bool {
	return func(fact store.Fact) bool {
		f, ok := fact.(*store.EventRecorded)
		return ok && f.EventID == id
	}
}

func (w *world) append(t *testing.T, facts ...store.Fact) {
	t.Helper()
	for _, fact := range facts {
		if _, err := w.Append(nil, fact); err != nil {
			t.Fatal(err)
		}
	}
}

// visitors has facts come for a time, one each second.
func (w *world) visitors(t *testing.T, long time.Duration) {
	t.Helper()
	for i := range int(long / time.Second) {
		w.append(t, event(fmt.Sprintf("visitor %d %v", i, time.Now()), "another"))
		time.Sleep(time.Second)
	}
	synctest.Wait()
}

func asideLines(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "set-aside", "records.jsonl"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}

func TestHeld_AFactThatFailsAloneDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := open(t, dir, sick(isEvent("bad")), nil)
		for i := range 100 {
			w.append(t, event(fmt.Sprint(i), fmt.Sprint("session ", i)))
		}
		w.append(t, event("bad", "s"), event("behind it", "s"), event("after", "s2"))
		w.start(t, Hooks{})
		w.visitors(t, 10*time.Second)
		if took := w.archive.took(); len(took) != 111 || slices.Contains(took, "event behind it") {
			t.Errorf("the archive has %d facts after 10 s, want 111: one that it answers with an error delays those of its own session, and no others", len(took))
		}
		if w.Stats().Pending == 0 || asideLines(t, dir) != 0 {
			t.Errorf("%d facts are in the journal, %d set aside: what fails is kept for a minute, because it may be taken yet", w.Stats().Pending, asideLines(t, dir))
		}
		w.visitors(t, 65*time.Second)
		if asideLines(t, dir) != 1 || w.count("facts_set_aside") != 1 || w.Stats().SetAside != 1 {
			t.Errorf("%d facts are set aside and %d counted after more than a minute, want the one that fails", asideLines(t, dir), w.count("facts_set_aside"))
		}
		if took := w.archive.took(); !slices.Contains(took, "event behind it") || w.Stats().Pending != 0 {
			t.Errorf("what came after the fact was not carried on, or the journal keeps %d facts: one fact must not stop it", w.Stats().Pending)
		}
		w.stop()
	})
}

func TestHeld_AnOutageSetsNothingAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		a := &archive{refuse: func([]store.Fact) error { return errSick }}
		w := open(t, dir, a, nil)
		w.start(t, Hooks{})
		w.visitors(t, 5*time.Minute)
		if n := asideLines(t, dir); n != 0 || w.Stats().Pending != 300 {
			t.Errorf("%d facts were set aside and %d are pending: an archive that takes nothing is away, whatever its error says", n, w.Stats().Pending)
		}
		a.set(func() { a.refuse = nil })
		w.visitors(t, 10*time.Second)
		if len(a.took()) != 310 || w.Stats().Pending != 0 || !w.ArchiveFailing().IsZero() {
			t.Errorf("when it was back, the archive took %d of 310 facts; %d are pending", len(a.took()), w.Stats().Pending)
		}
		w.stop()
	})
}

func TestHeld_WhatIsTakenAtAnotherTryIsNotSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := open(t, dir, sick(isEvent("bad")), nil)
		w.append(t, event("bad", "s"), event("behind it", "s"))
		w.start(t, Hooks{})
		w.visitors(t, 40*time.Second)
		w.archive.set(func() { w.archive.refuse = nil })
		w.visitors(t, 40*time.Second)
		took := w.archive.took()
		if i, j := slices.Index(took, "event bad"), slices.Index(took, "event behind it"); asideLines(t, dir) != 0 || i < 0 || j < i || w.Stats().Pending != 0 {
			t.Errorf("%d facts were set aside, and the archive took %q: a fact that it takes after half a minute is stored, before those of its session that came later", asideLines(t, dir), took)
		}
		w.stop()
	})
}

func TestHeld_ABatchThatTakesTooLongIsHalvedAndNeverSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		a := &archive{}
		slow := &slowArchive{archive: a, most: 30}
		w := open(t, dir, a, func(o *Options) { o.Archive = guard.NewArchive(slow, new(count.Set)) })
		for i := range 1000 {
			w.append(t, event(fmt.Sprint(i), fmt.Sprint("session ", i)))
		}
		w.start(t, Hooks{})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if len(a.took()) != 1000 || w.Stats().Pending != 0 {
			t.Errorf("the archive has %d of 1000 facts after five minutes: a batch that it cannot take in time has to become smaller", len(a.took()))
		}
		slow.most = 0 // it answers nothing in time
		w.append(t, event("slow", "s"))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if asideLines(t, dir) != 0 || w.Stats().Pending != 1 {
			t.Errorf("%d facts were set aside because they took too long: they may be taken when the archive is quicker", asideLines(t, dir))
		}
		w.stop()
	})
}

func TestHeld_WithABeginningGoesWhatNeedsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := open(t, dir, sick(func(fact store.Fact) bool { _, begins := fact.(*store.SessionBegun); return begins }), nil)
		rec := entry().Snapshot()
		w.append(t, &store.SessionBegun{Record: rec}, event("1", rec.SessionID), event("2", rec.SessionID))
		w.start(t, Hooks{})
		w.visitors(t, 90*time.Second)
		if n := asideLines(t, dir); n != 3 || slices.Contains(w.archive.took(), "event 1") {
			t.Errorf("%d facts are set aside, want the beginning of the session and its two events, which nobody could find without it", n)
		}
		w.archive.set(func() { w.archive.refuse = nil })
		if n, err := w.RetrySetAside(); n != 3 || err != nil {
			t.Errorf("%d facts are tried again (%v), want 3", n, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if took := w.archive.took(); len(took) != 93 || w.Stats().SetAside != 0 || asideLines(t, dir) != 0 {
			t.Errorf("the archive has %d facts, want 93, and %d are still set aside: now it takes them", len(took), w.Stats().SetAside)
		}
		w.stop()
	})
}

func TestHeld_AnEndCountsThoughTheArchiveDoesNotHaveIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		ends := func(fact store.Fact) bool { _, ok := fact.(*store.CredentialsChanged); return ok }
		end := &store.CredentialsChanged{SessionID: "s", Cred: store.Credentials{Version: 7, EndedAt: time.Now(), EndReason: store.EndLogout}}
		w := open(t, dir, sick(ends), nil)
		if _, err := w.CommitSale(nil, end); err != nil {
			t.Fatal(err)
		}
		var known []string
		note := func(fact store.Fact) {
			if f, ok := fact.(*store.CredentialsChanged); ok {
				known = append(known, fmt.Sprint(f.SessionID, f.Cred.Version))
			}
		}
		w.start(t, Hooks{Held: note})
		w.visitors(t, 2*time.Second)
		if !slices.Contains(known, "s7") {
			t.Error("the archive does not take a logout, and nobody is told: the session could be let in")
		}
		w.visitors(t, 90*time.Second)
		w.stop()
		if asideLines(t, dir) != 1 {
			t.Fatalf("%d facts are set aside, want the logout: the test does not test", asideLines(t, dir))
		}
		known = nil
		next := open(t, dir, &archive{}, nil)
		next.start(t, Hooks{Held: note})
		if !slices.Contains(known, "s7") {
			t.Error("a logout was set aside, and the next start does not know of it: the session would be let in")
		}
		next.stop()
	})
}

func TestHeld_WhatSoftwareDidStopsNoOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, t.TempDir(), sick(func(fact store.Fact) bool { _, bot := fact.(*store.BotSeen); return bot }), nil)
		for i := range 500 {
			w.append(t, &store.BotSeen{EventID: fmt.Sprint("bot ", i), Reason: "user_agent", At: time.Now()})
			if i%100 == 0 {
				w.append(t, &store.OrderPlaced{Order: store.Order{OrderID: fmt.Sprint(i), Total: store.Money{Amount: 1, Currency: "EUR"}, CreatedAt: time.Now()}, EventID: fmt.Sprint("e", i)})
			}
		}
		w.start(t, Hooks{})
		w.visitors(t, 30*time.Second)
		orders := 0
		for _, fact := range w.archive.took() {
			if fact == "*store.OrderPlaced" {
				orders++
			}
		}
		if orders != 5 || w.archive.calls > 150 {
			t.Errorf("the archive took %d of 5 orders, in %d calls: views of bots that it cannot store must not stop them", orders, w.archive.calls)
		}
		w.stop()
	})
}

// slowArchive does not answer an Append of more than so many facts.
type slowArchive struct {
	*archive
	most int
}

func (a *slowArchive) Append(ctx context.Context, facts []store.Fact) error {
	if len(facts) > a.most {
		<-ctx.Done()
		return ctx.Err()
	}
	return a.archive.Append(ctx, facts)
}

func TestHeld_WhatCannotBeSetAsideStaysInTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := open(t, dir, &archive{refuse: func([]store.Fact) error { return store.ErrRejected }}, nil)
		if err := os.WriteFile(filepath.Join(dir, "set-aside"), nil, 0o600); err != nil { // a file where the directory has to be
			t.Fatal(err)
		}
		w.append(t, event("bad", "s"))
		w.start(t, Hooks{})
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.Stats().Pending != 1 || w.count("facts_set_aside") != 0 {
			t.Errorf("%d facts are in the journal and %d are counted as set aside: one that cannot be written there must not leave the journal", w.Stats().Pending, w.count("facts_set_aside"))
		}
		if err := os.Remove(filepath.Join(dir, "set-aside")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.Stats().Pending != 0 || asideLines(t, dir) != 1 {
			t.Errorf("%d facts are in the journal and %d set aside, want the one set aside as soon as that is possible", w.Stats().Pending, asideLines(t, dir))
		}
		w.stop()
	})
}
