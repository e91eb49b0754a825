package revoked

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/store"
)

var at = time.UnixMilli(1_790_000_000_000).UTC()

// feed is an archive's feed of changes; the cursor counts them.
type feed struct {
	store.Ledger
	changes []store.CredentialChange
	mu      sync.Mutex
	err     error
	asked   []int64 // the cursors that were asked from
	pages   int     // after so many one fails, as by a timeout; 0: none does
	before  func()  // is called before a page is read
}

func open(f *feed, hot store.HotStore) *Revoked {
	return New(f, hot, Options{MaxAge: 24 * time.Hour, Counts: new(count.Set)})
}

func (f *feed) CredentialChanges(ctx context.Context, after int64, limit int) (store.ChangesPage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, after)
	if f.before != nil {
		f.before()
	}
	if f.err == nil && f.pages > 0 && len(f.asked)%(f.pages+1) == 0 {
		return store.ChangesPage{Changes: []store.CredentialChange{{SessionID: "wrong", Version: 99}}, Next: 1000}, context.DeadlineExceeded
	}
	if f.err != nil { // what comes with an error is not to be believed
		return store.ChangesPage{Changes: []store.CredentialChange{{SessionID: "wrong", Version: 99}}, Next: 1000}, f.err
	}
	end := min(after+int64(limit), int64(len(f.changes)))
	return store.ChangesPage{Changes: f.changes[after:end], Next: end, Left: int64(len(f.changes)) - end}, ctx.Err()
}

// server is a hot store that has made so many connections.
type server struct {
	store.HotStore
	connects uint64
}

func (s *server) Connects() uint64 { return s.connects }

func session(id string, version int64) *store.Record {
	return &store.Record{Session: store.Session{SessionID: id}, Version: version}
}

func customer(id string, authenticated time.Time) *store.Record {
	return &store.Record{Session: store.Session{SessionID: "any", CustomerID: id}, Version: 1, AuthenticatedAt: authenticated}
}

func TestCovers_LowerVersionsOfASession(t *testing.T) {
	r := open(&feed{}, nil)
	if r.Covers(session("s", 0)) {
		t.Error("a session is covered of which nothing was revoked")
	}
	r.Session("s", 20, 0)
	r.Session("s", 10, 0) // a lower version takes nothing back
	for version, want := range map[int64]bool{19: true, 20: false, 21: false} {
		if r.Covers(session("s", version)) != want {
			t.Errorf("versions of a session below 20 do not count any more, and version %d is covered: %v", version, !want)
		}
	}
	if r.Lowest("s") != 20 || r.Covers(session("another", 1)) {
		t.Errorf("the lowest version that counts is %d, want 20; and no other session is covered", r.Lowest("s"))
	}
	if r.CoversCustomer(session("s", 1)) {
		t.Error("a revoked version of a session is taken for a revoked customer")
	}
}

func TestCovers_WhatACustomerAuthenticatedBefore(t *testing.T) {
	r := open(&feed{}, nil)
	r.Customer("c", at, 0)
	r.Customer("c", at.Add(-time.Hour), 0) // an earlier time takes nothing back
	for after, want := range map[time.Duration]bool{-time.Millisecond: true, 0: false, time.Millisecond: false} {
		rec := customer("c", at.Add(after))
		if r.Covers(rec) != want || r.CoversCustomer(rec) != want {
			t.Errorf("what was authenticated %v after the revocation is covered: %v, %v; want %v", after, r.Covers(rec), r.CoversCustomer(rec), want)
		}
	}
	if r.Covers(customer("another", at.Add(-time.Hour))) || !r.Before("c").Equal(at) {
		t.Error("another customer's revocation covers a session, or an earlier revocation took the place of a later one")
	}
	r.Customer("", at.Add(time.Hour), 0)
	if anonymous := customer("", time.Time{}); r.Covers(anonymous) || r.CoversCustomer(anonymous) || r.mem.len() != 1 {
		t.Error("a session without a customer is covered by a customer's revocation, or a revocation of nobody is kept")
	}
}

func TestSweep_ForgetsNothingThatIsStillNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(&feed{}, nil)
		const hours = 100
		for hour := range hours {
			r.Session(fmt.Sprint("s-", hour), 20, 0)
			r.Customer(fmt.Sprint("c-", hour), at, 0)
			for range 6 {
				time.Sleep(10 * time.Minute)
				r.Sweep()
			}
			for age := range hour {
				s, c := r.Lowest(fmt.Sprint("s-", hour-age)), r.Before(fmt.Sprint("c-", hour-age))
				if age < 24 && (s != 20 || !c.Equal(at)) {
					t.Fatalf("a revocation was forgotten after %d hours: a session as old as it could be alive for 24", age)
				}
				if age > 24+24/3+2 && (s != 0 || !c.IsZero()) {
					t.Fatalf("a revocation is kept for %d hours, when no session is old enough for it", age)
				}
			}
		}
		for range 40 {
			time.Sleep(time.Hour)
			r.Sweep()
		}
		if n := r.mem.len(); n > 0 {
			t.Errorf("%d revocations are kept that no session is old enough for", n)
		}
	})
}

// Housekeeping holds the lock that each request needs.
func TestSweep_LooksAtGenerationsNotAtEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var work []uint64
		for _, entries := range []int{100, 100_000} {
			r := open(&feed{}, nil)
			for i := range entries {
				r.Session(fmt.Sprint("s-", i), 20, 0)
			}
			for range 100 {
				time.Sleep(time.Hour)
				r.Sweep()
			}
			if r.mem.len() > 0 {
				t.Errorf("%d of %d entries were not forgotten", r.mem.len(), entries)
			}
			work = append(work, r.mem.visited)
		}
		if work[0] != work[1] || work[0] > 100*generations {
			t.Errorf("100 times housekeeping took %d steps with 100 entries and %d with 100,000: its work must not grow with what is revoked", work[0], work[1])
		}
	})
}

func TestFollow_KeepsItsPlaceAndAFailureChangesNothing(t *testing.T) {
	f := &feed{changes: []store.CredentialChange{{SessionID: "s", Version: 5}, {CustomerID: "c", RevokedBefore: at}}}
	r := open(f, nil)
	ctx := t.Context()
	if err := r.Follow(ctx); err != nil || r.Lowest("s") != 5 || !r.Before("c").Equal(at) {
		t.Errorf("after following the feed (%v) version %d is the lowest and %v the time; want what the feed says", err, r.Lowest("s"), r.Before("c"))
	}
	f.err = errors.New("down")
	f.changes = append(f.changes, store.CredentialChange{SessionID: "s", Version: 7})
	if err := r.Follow(ctx); !errors.Is(err, f.err) {
		t.Errorf("the feed failed, and following it says %v", err)
	}
	if r.Lowest("s") != 5 || r.Lowest("wrong") != 0 || r.cursor != 2 {
		t.Errorf("a failure changed what is known: version %d, cursor %d", r.Lowest("s"), r.cursor)
	}
	f.err = nil
	if err := r.Follow(ctx); err != nil || r.Lowest("s") != 7 {
		t.Errorf("after the failure (%v) version %d is the lowest, want 7: what was missed has to be read", err, r.Lowest("s"))
	}
	if want := []int64{0, 2, 2}; len(f.asked) != 3 || f.asked[1] != want[1] || f.asked[2] != want[2] {
		t.Errorf("the feed was read from %v, want %v: each change once, and none left out", f.asked, want)
	}
}

func TestFollowIfReconnected_ReadsOncePerConnection(t *testing.T) {
	f, s := &feed{}, &server{connects: 1}
	r := open(f, s)
	reads := func(want int, when string) {
		t.Helper()
		err := r.FollowIfReconnected(t.Context())
		if len(f.asked) != want || (err != nil) != (f.err != nil) {
			t.Errorf("%s: the feed was read %d times (%v), want %d", when, len(f.asked), err, want)
		}
	}
	reads(1, "never read before")
	reads(1, "the same connection")
	s.connects = 2
	f.err = errors.New("down")
	reads(2, "a new connection, which may be to a server that was restored")
	reads(3, "the reading after a new connection has failed: it is still to be done")
	f.err = nil
	reads(4, "the archive answers again")
	reads(4, "the same connection as before")
}

func TestFollowIfReconnected_AStoreWithoutConnectionsIsReadOnce(t *testing.T) {
	f := &feed{}
	r := open(f, nil)
	for range 2 {
		if err := r.FollowIfReconnected(t.Context()); err != nil || len(f.asked) != 1 {
			t.Errorf("the feed was read %d times (%v), want once: before the first reading nobody may be believed", len(f.asked), err)
		}
	}
}

func manyChanges(n int) []store.CredentialChange {
	changes := make([]store.CredentialChange, n)
	for i := range changes {
		changes[i] = store.CredentialChange{SessionID: fmt.Sprintf("s-%07d", i), Version: int64(i + 1)}
	}
	return changes
}

func TestFollow_EachPageIsKeptEvenIfTheNextOneFails(t *testing.T) {
	const n = 200_000
	f := &feed{changes: manyChanges(n), pages: 3} // each fourth page fails, as if there were time for three
	r := open(f, nil)
	tries := 0
	for err := context.DeadlineExceeded; err != nil; tries++ {
		before := r.cursor
		if err = r.Follow(t.Context()); err == nil {
			break
		}
		if r.cursor <= before {
			t.Fatalf("a reading that was cut off after three pages left the cursor at %d: the next one begins where it began, and never ends", r.cursor)
		}
		read, left, whole := r.Progress()
		if whole || read+left != n || read != r.cursor {
			t.Fatalf("after %d changes of %d a reading says that it read %d, that %d are left, and whole: %v", r.cursor, n, read, left, whole)
		}
		if r.Lowest(fmt.Sprintf("s-%07d", r.cursor-1)) != r.cursor || r.Lowest("wrong") != 0 {
			t.Fatal("what a page said is not known, because the next one failed; or what came with an error is")
		}
		if err := r.FollowIfReconnected(canceled(t)); err == nil {
			t.Fatal("before the feed was read to its end a customer is believed")
		}
	}
	if _, left, whole := r.Progress(); !whole || left != 0 || r.Lowest(fmt.Sprintf("s-%07d", n-1)) != n {
		t.Errorf("after %d readings the feed is whole: %v, %d left", tries, whole, left)
	}
	if tries < 2 {
		t.Errorf("the feed was read in %d readings: the pages that fail were not asked for", tries)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestFollow_AsksForSmallerPagesWhileTheyFail(t *testing.T) {
	f := &feed{changes: manyChanges(10), err: errors.New("too slow")}
	r := open(f, nil)
	for range 20 {
		_ = r.Follow(t.Context())
	}
	if r.limit != minPage {
		t.Errorf("after 20 pages that failed, %d changes are asked for at a time: want %d, so that some timeout is long enough", r.limit, minPage)
	}
}

func TestFollow_AFeedThatStandsStillIsAnError(t *testing.T) {
	r := open(&feed{}, nil)
	r.feed = stuck{}
	if err := r.Follow(t.Context()); !errors.Is(err, errStandsStill) {
		t.Errorf("an archive says that 10 changes are left and shows none: %v. This must neither go on for ever nor pass for the end", err)
	}
}

type stuck struct{ store.Ledger }

func (stuck) CredentialChanges(_ context.Context, after int64, _ int) (store.ChangesPage, error) {
	return store.ChangesPage{Next: after, Left: 10}, nil
}

func TestFollow_ManyWhoAskShareOneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &feed{changes: manyChanges(10), before: func() { time.Sleep(10 * time.Millisecond) }}
		r := open(f, nil)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if err := r.FollowIfReconnected(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(f.asked); n > 2 { // one may have begun before the others asked
			t.Errorf("100 requests at the same moment read the feed %d times: one reading that begins after they asked is enough for all", n)
		}
	})
}

func TestExpire_HasTheFeedReadOnceMore(t *testing.T) {
	f := &feed{}
	r := open(f, nil)
	if err := r.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Expire()
	if _, _, whole := r.Progress(); whole || r.FollowIfReconnected(t.Context()) != nil || len(f.asked) != 2 {
		t.Errorf("after Expire the feed counts as read: %v, and was read %d times, want twice", whole, len(f.asked))
	}
}
