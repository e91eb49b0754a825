package sessions

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/store"
)

var (
	purposes  = map[Purpose]string{ToCount: "to count", ToKnow: "to know", ToChange: "to change"}
	standings = map[Standing]string{Worthless: "Worthless", UnknownCustomer: "UnknownCustomer", Superseded: "Superseded", Current: "Current"}
)

// An answer of Find. The zero value is an error alone.
type answer struct {
	standing Standing
	known    bool // without an error
}

func check(t *testing.T, w *world, token *cookie.Token, purpose Purpose, what string, want answer) {
	t.Helper()
	e, standing, err := w.find(token, purpose)
	if standing != want.standing || (err == nil) != want.known || (e != nil) != (want.standing != Worthless) {
		t.Errorf("%s, %s: Find says %s, with error: %v, with an entry: %v; want %s, with error: %v. An error must never pass for an absence, nor what cannot be known for a customer",
			what, purposes[purpose], standings[standing], err, e != nil, standings[want.standing], !want.known)
	}
	if err != nil && !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%s, %s: the error is %v, which does not say that it cannot be known", what, purposes[purpose], err)
	}
	if e != nil && e.ID() != token.ID {
		t.Errorf("%s, %s: Find returns another session", what, purposes[purpose])
	}
}

// The table in the comment of Find, for what this process holds, for what the
// archive has, and for both.
func TestFind_WhileTheHotStoreFails(t *testing.T) {
	w := open(t)
	w.hot.err = errDown
	customer := func(rec *store.Record) { rec.CustomerID, rec.AuthenticatedAt = "c", clock.Now() }
	for _, row := range []struct {
		known                     string
		change                    func(rec *store.Record) // nil: nothing is known of the session
		toCount, toKnow, toChange answer
	}{
		{"it has ended", func(rec *store.Record) { rec.EndedAt, rec.EndReason = clock.Now(), store.EndLogout },
			answer{Worthless, true}, answer{}, answer{Worthless, true}},
		{"the secret is current, no customer", func(*store.Record) {},
			answer{Current, false}, answer{}, answer{Current, true}},
		{"the secret is current, a customer's", customer,
			answer{UnknownCustomer, false}, answer{}, answer{Current, true}},
		{"the secret is superseded, no customer", func(rec *store.Record) { rec.SecretHash, rec.Superseded = store.SecretHash{7}, rec.SecretHash },
			answer{Superseded, false}, answer{}, answer{}},
		{"the secret is neither", func(rec *store.Record) { rec.SecretHash, rec.Superseded = store.SecretHash{7}, store.SecretHash{8} },
			answer{}, answer{}, answer{}},
		{"the secret is neither, a customer's", func(rec *store.Record) { customer(rec); rec.SecretHash = store.SecretHash{7} },
			answer{}, answer{}, answer{}},
		{"nothing", nil, answer{}, answer{}, answer{}},
	} {
		for purpose, want := range map[Purpose]answer{ToCount: row.toCount, ToKnow: row.toKnow, ToChange: row.toChange} {
			for _, by := range []string{"this process", "the archive", "both"} {
				token := newToken()
				if row.change != nil {
					rec := record(token)
					row.change(&rec)
					if by != "the archive" {
						w.hold(token.ID, rec, time.Time{})
					}
					if by != "this process" {
						w.archived(t, rec)
					}
				}
				check(t, w, token, purpose, row.known+", known to "+by, want)
			}
		}
	}
}

func TestFind_ToChangeTheArchiveIsAskedInAnyCase(t *testing.T) {
	w := open(t)
	w.hot.err = errDown
	for what, c := range map[string]struct {
		newer             func(rec *store.Record)
		toCount, toChange answer
	}{
		"held as current, and the archive has its end":          {func(rec *store.Record) { rec.EndedAt = clock.Now() }, answer{Current, false}, answer{Worthless, true}},
		"held as current, and the archive has a newer secret":   {func(rec *store.Record) { rec.SecretHash, rec.Superseded = store.SecretHash{7}, rec.SecretHash }, answer{Current, false}, answer{}},
		"held as anonymous, and the archive knows its customer": {func(rec *store.Record) { rec.CustomerID, rec.AuthenticatedAt = "c", clock.Now() }, answer{Current, false}, answer{Current, true}},
	} {
		for purpose, want := range map[Purpose]answer{ToCount: c.toCount, ToChange: c.toChange} {
			token := newToken()
			rec := record(token)
			w.hold(token.ID, rec, time.Time{})
			c.newer(&rec)
			rec.Version++
			w.archived(t, rec)
			check(t, w, token, purpose, what, want)
		}
	}
}

func TestFind_WhileBothStoresFail(t *testing.T) {
	w := open(t)
	w.hot.err, w.archive.err = errDown, errDown
	for purpose, want := range map[Purpose]answer{ToCount: {Current, false}, ToKnow: {}, ToChange: {}} {
		token := newToken()
		w.hold(token.ID, record(token), time.Time{})
		check(t, w, token, purpose, "held as current while both stores fail", want)
		check(t, w, newToken(), purpose, "nothing known while both stores fail", answer{})
	}
}

func TestFind_WhileOnlyTheArchiveFails(t *testing.T) {
	w := open(t)
	w.archive.err = errDown
	for purpose := range purposes {
		check(t, w, newToken(), purpose, "the hot store does not have the session, and the archive fails", answer{})
	}
	token := newToken()
	if !w.Announce(t.Context(), w.Begin(token.ID, record(token), noSiblings)) {
		t.Fatal("the hot store did not take a session")
	}
	for purpose := range purposes {
		check(t, w, token, purpose, "the hot store has the session", answer{Current, true})
	}
}

func TestFind_AnEndIsOvertakenByNothing(t *testing.T) {
	w := open(t)
	token := newToken()
	e := w.Begin(token.ID, record(token), noSiblings)
	w.Announce(t.Context(), e)
	w.hot.err = errDown
	if err := w.End(t.Context(), e, store.EndLogout); err != nil {
		t.Fatal(err)
	}
	if err := w.End(t.Context(), e, store.EndLogout); !errors.Is(err, ErrEnded) {
		t.Errorf("a session that has ended is ended again: %v", err)
	}
	if above := clock.Now().Add(24 * time.Hour).UnixMilli(); e.Version() <= above {
		t.Errorf("the end has version %d: a login within the session's life could reach %d, and overtake it", e.Version(), above)
	}
	w.hot.err = nil // and still has the session as it was before its end
	w.table.Remove(token.ID)
	for purpose := range purposes {
		if _, standing, err := w.find(token, purpose); standing != Worthless {
			t.Errorf("after its end, which the hot store has missed, a session is %s (%v) %s: whoever logged out would be in again", standings[standing], err, purposes[purpose])
		}
	}
}

func TestFind_WhatWasRevokedCountsNowhere(t *testing.T) {
	w := open(t)
	token := newToken()
	rec := record(token)
	rec.CustomerID, rec.AuthenticatedAt = "c", rec.StartedAt
	w.hold(token.ID, rec, clock.Now())
	w.Announce(t.Context(), w.table.Get(token.ID))
	w.archived(t, rec)
	w.revoked.Customer("c", rec.AuthenticatedAt.Add(time.Millisecond), 0)
	for purpose := range purposes {
		if _, standing, _ := w.find(token, purpose); standing != Worthless {
			t.Errorf("the session of a customer who was logged out everywhere is %s %s: no copy of it may count", standings[standing], purposes[purpose])
		}
	}
}

func TestFind_AnOldCopyInTheHotStoreIsAsIfItWereNotThere(t *testing.T) {
	w := open(t)
	token := newToken()
	rec := record(token)
	w.Announce(t.Context(), w.Begin(token.ID, rec, noSiblings))
	w.table.Remove(token.ID)
	renewed := &cookie.Token{ID: token.ID, Secret: cookie.NewSecret()}
	rec.Version, rec.SecretHash, rec.Superseded = rec.Version+1, renewed.Secret.Hash(), rec.SecretHash
	w.archived(t, rec)
	w.revoked.Session(rec.SessionID, rec.Version, 0)
	check(t, w, renewed, ToKnow, "the archive has a login that the hot store has missed", answer{Current, true})
}

// Otherwise parallel requests that set values begin the session's counts anew all the time,
// other instances never learn of them, and its limits do not hold.
func TestFind_ARequestThatWritesMeanwhileIsNoHotStoreThatWasPutBack(t *testing.T) {
	w := open(t)
	token := newToken()
	w.Announce(t.Context(), w.Begin(token.ID, record(token), noSiblings))
	e := w.table.Get(token.ID)
	series := e.Document().Series
	w.hot.late = func() {
		if _, _, err := w.Replace(t.Context(), e, func(*store.Record) error { return nil }); err != nil {
			t.Error(err)
		}
	}
	check(t, w, token, ToKnow, "a session that another request writes while it is read", answer{Current, true})
	if d := e.Document(); d.Series != series || !d.RestoredAt.IsZero() {
		t.Errorf("the session counts under %s, restored at %v, and before under %s: it was not lost", d.Series, d.RestoredAt, series)
	}
	w.hot.Store = memstore.New(0)
	old := e.Document()
	old.Version--
	if _, err := w.Sessions.hot.Replace(t.Context(), &old, 0); err != nil {
		t.Fatal(err)
	}
	check(t, w, token, ToKnow, "a session in a hot store that was put back", answer{Current, true})
	if _, version, _, err := w.hot.Read(t.Context(), token.ID.String()); err != nil || version != e.Version() {
		t.Errorf("a hot store that was put back has version %d, %v, of %d", version, err, e.Version())
	}
}

func TestFind_ToCountBelievesWhatWasReadAMomentAgo(t *testing.T) {
	for _, c := range []struct {
		what     string
		customer string
		ago      time.Duration
		asks     bool
	}{
		{"an anonymous session read 4 s ago", "", anonymousTrust - time.Second, false},
		{"an anonymous session read 6 s ago", "", anonymousTrust + time.Second, true},
		{"a customer's session read just now", "c", 0, false},
		{"a customer's session read 2 s ago", "c", customerTrust + time.Second, true},
	} {
		w := open(t)
		token := newToken()
		rec := record(token)
		rec.CustomerID, rec.AuthenticatedAt = c.customer, rec.StartedAt
		w.hold(token.ID, rec, clock.Now().Add(-c.ago))
		for _, purpose := range []Purpose{ToCount, ToKnow} {
			w.hot.calls = 0
			if _, standing, err := w.find(token, purpose); err == nil && !c.asks && purpose == ToCount && standing != Current {
				t.Errorf("%s is %s", c.what, standings[standing])
			}
			if want := c.asks || purpose != ToCount; (w.hot.calls > 0) != want {
				t.Errorf("%s, %s: the hot store was asked %d times; is it to be asked: %v", c.what, purposes[purpose], w.hot.calls, want)
			}
		}
	}
}

func TestFind_AnIDThatIsTooOldIsWorthlessWhateverTheStoresSay(t *testing.T) {
	w := open(t)
	w.hot.err = errDown
	old := newToken()
	ms := clock.Now().Add(-25 * time.Hour).UnixMilli()
	for i := range 6 {
		old.ID[i] = byte(ms >> (40 - 8*i))
	}
	check(t, w, old, ToKnow, "a session that began 25 hours ago and lives for 24", answer{Worthless, true})
	if w.hot.calls != 0 {
		t.Error("the stores were asked for a session that cannot be alive")
	}
}

// A stranger has any number of requests with the cookie of a session that is over, and the hot
// store has forgotten it. The archive is everybody's.
func TestFind_TheArchiveIsAskedOnceForASessionThatIsOver(t *testing.T) {
	ago := func(d time.Duration) func(*store.Record) {
		return func(rec *store.Record) { rec.StartedAt, rec.LastSeenAt = clock.Now().Add(-d), clock.Now().Add(-d) }
	}
	for what, c := range map[string]struct {
		change func(*store.Record)
		after  time.Duration // until it is asked again
	}{
		"that ended":                         {func(rec *store.Record) { rec.EndedAt, rec.EndReason = clock.Now(), store.EndLogout }, goneLong},
		"that has been over for long":        {ago(2 * time.Hour), goneLong},
		"of which activity may still arrive": {ago(time.Hour + time.Second), goneShort},
	} {
		w := open(t)
		token := newToken()
		rec := record(token)
		c.change(&rec)
		w.archived(t, rec)
		w.archive.calls = 0
		for range 100 {
			for purpose := range purposes {
				if _, standing, err := w.find(token, purpose); err != nil || standing != Worthless {
					t.Fatalf("a session %s is %s (%v) %s", what, standings[standing], err, purposes[purpose])
				}
			}
		}
		if w.archive.calls != 1 {
			t.Errorf("for a session %s the archive was asked %d times by 300 requests, want once", what, w.archive.calls)
		}
		if at := clock.Now(); !w.gone.knows(goneKey(token.ID), at.Add(c.after-100*time.Millisecond)) || w.gone.knows(goneKey(token.ID), at.Add(c.after+100*time.Millisecond)) {
			t.Errorf("a session %s is not remembered for %v", what, c.after)
		}
	}
}

// A stranger can fill a hot store. Then it has no session that has begun since, and each
// request of one would read the archive, which is everybody's.
func TestFind_TheArchiveIsAskedOnceForASessionThatAFullHotStoreDoesNotTake(t *testing.T) {
	for what, customer := range map[string]string{"nobody's": "", "a customer's": "c"} {
		w := open(t)
		token := newToken()
		rec := record(token)
		if rec.CustomerID = customer; customer != "" {
			rec.AuthenticatedAt = rec.StartedAt
		}
		w.archived(t, rec)
		w.hot.refuses = store.ErrNoWrites
		w.archive.calls = 0
		for range 100 {
			for _, purpose := range []Purpose{ToCount, ToKnow} {
				if e, standing, err := w.find(token, purpose); err != nil || standing != Current || e.SessionID() != rec.SessionID {
					t.Fatalf("%s session that only the archive has is %s (%v) %s", what, standings[standing], err, purposes[purpose])
				}
			}
		}
		if customer == "" && w.archive.calls != 1 {
			t.Errorf("for %s session that a full hot store does not take the archive was asked %d times by 200 requests, want once", what, w.archive.calls)
		}
		if customer != "" && w.archive.calls < 200 {
			t.Errorf("for %s session, which is only believed if it is read, the archive was asked %d times by 200 requests", what, w.archive.calls)
		}
		w.archive.calls = 0
		if _, standing, err := w.find(token, ToChange); err != nil || standing != Current || w.archive.calls != 1 {
			t.Errorf("%s session that is to be changed is %s (%v), and the archive was asked %d times, want once", what, standings[standing], err, w.archive.calls)
		}
		w.hot.refuses = nil
		time.Sleep(goneShort + 100*time.Millisecond)
		for range 2 {
			if _, _, err := w.find(token, ToKnow); err != nil {
				t.Fatal(err)
			}
		}
		if doc, _, _, err := w.hot.Read(t.Context(), rec.SessionID); doc == nil || err != nil {
			t.Errorf("%s session is not put into a hot store that takes it again (%v)", what, err)
		}
	}
}

// While the hot store fails the archive says whether a session has ended. It is asked once, too.
func TestFind_TheArchiveIsAskedOnceForASessionThatIsOverWhileTheHotStoreFails(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*store.Record)
		known  bool // that it is over: the hot store may know of later activity
	}{
		"that ended": {func(rec *store.Record) { rec.EndedAt, rec.EndReason = clock.Now(), store.EndLogout }, true},
		"that is old": {func(rec *store.Record) {
			rec.StartedAt, rec.LastSeenAt = clock.Now().Add(-2*time.Hour), clock.Now().Add(-2*time.Hour)
		}, false},
		"of nobody": {nil, false},
	} {
		w := open(t)
		token := newToken()
		if c.change != nil {
			rec := record(token)
			c.change(&rec)
			w.archived(t, rec)
		}
		w.hot.err = errDown
		w.archive.calls = 0
		for range 100 {
			for _, purpose := range []Purpose{ToCount, ToChange} {
				if _, standing, err := w.find(token, purpose); standing != Worthless || (err == nil) != c.known {
					t.Fatalf("while the hot store fails a session %s is %s (%v) %s", what, standings[standing], err, purposes[purpose])
				}
			}
		}
		if w.archive.calls != 1 {
			t.Errorf("for a session %s the archive was asked %d times by 200 requests while the hot store failed, want once", what, w.archive.calls)
		}
	}
}

func TestGone_IsBoundedAndForgetsTheOlderHalf(t *testing.T) {
	var g gone
	at := clock.Now()
	key := func(n int) (k goneKey) { k[0], k[1], k[2] = byte(n), byte(n>>8), byte(n>>16); return k }
	for n := range 3 * maxGone {
		g.note(key(n), at, goneLong)
		if len(g.young)+len(g.old) > maxGone {
			t.Fatalf("it holds %d, of at most %d", len(g.young)+len(g.old), maxGone)
		}
	}
	if g.knows(key(0), at) || !g.knows(key(3*maxGone-1), at) || !g.knows(key(3*maxGone-maxGone/2), at) {
		t.Error("want the oldest forgotten, and the latest half known")
	}
	if g.knows(key(3*maxGone-1), at.Add(-time.Minute)) {
		t.Error("a clock that went back makes it remember for longer")
	}
}

func TestGone_OneAsksWhileTheArchiveFailsAndAllOnceItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gone
		var asking, most, asked atomic.Int32
		fails := errDown
		var all sync.WaitGroup
		try := func(within time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			answered, err := g.ask(ctx, goneKey{1})
			if err != nil {
				return
			}
			asked.Add(1)
			if n := asking.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(10 * time.Millisecond)
			asking.Add(-1)
			answered(fails)
		}
		for range 100 {
			all.Go(func() { try(45 * time.Millisecond) })
		}
		all.Wait()
		if most.Load() != 1 || asked.Load() > 5 {
			t.Errorf("%d requests asked an archive that fails, %d at a time: want one at a time until their time is over", asked.Load(), most.Load())
		}
		fails = nil
		asked.Store(0)
		for range 100 {
			all.Go(func() { try(45 * time.Millisecond) })
		}
		all.Wait()
		if asked.Load() != 100 {
			t.Errorf("%d of 100 requests asked an archive that answers in time: what one read must keep no other from reading", asked.Load())
		}
		if len(g.asked) != 0 {
			t.Errorf("%d are left behind", len(g.asked))
		}
	})
}
