package outbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

func TestProjector_OfARejectedBatchOnlyTheBadFactIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		a := &archive{refuse: func(facts []store.Fact) error {
			for _, fact := range facts {
				if f, ok := fact.(*store.EventRecorded); ok && f.EventID == "bad" {
					return fmt.Errorf("%w: bad", store.ErrRejected)
				}
			}
			return nil
		}}
		w := open(t, dir, a, nil)
		var want []string
		var last Position
		for i := range 16 {
			id := fmt.Sprint(i)
			if i == 5 {
				id = "bad"
			} else {
				want = append(want, "event "+id)
			}
			last, _ = w.Append(nil, event(id, "s"))
		}
		if _, err := w.journal.Append([]byte{200, 1, 2}); err != nil { // of a later version
			t.Fatal(err)
		}
		var confirmed Position
		w.start(t, Hooks{Confirmed: func(p Position) { confirmed = p }})
		time.Sleep(time.Second)
		synctest.Wait()
		if got := a.took(); !slices.Equal(got, want) {
			t.Errorf("the archive took %q, want %q: one fact that it rejects must cost no other, and the order stays", got, want)
		}
		if a.calls > 12 {
			t.Errorf("the archive was called %d times for 16 facts: a rejected batch is to be halved", a.calls)
		}
		aside, err := os.ReadFile(filepath.Join(dir, "set-aside", "records.jsonl"))
		if lines := strings.Count(string(aside), "\n"); err != nil || lines != 2 || w.count("facts_set_aside") != 2 {
			t.Errorf("%d facts are set aside, %d counted (%v): want the one that is rejected, and the one that nobody can read", lines, w.count("facts_set_aside"), err)
		}
		if confirmed <= last || w.Confirmed() != confirmed || w.Stats().Pending != 0 {
			t.Errorf("the journal is confirmed up to %d, with %d facts pending: a bad fact must not hold it up", confirmed, w.Stats().Pending)
		}
		w.stop()
	})
}

func TestProjector_AnArchiveThatIsAwayGetsEverythingLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &archive{refuse: func([]store.Fact) error { return errDown }}
		w := open(t, t.TempDir(), a, nil)
		w.start(t, Hooks{})
		position, err := w.Append(nil, event("1", "s"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if err != nil || w.Confirmed() >= position || w.ArchiveFailing().IsZero() || w.Stats().Pending != 1 {
			t.Errorf("while the archive is away (%v) the fact at %d is confirmed up to %d, failing since %v", err, position, w.Confirmed(), w.ArchiveFailing())
		}
		a.set(func() { a.refuse = nil })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := a.took(); len(got) != 1 || w.Confirmed() < position || !w.ArchiveFailing().IsZero() || w.count("facts_set_aside") != 0 {
			t.Errorf("after the archive came back it took %q, confirmed up to %d of %d, failing since %v: want the fact once", got, w.Confirmed(), position, w.ArchiveFailing())
		}
		w.stop()
	})
}

func TestProjector_AnArchiveThatRejectsAFactIsNotAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &archive{refuse: func([]store.Fact) error { return errDown }}
		w := open(t, t.TempDir(), a, nil)
		w.start(t, Hooks{})
		if _, err := w.Append(nil, event("bad", "s")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.ArchiveFailing().IsZero() {
			t.Fatal("the archive is away, and the outbox does not know: the test does not test")
		}
		a.set(func() { a.refuse = func([]store.Fact) error { return store.ErrRejected } })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if since := w.ArchiveFailing(); !since.IsZero() || w.count("facts_set_aside") != 1 {
			t.Errorf("the archive answered and rejected a fact, and counts as failing since %v until a visitor brings another fact; %d facts are set aside, want 1", since, w.count("facts_set_aside"))
		}
		w.stop()
	})
}

func TestClamp_AClockThatIsAheadPutsNothingIntoTheFuture(t *testing.T) {
	facts := func(at time.Time) (all []store.Fact, times []*time.Time) {
		begun, recorded, seen := &store.SessionBegun{}, &store.EventRecorded{}, &store.SessionSeen{}
		placed, refunded, bot := &store.OrderPlaced{}, &store.OrderRefunded{}, &store.BotSeen{}
		times = []*time.Time{&begun.StartedAt, &begun.LastSeenAt, &recorded.CreatedAt, &seen.At, &placed.CreatedAt, &refunded.At, &bot.At}
		for _, x := range times {
			*x = at
		}
		return []store.Fact{begun, recorded, seen, placed, refunded, bot}, times
	}
	for ahead, clamps := range map[time.Duration]bool{time.Hour: true, 5 * time.Second: false, -time.Hour: false} {
		synctest.Test(t, func(t *testing.T) {
			w := open(t, t.TempDir(), &archive{ahead: ahead}, nil)
			at := clock.Now()
			all, times := facts(at)
			revoked := &store.CustomerRevoked{CustomerID: "c", Before: at}
			w.clamp(append(all, revoked))
			for i, x := range times {
				if clamped := x.Before(at); clamped != clamps || clamps && x.After(at.Add(5*time.Second-ahead)) {
					t.Errorf("this machine's clock is %v ahead of the archive's, and time %d is %v behind what it said; is it to be clamped: %v", ahead, i, at.Sub(*x), clamps)
				}
			}
			if !revoked.Before.Equal(at) {
				t.Error("the time of a revocation was clamped: what was authenticated in between would count again")
			}
			if want := map[bool]uint64{true: 7}[clamps]; w.count("times_clamped") != want {
				t.Errorf("%d times are counted as clamped, want %d", w.count("times_clamped"), want)
			}
			past, times := facts(at.Add(-2 * time.Hour))
			if w.clamp(past); !times[0].Equal(at.Add(-2 * time.Hour)) {
				t.Error("a time that is past by the archive's clock too was changed")
			}
			w.stop()
		})
	}
}

// This is what becomes of an event whose session was not known when it
// happened.
func TestUnattributed_BecomesAnEventOfItsSessionOrIsDropped(t *testing.T) {
	secret, older := store.SecretHash{1}, store.SecretHash{7}
	for _, c := range []struct {
		what   string
		secret store.SecretHash
		change func(rec *store.Record) // nil: there is no such session
		stored bool                    // at once
		waits  bool
	}{
		{"the session is alive and the secret its own", secret, func(*store.Record) {}, true, false},
		{"the secret is the one before", older, func(rec *store.Record) { rec.Superseded = older }, true, false},
		{"the secret is another's", store.SecretHash{9}, func(*store.Record) {}, false, true},
		{"there is no secret, as there is no superseded one", store.SecretHash{}, func(*store.Record) {}, false, true},
		{"the session is not there", secret, nil, false, true},
		{"the session had ended", secret, func(rec *store.Record) { rec.EndedAt = rec.StartedAt }, false, false},
		{"the session had been idle for too long", secret, func(rec *store.Record) { rec.LastSeenAt = rec.LastSeenAt.Add(-2 * time.Hour) }, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			id, a := clock.NewID(), &archive{sessions: map[string]store.Record{}}
			rec := record(id, clock.Now())
			if c.change != nil {
				c.change(&rec)
				a.sessions[id.String()] = rec
			}
			w := open(t, t.TempDir(), a, nil)
			w.start(t, Hooks{})
			w.AppendUnattributed(event("1", id.String()).Event, c.secret)
			time.Sleep(arrivalTime / 2)
			synctest.Wait()
			got := a.took()
			if (len(got) == 1) != c.stored || c.stored && a.facts[0].(*store.EventRecorded).VisitorID != "v" {
				t.Errorf("%s: the archive took %q; is the event to be stored, as one of the session's visitor: %v", c.what, got, c.stored)
			}
			if waits := w.Stats().Pending > 0; waits != c.waits || w.count("events_unattributed") != map[bool]uint64{true: 1}[!c.stored && !c.waits] {
				t.Errorf("%s: after a minute the event waits: %v, want %v; dropped %d", c.what, waits, c.waits, w.count("events_unattributed"))
			}
			time.Sleep(arrivalTime/2 + 5*time.Second)
			synctest.Wait()
			if w.Stats().Pending != 0 || w.count("events_unattributed") != map[bool]uint64{true: 1}[!c.stored] {
				t.Errorf("%s: after two minutes %d events wait and %d are counted as dropped: whoever cannot be found by then never will be", c.what, w.Stats().Pending, w.count("events_unattributed"))
			}
			w.stop()
		})
	}
}

func TestUnattributed_WaitsForItsSessionToArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id, a := clock.NewID(), &archive{sessions: map[string]store.Record{}, down: errDown}
		rec := record(id, clock.Now())
		w := open(t, t.TempDir(), a, nil)
		w.start(t, Hooks{})
		w.AppendUnattributed(event("1", id.String()).Event, rec.SecretHash)
		time.Sleep(10 * time.Minute) // an outage: whatever is on its way has arrivalTime from its end
		synctest.Wait()
		a.set(func() { a.down = nil })
		time.Sleep(arrivalTime - 10*time.Second)
		synctest.Wait()
		if w.count("events_unattributed") != 0 || w.Stats().Pending != 1 {
			t.Error("an event was dropped while its session may still arrive: the time counts from the end of the archive's outage")
		}
		a.set(func() { a.sessions[id.String()] = rec })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := a.took(); !slices.Equal(got, []string{"event 1"}) || w.Stats().Pending != 0 {
			t.Errorf("the session has arrived, and the archive took %q: want its event, once", got)
		}
		w.stop()
	})
}

// An event of a session that no store knows is put at the journal's end. If that is full,
// nothing would ever make room: the event is one of those that the journal is full of.
func TestUnattributed_AFullJournalGetsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &archive{sessions: map[string]store.Record{}, down: errDown}
		w := open(t, t.TempDir(), a, nil)
		w.AppendUnattributed(event("1", clock.NewID().String()).Event, store.SecretHash{1})
		for err := error(nil); err == nil; {
			_, err = w.Append(nil, event("2", "s"))
		}
		for err := error(nil); err == nil; {
			_, err = w.CommitUnreserved(nil, event("3", "s"))
		}
		w.start(t, Hooks{})
		time.Sleep(time.Minute)
		a.set(func() { a.down = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := w.Stats().Pending; n > 0 || w.count("events_unattributed") != 1 {
			t.Errorf("a minute after the archive is back %d facts wait, and %d events are counted as given up: want none, and one", n, w.count("events_unattributed"))
		}
		w.stop()
	})
}

// A session is looked up once in a batch, also where events can wait no longer.
func TestUnattributed_AFullJournalLooksUpEachSessionOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 50
		a := &archive{sessions: map[string]store.Record{}, slow: lookUpTime + 10*time.Millisecond}
		w := open(t, t.TempDir(), a, nil)
		for range lookUps + 4 {
			id := clock.NewID()
			a.sessions[id.String()] = record(id, clock.Now())
			for i := range each {
				w.AppendUnattributed(event(fmt.Sprint(i), id.String()).Event, store.SecretHash{1})
			}
		}
		for err := error(nil); err == nil; {
			_, err = w.Append(nil, event("2", "s"))
		}
		for err := error(nil); err == nil; {
			_, err = w.CommitUnreserved(nil, event("3", "s"))
		}
		w.start(t, Hooks{})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := w.Stats().Pending; n > 0 {
			t.Errorf("after 2 s %d facts wait for the look-up of %d sessions that takes %v each", n, lookUps+4, a.slow)
		}
		w.stop()
	})
}

// Many requests at once, each with eight cookies whose secret was replaced, use up what
// stores may take of a request: their session is not found in time, and no entry of it
// admits their page views.
func TestUnattributed_ASessionHasItsLimits(t *testing.T) {
	for _, c := range []struct {
		kind  string
		views int64 // in the archive
		sent  int
		want  int
	}{
		{store.EventPageView, live.MaxViews - 1, 3, 3},
		{store.EventPageView, live.MaxViews, 3, 0},
		{"add_to_cart", live.MaxViews, live.MaxEvents + 3, live.MaxEvents},
	} {
		synctest.Test(t, func(t *testing.T) {
			id, a := clock.NewID(), &archive{sessions: map[string]store.Record{}}
			rec := record(id, clock.Now())
			rec.PageViews = c.views
			a.sessions[id.String()] = rec
			w := open(t, t.TempDir(), a, nil)
			w.start(t, Hooks{})
			for i := range c.sent {
				e := event(fmt.Sprint(i), id.String()).Event
				e.EventType = c.kind
				w.AppendUnattributed(e, rec.SecretHash)
				if i%1000 == 999 {
					time.Sleep(time.Second)
				}
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := len(a.took()); got != c.want || w.count("events_pending_capped") != uint64(c.sent-c.want) || w.Stats().Pending != 0 {
				t.Errorf("of %d %s of a session with %d page views the archive got %d, want %d; %d are counted as past the limit", c.sent, c.kind, c.views, got, c.want, w.count("events_pending_capped"))
			}
			w.stop()
		})
	}
}

// The pages of a session that has had many events are short, whichever way they come.
func TestUnattributed_PagesOfASessionWithManyAreCut(t *testing.T) {
	for views, want := range map[int64]int{900: 2000, 5000: live.ShortPage} {
		synctest.Test(t, func(t *testing.T) {
			id, a := clock.NewID(), &archive{sessions: map[string]store.Record{}}
			rec := record(id, clock.Now())
			rec.PageViews = views
			a.sessions[id.String()] = rec
			w := open(t, t.TempDir(), a, nil)
			w.start(t, Hooks{})
			e := event("1", id.String()).Event
			e.EventType, e.Page = store.EventPageView, "/"+strings.Repeat("x", 1999)
			w.AppendUnattributed(e, rec.SecretHash)
			time.Sleep(time.Second)
			synctest.Wait()
			w.stop()
			if len(a.facts) != 1 {
				t.Fatalf("the archive got %d facts, want 1", len(a.facts))
			}
			if got := len(a.facts[0].(*store.EventRecorded).Page); got != want || w.count("pages_shortened") != uint64((2000-want)/(2000-live.ShortPage)) {
				t.Errorf("a page of 2000 bytes in a session with %d page views has %d, want %d; %d are counted as cut", views, got, want, w.count("pages_shortened"))
			}
		})
	}
}

// Until it is known whose an event is, it is written anew each time that it was looked up.
func TestUnattributed_ManyAreNotWrittenAnewAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id, a := clock.NewID(), &archive{sessions: map[string]store.Record{}, slow: 10 * time.Millisecond}
		a.sessions[id.String()] = record(id, clock.Now())
		w := open(t, t.TempDir(), a, nil)
		const many, seconds = 2500, 10
		for i := range many {
			w.AppendUnattributed(event(fmt.Sprint(i), id.String()).Event, store.SecretHash{9})
		}
		w.start(t, Hooks{})
		time.Sleep(seconds * time.Second)
		synctest.Wait()
		if n := w.Stats().Appended; n > (2*seconds+2)*many {
			t.Errorf("%d events whose secret is none of their session's were written %d times in %d s: a stranger who sends some each two minutes keeps a core and the disk at work", many, n, seconds)
		}
		if n := w.Stats().Pending; n != many {
			t.Errorf("%d events wait, want %d", n, many)
		}
		w.stop()
	})
}

// A journal whose disk does not answer refuses what it has no room for. That is lost, and
// has to be counted.
func TestUnattributed_WhatAStalledJournalRefusesDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		w := open(t, t.TempDir(), &archive{}, func(o *Options) {
			o.BeforeWrite = func() error {
				if slow.Load() {
					time.Sleep(10 * time.Second)
				}
				return nil
			}
		})
		for err := error(nil); err == nil; {
			_, err = w.Append(nil, event("2", "s"))
		}
		slow.Store(true)
		if _, err := w.CommitUnreserved(nil, event("3", "s")); !errors.Is(err, ErrLate) {
			t.Fatalf("the disk does not answer, and the journal says %v: the test does not test", err)
		}
		pending := w.Stats().Appended
		n, _ := w.appendAgain([]*unattributed{{event("1", "s").Event, store.SecretHash{}}})
		time.Sleep(time.Minute)
		synctest.Wait()
		if wrote := w.Stats().Appended - pending; n != 0 && wrote < 2 {
			t.Errorf("%d event waits, and none was written: it is lost, and nobody counts it", n)
		}
		w.stop()
	})
}

// A disk that takes its time, because each write is flushed to it, takes as much for many.
func TestUnattributed_ManyAreWrittenAnewTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id, a := clock.NewID(), &archive{sessions: map[string]store.Record{}}
		a.sessions[id.String()] = record(id, clock.Now())
		w := open(t, t.TempDir(), a, func(o *Options) { o.BeforeWrite = func() error { time.Sleep(5 * time.Millisecond); return nil } })
		const many = 1500
		for i := range many {
			w.AppendUnattributed(event(fmt.Sprint(i), id.String()).Event, store.SecretHash{9})
		}
		w.start(t, Hooks{})
		time.Sleep(3 * time.Second)
		if _, err := w.Append(nil, event("2", "s")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := a.took(); !slices.Equal(got, []string{"event 2"}) {
			t.Errorf("2 s after an event the archive has %q, want it: it waits until %d of somebody else were written anew, one by one", got, many)
		}
		w.stop()
	})
}

// Strangers can have as many events as they like that no session is known for.
func TestUnattributed_OthersDoNotWaitUntilTheyAreLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &archive{sessions: map[string]store.Record{}, slow: 10 * time.Millisecond}
		w := open(t, t.TempDir(), a, nil)
		const many = 2000
		for range many {
			rec := record(clock.NewID(), clock.Now())
			rec.EndedAt = rec.StartedAt
			a.sessions[rec.SessionID] = rec
			w.AppendUnattributed(event("1", rec.SessionID).Event, rec.SecretHash)
		}
		if _, err := w.Append(nil, event("2", "s")); err != nil {
			t.Fatal(err)
		}
		w.start(t, Hooks{})
		time.Sleep(time.Second)
		synctest.Wait()
		if got := a.took(); !slices.Equal(got, []string{"event 2"}) {
			t.Errorf("a second later the archive has %q: want the event that stands behind %d others which have to be looked up", got, many)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := w.Stats().Pending; n > 0 || w.count("events_unattributed") != many {
			t.Errorf("a minute later %d facts wait, and %d were looked up: want none, and %d", n, w.count("events_unattributed"), many)
		}
		w.stop()
	})
}
