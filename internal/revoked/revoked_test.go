package revoked

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/store"
)

var at = time.UnixMilli(1_790_000_000_000).UTC()

// feed is an archive's feed of changes; the cursor counts them.
type feed struct {
	store.Ledger
	changes []store.CredentialChange
	err     error
	asked   []int64 // the cursors that were asked from
}

func (f *feed) CredentialChanges(_ context.Context, after int64) ([]store.CredentialChange, int64, error) {
	f.asked = append(f.asked, after)
	if f.err != nil { // what comes with an error is not to be believed
		return []store.CredentialChange{{SessionID: "wrong", Version: 99}}, 1000, f.err
	}
	return f.changes[after:], int64(len(f.changes)), nil
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
	r := New(&feed{}, nil)
	if r.Covers(session("s", 0)) {
		t.Error("a session is covered of which nothing was revoked")
	}
	r.Session("s", 20)
	r.Session("s", 10) // a lower version takes nothing back
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
	r := New(&feed{}, nil)
	r.Customer("c", at)
	r.Customer("c", at.Add(-time.Hour)) // an earlier time takes nothing back
	for after, want := range map[time.Duration]bool{-time.Millisecond: true, 0: false, time.Millisecond: false} {
		rec := customer("c", at.Add(after))
		if r.Covers(rec) != want || r.CoversCustomer(rec) != want {
			t.Errorf("what was authenticated %v after the revocation is covered: %v, %v; want %v", after, r.Covers(rec), r.CoversCustomer(rec), want)
		}
	}
	if r.Covers(customer("another", at.Add(-time.Hour))) || !r.Before("c").Equal(at) {
		t.Error("another customer's revocation covers a session, or an earlier revocation took the place of a later one")
	}
	r.Customer("", at.Add(time.Hour))
	if anonymous := customer("", time.Time{}); r.Covers(anonymous) || r.CoversCustomer(anonymous) || len(r.customers) != 1 {
		t.Error("a session without a customer is covered by a customer's revocation, or a revocation of nobody is kept")
	}
}

func TestForget_NothingThatIsStillNeeded(t *testing.T) {
	r := New(&feed{}, nil)
	now := clock.Now()
	r.Session("s", 20)
	r.Customer("old", now.Add(-time.Hour))
	r.Customer("new", now)
	r.Forget(now.Add(-time.Minute))
	if r.Lowest("s") != 20 || r.Before("new").IsZero() {
		t.Error("a revocation was forgotten that is younger than the time given: a session as old as it could be alive")
	}
	if !r.Before("old").IsZero() {
		t.Error("a revocation that no session is old enough for is kept for ever")
	}
	r.Forget(now.Add(time.Hour))
	if len(r.sessions)+len(r.customers) != 0 {
		t.Errorf("%d sessions and %d customers are kept that were revoked before the time given", len(r.sessions), len(r.customers))
	}
}

func TestFollow_KeepsItsPlaceAndAFailureChangesNothing(t *testing.T) {
	f := &feed{changes: []store.CredentialChange{{SessionID: "s", Version: 5}, {CustomerID: "c", RevokedBefore: at}}}
	r := New(f, nil)
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
	r := New(f, s)
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
	r := New(f, nil)
	for range 2 {
		if err := r.FollowIfReconnected(t.Context()); err != nil || len(f.asked) != 1 {
			t.Errorf("the feed was read %d times (%v), want once: before the first reading nobody may be believed", len(f.asked), err)
		}
	}
}
