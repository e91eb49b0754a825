package archivetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// sharedRules are the rules for an archive to which several processes append. t.a
// and t.other stand for two of them.
var sharedRules = []rule{
	{"begin_is_said_by_every_journal", func(t *tester) {
		t.append(begun(1, 0), view(1, 1, 5), value(1, "cart", "1", 6))
		want := t.session(sid(1))
		for _, ms := range []int{-50, 50} {
			b := begun(1, 0)
			b.LastSeenAt, b.LandingPage = at(ms), "/other"
			b.Version, b.SecretHash = version(ms), hash(50)
			b.Values = map[string]store.Value{"cart": {JSON: json.RawMessage("2")}, "more": {JSON: json.RawMessage("3")}}
			t.otherAppends(b)
			t.want(t.session(sid(1)), want, "a session begins once: another journal's word for it, with older or newer credentials and values, changes nothing")
		}
		changes, _ := t.changes(0)
		t.want(len(changes), 0, "a beginning said again is no change of credentials")
	}},
	{"late_beginning_loses_nothing", func(t *tester) {
		b := begun(1, 0)
		b.SetCredentials(login(1, 20, "c", 19).Cred)
		t.otherAppends(b, view(1, 2, 25))
		t.append(begun(1, 0), view(1, 1, 5), login(1, 10, "c", 9), login(1, 20, "c", 19))
		t.want(t.session(sid(1)).Credentials(), b.Credentials(), "older credentials that arrive late, with their beginning, replace none that are newer")
		t.wantViews(sid(1), 2, "events of two journals")
	}},
	{"journals_in_any_order", journalsInAnyOrder},
	{"one_session_from_two_sides", oneSessionFromTwoSides},
	{"credentials_from_two_sides", credentialsFromTwoSides},
	{"feed_read_beside_writers", feedReadBesideWriters},
	{"orders_from_two_sides", ordersFromTwoSides},
	{"order_completed_from_two_sides", completedFromTwoSides},
	{"login_and_revocation_from_two_sides", func(t *tester) {
		for n := 1; n <= t.of(40, 12); n++ {
			customer := fmt.Sprintf("c%d", n)
			t.append(begun(n, 0))
			t.both(func(a Archive) error { return a.Append(t.Context(), []store.Fact{login(n, 60, customer, 50)}) },
				func(a Archive) error { return a.Append(t.Context(), []store.Fact{revoked(customer, 100)}) })
			s := t.session(sid(n))
			t.want([]any{s.CustomerID, s.EndedAt, s.EndReason}, []any{customer, at(100), store.EndRevoked},
				"a login whose password check began before a revocation is ended by it, also when both arrive at the same moment")
		}
	}},
	{"fold_from_one_side_facts_from_the_other", func(t *tester) {
		for i := range t.of(30, 5) {
			host, guest, id := 2*i+1, 2*i+2, 100*i
			t.append(begun(host, 0), view(host, id+1, 1), begun(guest, 2), view(guest, id+2, 3))
			t.both(func(a Archive) error { return a.Append(t.Context(), []store.Fact{fold(host, guest)}) },
				func(a Archive) error {
					return a.Append(t.Context(), []store.Fact{begun(guest, 2), view(guest, id+3, 50), end(guest, 60, "", 0, store.EndRevoked), value(guest, "k", "1", 61)})
				})
			s := t.session(sid(guest))
			t.want([]any{s.EndedAt, s.EndReason, len(s.Values)}, []any{at(60), store.EndRevoked, 1}, "a fact that arrives while its session is folded is not lost")
			t.append(seen(guest, 70))
			t.want(t.eventIDs(sid(host)), []string{eid(id + 1)}, "after a fold that was undone each session has its own events")
			t.want(t.eventIDs(sid(guest)), []string{eid(id + 2), eid(id + 3)}, "after a fold that was undone each session has its own events")
			t.wantViews(sid(host), 1, "a fold beside other facts, undone")
			t.wantViews(sid(guest), 2, "a fold beside other facts, undone")
		}
	}},
	{"fold_from_two_sides", func(t *tester) {
		for i := range t.of(30, 5) {
			host, guest, id := 2*i+1, 2*i+2, 100*i
			t.append(begun(host, 0), view(host, id+1, 1), begun(guest, 2), view(guest, id+2, 3))
			same := func(a Archive) error {
				return a.Append(t.Context(), []store.Fact{fold(host, guest), view(host, id+3, 50)})
			}
			t.both(same, same)
			t.want(t.eventIDs(sid(host)), []string{eid(id + 1), eid(id + 2), eid(id + 3)}, "a fold that two processes do at a time is done once")
			t.wantViews(sid(host), 3, "a fold that two processes do at a time")
			t.want(t.session(sid(guest)).VisitorID, vid(guest), "a session that two processes fold is still there")
			t.want(slices.Contains(t.sessions(report.Filter{}), sid(guest)), false, "a folded session is in no list")
		}
	}},
	{"one_slot_for_two", func(t *tester) {
		for i := range t.of(50, 20) {
			var wins atomic.Int32
			claim := func(a Archive) error {
				mine, err := a.ClaimSlot(t.Context(), "metrics", at(i))
				if mine {
					wins.Add(1)
				}
				return err
			}
			t.both(claim, claim)
			t.want(wins.Load(), int32(1), "exactly one process gets a slot of a job")
		}
	}},
}

func (t *tester) otherAppends(facts ...store.Fact) {
	t.Helper()
	if err := t.other.Append(t.Context(), facts); err != nil {
		t.Fatalf("Append of %d facts by the other process: %v: these facts can be stored", len(facts), err)
	}
}

// both runs a function on each side at the same time.
func (t *tester) both(here, there func(Archive) error) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, 2)
	wg.Go(func() { errs[0] = here(t.a) })
	wg.Go(func() { errs[1] = there(t.other) })
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatalf("beside another process: %v: a shared archive is safe for concurrent use", err)
		}
	}
}

// journalsInAnyOrder mixes two journals, each in order, in different ways and
// with some facts twice.
func journalsInAnyOrder(t *tester) {
	const each = 12
	var want string
	for seed := range uint64(t.of(12, 4)) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		n, id := 1+2*int(seed), 1000*int(seed)
		customer, orderID := fmt.Sprintf("c%d", seed), fmt.Sprintf("o%d", seed)
		one, two := []store.Fact{begun(n, 0), begun(n+1, 1)}, []store.Fact{begun(n+1, 1), begun(n, 0)}
		for i := range each {
			one = append(one, view(n, id+2*i, 10+20*i))
			two = append(two, view(n, id+2*i+1, 20+20*i))
		}
		one = append(one, login(n, 100, customer, 99), value(n, "k", `"one"`, 150), order(orderID, n, 100, 165), login(n+1, 50, customer+"x", 49))
		two = append(two, seen(n, 900), value(n, "k", `"two"`, 140), end(n, 300, customer, 99, store.EndLogout), refund("r"+orderID, orderID, n, 10, 405), revoked(customer+"x", 60))
		for len(one)+len(two) > 0 {
			from, appends := &one, t.append
			if len(one) == 0 || len(two) > 0 && rnd.IntN(2) == 0 {
				from, appends = &two, t.otherAppends
			}
			size := min(len(*from), 1+rnd.IntN(6))
			appends((*from)[:size]...)
			if rnd.IntN(4) == 0 {
				appends((*from)[:size]...)
			}
			*from = (*from)[size:]
		}
		got := ""
		for _, s := range []store.Record{t.session(sid(n)), t.session(sid(n + 1))} {
			got += fmt.Sprintf("%d views, last seen %s, converted %v by %q, values %s, %s\n", s.PageViews, show(s.LastSeenAt), s.Converted, strings.TrimSuffix(s.OrderID, fmt.Sprint(seed)), show(s.Values), show(s.EndReason))
		}
		for i, e := range t.events(sid(n)) {
			got += fmt.Sprintf("event %d: %s at %s\n", i, e.EventType, show(e.CreatedAt))
		}
		if seed == 0 {
			t.wantViews(sid(n), 2*each, "events of two journals")
			want = got
		}
		t.wantSame(got, want, fmt.Sprintf("journals have no order between them: seed %d ends in another state than seed 0", seed))
	}
	changes, _ := t.changes(0)
	wantOnce(t, changes)
}

// wantOnce checks that no change is in the feed twice.
func wantOnce(t *tester, changes []store.CredentialChange) {
	t.Helper()
	there := map[store.CredentialChange]bool{}
	for _, c := range changes {
		if there[c] {
			t.Errorf("the change %s is in the feed twice: each change appears once, whichever process appends it", show(c))
		}
		there[c] = true
	}
}

// oneSessionFromTwoSides appends events of one session from two processes at the
// same time.
func oneSessionFromTwoSides(t *tester) {
	rounds, size := t.of(30, 10), t.of(20, 8)
	latest := 0
	for _, both := range []bool{false, true} { // first each side has its own events, then some are appended by both
		n := 1
		if both {
			n = 2
		}
		side := func(k int) func(Archive) error {
			return func(a Archive) error {
				for r := range rounds {
					facts := []store.Fact{begun(n, 0)}
					for i := range size {
						id := (r*size+i)*2 + k
						if both && i%2 == 0 {
							id = (r*size + i) * 2
						}
						facts = append(facts, view(n, n*1_000_000+id, id))
					}
					if err := a.Append(t.Context(), append(facts, seen(n, r))); err != nil {
						return err
					}
				}
				return nil
			}
		}
		t.both(side(0), side(1))
		views := 2 * rounds * size
		latest = views - 1
		if both {
			views -= rounds * ((size + 1) / 2)
		}
		t.wantViews(sid(n), int64(views), "two processes append events of one session at a time")
		t.want(t.session(sid(n)).LastSeenAt, at(latest), "lastSeenAt is the latest of what two processes saw")
	}
}

func credentialsFromTwoSides(t *tester) {
	rounds := t.of(40, 12)
	for n := 1; n <= t.of(4, 2); n++ {
		t.append(begun(n, 0))
		side := func(k int) func(Archive) error {
			return func(a Archive) error {
				for r := range rounds {
					v := 10 + 10*r
					facts := []store.Fact{login(n, v+k, "c", v), login(n, v+5, "c", v), value(n, fmt.Sprint(k), fmt.Sprint(r), v)} // both sides append the second login
					if r == rounds-1 && k == 1 {
						facts = append(facts, end(n, v+6, "c", v, store.EndLogout))
					}
					if err := a.Append(t.Context(), facts); err != nil {
						return err
					}
				}
				return nil
			}
		}
		t.both(side(0), side(1))
		last := 10*rounds + 6
		t.want(t.session(sid(n)).Credentials(), end(n, last, "c", 10*rounds, store.EndLogout).Cred, "the highest version wins, whichever process appends it")
		t.want(len(t.session(sid(n)).Values), 2, "credentials and values do not undo each other")
		changes, _ := t.changes(0)
		wantOnce(t, changes)
		t.want(slices.Contains(changes, store.CredentialChange{SessionID: sid(n), Version: version(last)}), true, "the change that won is in the feed")
	}
}

// feedReadBesideWriters follows the feed while two processes write to it.
func feedReadBesideWriters(t *tester) {
	each := t.of(200, 30)
	var reader sync.WaitGroup
	var done atomic.Bool
	var read []store.CredentialChange
	reader.Go(func() {
		cursor := int64(0)
		for last := false; !last; {
			last = done.Load() // read once more after the writers have ended
			page, err := t.a.CredentialChanges(t.Context(), cursor, 1000)
			if err != nil {
				t.Errorf("CredentialChanges beside writers: %v", err)
				return
			}
			read, cursor = append(read, page.Changes...), page.Next
			time.Sleep(time.Millisecond)
		}
	})
	side := func(k int) func(Archive) error {
		return func(a Archive) error {
			for i := range each {
				if err := a.Append(t.Context(), []store.Fact{revoked(fmt.Sprintf("c%d-%d", k, i), i)}); err != nil {
					return err
				}
			}
			return nil
		}
	}
	t.both(side(0), side(1))
	done.Store(true)
	reader.Wait()
	all, _ := t.changes(0)
	t.want(len(all), 2*each, "each change is in the feed")
	t.want(read, all, "whoever follows the feed beside its writers misses nothing and sees nothing twice")
	wantOnce(t, all)
}

func ordersFromTwoSides(t *tester) {
	for n := 1; n <= t.of(30, 10); n++ {
		t.append(begun(n, 0))
		early, late := fmt.Sprintf("early-%d", n), fmt.Sprintf("late-%d", n)
		t.both(func(a Archive) error {
			return a.Append(t.Context(), []store.Fact{order(early, n, 100, 10), refund("r1"+early, early, n, 10, 11)})
		}, func(a Archive) error {
			return a.Append(t.Context(), []store.Fact{order(late, n, 100, 20), refund("r2"+early, early, n, 20, 12), order(early, n, 100, 10)})
		})
		s := t.session(sid(n))
		t.want([]any{s.Converted, s.OrderID}, []any{true, late}, "orderId is the latest order, also of two that arrive at the same moment")
	}
	s := t.stats()
	n := int64(t.of(30, 10))
	t.want(s.Refunded, []store.Money{{Amount: 30 * n, Currency: "EUR"}}, "refunds that arrive at the same moment add up")
	t.want([]int64{s.Orders, s.Converted}, []int64{2 * n, n}, "orders that arrive at the same moment count once")
}
