package live

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/store"
)

var (
	start  = time.UnixMilli(1_790_000_000_000).UTC()
	first  = store.SecretHash{1}
	second = store.SecretHash{2}
	names  = NewNames()
)

// record is a session that began at start, with the first secret.
func record(id uuid.UUID) store.Record {
	return store.Record{
		Session: store.Session{SessionID: id.String(), VisitorID: "v", StartedAt: start, LastSeenAt: start},
		Version: 10, SecretHash: first,
	}
}

func begun() *Entry {
	id := clock.NewID()
	return New(id, record(id), names)
}

// known is an entry that the journal, the archive and the hot store know all of.
func known() *Entry {
	e := begun()
	e.Announced(Outcome{Written: true, Position: 1})
	e.BeginningWritten(1)
	return e
}

func TestMerge_HigherCredentialsWinAndLowerAreIgnored(t *testing.T) {
	e := begun()
	login := record(e.ID())
	login.Version, login.SecretHash, login.Superseded, login.CustomerID = 20, second, first, "c"
	login.Values = map[string]store.Value{"k": {}}
	e.Merge(login, nil, start)
	if got := e.Snapshot(); got.Version != 20 || got.CustomerID != "c" || got.SecretHash != second || len(got.Values) != 1 {
		t.Errorf("a store has version 20 of a session, and the entry that had version 10 is now %+v: the higher version has to win, with its values", got)
	}
	for _, version := range []int64{19, 20} {
		stale := record(e.ID())
		stale.Version = version
		e.Merge(stale, nil, start)
		if got := e.Snapshot(); got.Version != 20 || got.CustomerID != "c" || got.SecretHash != second || len(got.Values) != 1 {
			t.Errorf("another record of version %d changed an entry of version 20 to %+v: only a higher version may change credentials and values", version, got)
		}
	}
}

func TestMerge_TimesAndCountsOnlyGrow(t *testing.T) {
	e, more := begun(), time.Minute
	rec := record(e.ID())
	rec.PageViews, rec.LastSeenAt, rec.Converted, rec.OrderID = 5, start.Add(more), true, "o"
	e.Merge(rec, nil, start.Add(more))
	want := func(what string) {
		t.Helper()
		got, sight := e.Snapshot(), e.Look(&store.SecretHash{9}, start, isOver)
		if got.PageViews != 5 || !got.LastSeenAt.Equal(start.Add(more)) || !got.Converted || got.OrderID != "o" || !sight.ReadAt.Equal(start.Add(more)) {
			t.Errorf("%s: the entry has %d page views, was last seen at %v, converted %v, read at %v: what it knows of these may only grow",
				what, got.PageViews, got.LastSeenAt, got.Converted, sight.ReadAt)
		}
	}
	want("after a record with more of everything")
	e.Merge(record(e.ID()), nil, start)
	want("after a record of the same version with less of everything")
	newer := record(e.ID())
	newer.Version = 11
	e.Merge(newer, nil, start)
	want("after a record with newer credentials and less activity")
	e.MergeArchived(record(e.ID()))
	want("after a record from the archive, which is no reading of the hot store")
	e.Recorded(Outcome{At: start.Add(-time.Hour), Written: true})
	want("after a fact of an earlier time")
	e.Show(3)
	want("after a lower count was shown")
}

// isOver says of no session that it is over.
func isOver(*store.Record, time.Time) bool { return false }

func TestLook_FirstUseOfTheNewSecretStartsTheGraceTime(t *testing.T) {
	e := begun()
	if sight := e.Look(&first, start, isOver); sight.Match != Current || !sight.SecretUsed.IsZero() {
		t.Errorf("the only secret of a session is %v, used since %v: without a superseded secret there is no grace time", sight.Match, sight.SecretUsed)
	}
	login := record(e.ID())
	login.Version, login.SecretHash, login.Superseded, login.RotatedAt = 20, second, first, start
	e.Merge(login, nil, start)
	if sight := e.Look(&first, start.Add(time.Second), isOver); sight.Match != Superseded || !sight.SecretUsed.IsZero() {
		t.Errorf("the secret before the current one is %v, and the grace time runs since %v: only the new secret's first use starts it", sight.Match, sight.SecretUsed)
	}
	for at := range 2 {
		if sight := e.Look(&second, start.Add(time.Duration(2+at)*time.Second), isOver); sight.Match != Current || !sight.SecretUsed.Equal(start.Add(2*time.Second)) {
			t.Errorf("use %d of the new secret: it is %v, and the grace time runs since %v: it has to run since the first use", at+1, sight.Match, sight.SecretUsed)
		}
	}
	third := login
	third.Version, third.SecretHash, third.Superseded, third.RotatedAt = 30, store.SecretHash{3}, second, start
	e.Merge(third, nil, start)
	if sight := e.Look(&second, start, isOver); sight.Match != Superseded || !sight.SecretUsed.IsZero() {
		t.Errorf("after another rotation the secret before is %v, with a grace time since %v: every rotation has a grace time of its own", sight.Match, sight.SecretUsed)
	}
	if sight := e.Look(&store.SecretHash{}, start, isOver); sight.Match != NoMatch {
		t.Error("no secret at all is taken for one of the session's")
	}
	if sight := begun().Look(&store.SecretHash{}, start, isOver); sight.Match != NoMatch {
		t.Error("no secret at all is taken for the superseded secret of a session that has none")
	}
}

func TestLook_OnlyASecretThatMatchesShowsThatTheCookieWasKept(t *testing.T) {
	e := begun()
	if e.Look(&store.SecretHash{9}, start, isOver); e.CookieSeen() {
		t.Error("a wrong secret counts as the session's cookie: anybody who knows its public id could keep it from being folded")
	}
	if e.Look(&first, start, isOver); !e.CookieSeen() {
		t.Error("a request with the right secret does not count as the session's cookie: its session would be folded into another")
	}
	e = begun()
	login := record(e.ID())
	login.Version, login.SecretHash, login.Superseded = 20, second, first
	e.Merge(login, nil, start)
	if e.Look(&first, start, isOver); !e.CookieSeen() {
		t.Error("a request with the superseded secret does not count as the session's cookie")
	}
}

func TestAdmit_BoundsEventsAndPageViewsApart(t *testing.T) {
	e := begun()
	view := &store.EventRecorded{Event: store.Event{EventType: store.EventPageView}}
	other := &store.EventRecorded{Event: store.Event{EventType: "click"}}
	for i := range MaxEvents {
		if e.Admit(other).Refused {
			t.Fatalf("event %d of a session is refused: it may have %d", i+1, MaxEvents)
		}
	}
	if !e.Admit(other).Refused {
		t.Errorf("a session has more than %d events: one client could fill the archive", MaxEvents)
	}
	if e.Admit(view).Refused {
		t.Error("a session with very many events has its page views refused: the bounds are apart")
	}
	e.Show(MaxViews)
	if !e.Admit(view).Refused {
		t.Errorf("a session has more than %d page views", MaxViews)
	}
	if e.Admit(&store.SessionSeen{}).Refused || e.Admit(&store.CredentialsChanged{}).Refused {
		t.Error("a fact that is no event is refused: only events are bounded")
	}
}

func TestAdmit_TheBeginningGoesFirstUntilTheJournalHasIt(t *testing.T) {
	e := begun()
	e.Show(7)
	e.Convert("o", 0)
	if a, first := e.Admit(&store.SessionSeen{}), e.First(); a.Begun || first == nil || first.PageViews != 0 || first.Converted || first.OrderID != "" {
		t.Errorf("a new session's first fact is admitted as %+v: its beginning has to go first, without what other facts count", a)
	}
	e.Announced(Outcome{Position: 3})
	if a := e.Admit(&store.SessionSeen{}); a.Begun || e.First() == nil {
		t.Error("the journal did not confirm a session's beginning, and the next fact goes without it")
	}
	e.Recorded(Outcome{At: start, Written: false, First: true, Position: 4})
	if e.First() == nil || e.Begun() {
		t.Error("a beginning that the journal did not confirm is taken for written")
	}
	e.Recorded(Outcome{At: start, Written: true, First: true, Position: 5})
	if a := e.Admit(&store.SessionSeen{}); !a.Begun || a.First != nil {
		t.Error("the journal has a session's beginning, and every fact repeats it")
	}
	foreign := Loaded(e.ID(), Document{Record: record(e.ID())}, start, store.Activity{}, false, names)
	if a := foreign.Admit(&store.SessionSeen{}); !a.Begun || a.First == nil {
		t.Error("a session that another instance began is recorded without its beginning: journals have no order among them, so each needs its own")
	}
	if foreign.Recorded(Outcome{At: start, Written: true}); foreign.First() == nil {
		t.Error("a fact that went without the session's beginning counts as one that brought it")
	}
	if archived := Loaded(e.ID(), Document{Record: record(e.ID())}, start, store.Activity{}, true, names); archived.First() != nil {
		t.Error("the archive has a session's beginning, and this process appends it once more")
	}
}

func TestExtend_TellsTheJournalOnceAStep(t *testing.T) {
	e := known()
	told := 0
	for i := range 31 { // three seconds
		at := start.Add(time.Duration(i) * 100 * time.Millisecond)
		if write, queue := e.Extend(at, time.Second); write {
			told++
			if queue {
				t.Error("activity that goes to the journal is queued as well: recording it queues it")
			}
			e.Recorded(Outcome{At: at, Written: true})
		}
		if got := e.Snapshot().LastSeenAt; !got.Equal(at) {
			t.Fatalf("a session that was active at %v was last seen at %v", at, got)
		}
	}
	if told != 4 {
		t.Errorf("the journal was told %d times of three seconds of activity, want 4: at once, and then once a step of a second", told)
	}
	at := start.Add(10 * time.Second)
	e.Recorded(Outcome{At: at, Written: false})
	if write, _ := e.Extend(at, time.Second); !write {
		t.Error("a moment that the journal did not take counts as told: the archive would not learn of it")
	}
	unconfirmed := begun()
	unconfirmed.SeenAppended(start, 1, true)
	if write, _ := unconfirmed.Extend(start, time.Hour); !write {
		t.Error("a session whose beginning is in no journal has nothing told: its beginning has to go there at once")
	}
}

func TestRestart_OldCountsAreNotAddedAgain(t *testing.T) {
	e := known()
	view := Outcome{At: start, View: true, Written: true}
	e.Recorded(view)
	e.Recorded(view)
	before, old := e.StartMerge(lives), e.Document()
	e.EndMerge()
	d := e.Restart()
	switch after := e.StartMerge(lives); {
	case before.Activity.Views != 2 || old.PageViews != 0:
		t.Errorf("after two views the document has %d and the merge %d: views are counted on top of the document", old.PageViews, before.Activity.Views)
	case d.PageViews != 2 || after.Activity.Views != 0:
		t.Errorf("a document that is written anew has %d views and %d on top: the two of before belong into it, and only there", d.PageViews, after.Activity.Views)
	case d.Series == old.Series || after.Series != d.Series || after.Writer == before.Writer || d.RestoredAt.IsZero():
		t.Errorf("a document that is written anew goes on with series %q and writer %q (before: %q, %q): late merges of the old series would be added again",
			after.Series, after.Writer, old.Series, before.Writer)
	}
}

func TestKeep_AnotherSeriesHoldsWhatWasCountedBefore(t *testing.T) {
	e := known()
	for range 3 {
		e.Recorded(Outcome{At: start, View: true, Written: true})
	}
	same := e.Document()
	same.PageViews = 3 // with what was merged
	if e.Keep(same, start, store.Activity{Views: 3}) || e.StartMerge(lives).Activity.Views != 3 {
		t.Error("a document of the entry's own series is taken for one that was written anew: what is being counted would be lost")
	}
	anew := same
	anew.Series, anew.PageViews, anew.RestoredAt = "elsewhere-1", 5, start
	writer := e.StartMerge(lives).Writer
	if !e.Keep(anew, start, store.Activity{Views: 1}) {
		t.Error("a document of another series is not reported as written anew: nobody would compare the counts")
	}
	switch m, d := e.StartMerge(lives), e.Document(); {
	case m.Activity.Views != 0 || m.Series != anew.Series || m.Writer == writer:
		t.Errorf("the entry goes on with %d views in series %q: what it counted before is in the new document already", m.Activity.Views, m.Series)
	case d.PageViews != 4 || e.Snapshot().PageViews != 5:
		t.Errorf("the document has %d views and the session %d, want 4 and 5: one of the five was merged on top", d.PageViews, e.Snapshot().PageViews)
	case !e.RestoredAt().Equal(start):
		t.Error("the entry does not know that the hot store had lost the session")
	}
}

func TestAnnounce_RunsUntilTheBeginningIsInTheJournalAndThenNoMore(t *testing.T) {
	e, runs := begun(), 0
	e.Announce(func() { runs++; e.Announced(Outcome{Position: 0}) })
	e.Announce(func() {
		runs++
		if _, _, before := e.Announced(Outcome{Written: true, Position: 1}); !before {
			t.Error("the second announcement is taken for the first: the session would be counted as begun twice")
		}
	})
	e.Announce(func() { runs++ })
	if runs != 2 {
		t.Errorf("the announcement ran %d times: once failed, once succeeded, and then no more", runs)
	}
}

func TestLoaded_ABeginningAheadOfTheClockCountsFromNow(t *testing.T) {
	id := clock.NewID()
	d := Document{Record: record(id)}
	d.StartedAt = time.Now().Add(20 * time.Hour)
	e := Loaded(id, d, time.Now(), store.Activity{}, true, NewNames())
	if now := time.Now(); e.StartedAt().After(now) || e.Snapshot().StartedAt.After(now) {
		t.Errorf("a session began at %v, which is ahead of now: its absolute limit would count from then", e.StartedAt())
	}
}

// A visitor who never comes back costs the hot store one call: what the first request
// recorded stands in the document already, and no merge adds it again.
func TestAnnounced_TheFirstFactIsCountedInTheDocument(t *testing.T) {
	e := begun()
	seen := start.Add(time.Second)
	d, _, before := e.Announced(Outcome{At: seen, View: true, Written: true, Position: 1})
	if before || d.PageViews != 1 || !d.LastSeenAt.Equal(seen) || d.Unbegun {
		t.Errorf("the document of a session that began with a page view has %d views, last seen %v", d.PageViews, d.LastSeenAt)
	}
	e.Recorded(Outcome{At: seen, View: true, Written: true, Position: 2})
	if m := e.StartMerge(store.Lifetimes{}.WithDefaults()); m.Activity.Views != 1 {
		t.Errorf("after a second view, %d are merged on top of the document's 1", m.Activity.Views)
	}
	if d := e.Document(); d.PageViews != 1 || e.Snapshot().PageViews != 2 {
		t.Errorf("a document written later has %d views beside those that are merged, and the session %d: want 1 and 2", d.PageViews, e.Snapshot().PageViews)
	}
	if _, _, before := e.Announced(Outcome{View: true, Position: 3}); !before || e.Snapshot().PageViews != 2 {
		t.Error("a fact of a session that was announced before is counted by Announced")
	}
}

// A merge that is under way may add to the document what was counted before it.
func TestAnnounced_WhatAMergeCarriesIsNotInTheDocument(t *testing.T) {
	e := begun()
	e.AdmitOrder()
	e.StartMerge(store.Lifetimes{}.WithDefaults())
	if d, _, _ := e.Announced(Outcome{Written: true, Position: 1}); d.Orders != 0 {
		t.Errorf("an order that a merge carries is also in the document")
	}
}
