package archivetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/footfall-go/footfall/store"
)

var credentialRules = []rule{
	{"higher_version_wins", func(t *tester) {
		t.append(begun(1, 0))
		first := login(1, 10, "c1", 9)
		t.append(first)
		got := t.session(sid(1))
		t.want(got.Credentials(), first.Cred, "credentials are replaced together")
		t.want([]any{got.CustomerID, got.Type()}, []any{"c1", store.TypeCustomer}, "the session says whose it is")
		for _, older := range []int{9, 10} {
			f := login(1, older, "intruder", 8)
			f.Cred.SecretHash = hash(66)
			t.append(f)
			t.want(t.session(sid(1)).Credentials(), first.Cred, "credentials change only to a higher version")
		}
		same := login(1, 10, "c1", 9)
		same.Cred.EndedAt, same.Cred.EndReason = at(11), store.EndLogout
		t.append(same)
		t.want(t.session(sid(1)).Credentials(), first.Cred, "credentials change only to a higher version, not to the same")
		next := login(1, 20, "c1", 19)
		next.Cred.Version = first.Cred.Version + 1
		t.append(next)
		t.want(t.session(sid(1)).Credentials(), next.Cred, "a version that is higher by one is higher")
	}},
	{"credentials_in_any_order", func(t *tester) {
		steps := []*store.CredentialsChanged{login(1, 10, "c", 9), login(1, 20, "c", 19), end(1, 30, "c", 19, store.EndLogout)}
		for i, perm := range permutations(len(steps)) {
			n := 10 + i
			var facts []store.Fact
			for _, p := range perm {
				f := *steps[p]
				f.SessionID = sid(n)
				facts = append(facts, &f)
			}
			if i%2 == 0 {
				t.append(begun(n, 0))
				t.oneByOne(facts...)
			} else {
				t.append(append([]store.Fact{begun(n, 0)}, facts...)...)
			}
			t.want(t.session(sid(n)).Credentials(), steps[2].Cred, "the highest version wins, in whatever order changes arrive (%v)", perm)
		}
	}},
	{"ended_stays_ended", func(t *tester) {
		for n, reason := range []store.EndReason{1: store.EndLogout, store.EndAccountSwitch, store.EndRevoked} {
			if reason == "" {
				continue
			}
			b := begun(n, 0)
			t.append(b, login(n, 10, "c", 9), view(n, n*10, 11))
			t.append(end(n, 20, "c", 9, reason))
			want := t.session(sid(n)).Credentials()
			t.want([]any{want.EndedAt, want.EndReason}, []any{at(20), reason}, "an end has a time and a reason")
			t.append(login(n, 19, "c", 18), view(n, n*10+1, 30), seen(n, 40), b, value(n, "k", "1", 41))
			got := t.session(sid(n))
			t.want(got.Credentials(), want, "an ended session stays ended: older credentials, late events and its beginning arriving again change nothing")
			t.want([]any{got.EndedAt, got.EndReason}, []any{at(20), reason}, "the session shows the end of its credentials")
			t.want(got.LastSeenAt, at(40), "late activity of an ended session is still activity")
			t.wantViews(sid(n), 2, "late page views of an ended session still count")
		}
	}},
	{"revocation_ends_what_was_authenticated_before", func(t *tester) {
		t.append(begun(1, 0), begun(2, 0), begun(3, 0), begun(4, 0), begun(5, 0), begun(6, 0), begun(7, 0))
		t.append(
			login(1, 50, "c", 49), login(2, 101, "c", 99), login(3, 101, "c", 100), login(4, 201, "c", 150), login(5, 50, "other", 49),
			login(6, 30, "c", 29), end(6, 60, "c", 29, store.EndLogout),
		)
		t.append(revoked("c", 100))
		for n, want := range map[int]any{
			1: []any{at(100), store.EndRevoked}, 2: []any{at(100), store.EndRevoked}, 3: []any{time.Time{}, store.EndReason("")},
			4: []any{time.Time{}, store.EndReason("")}, 5: []any{time.Time{}, store.EndReason("")}, 6: []any{at(60), store.EndLogout}, 7: []any{time.Time{}, store.EndReason("")},
		} {
			s := t.session(sid(n))
			t.want([]any{s.EndedAt, s.EndReason}, want, "session %d, authenticated at %s: a revocation ends the customer's sessions that were authenticated before it, and no others", n, s.AuthenticatedAt.Format(time.TimeOnly+".000"))
		}
		t.want(t.session(sid(1)).CustomerID, "c", "an ended session is still its customer's")
		t.append(revoked("c", 100), revoked("c", 90))
		s := t.session(sid(3))
		t.want(s.EndedAt.IsZero(), true, "the same revocation again, or an older one, ends nothing more")
	}},
	{"revocation_ends_only_what_is_alive", func(t *tester) {
		// Session 1 was idle for too long before the revocation, session 2 grew too old,
		// session 3 is alive.
		const hour, day = 3_600_000, 24 * 3_600_000
		t.append(begun(1, 0), login(1, 10, "c", 9), view(1, 1, 50), begun(2, 0), login(2, 10, "c", 9), seen(2, day-1000))
		t.append(begun(3, 20*day-50), login(3, 20*day-40, "c", 20*day-45))
		facts := []store.Fact{revoked("c", 20*day), revoked("c", 20*day+hour)}
		t.append(facts...)
		t.append(facts...)
		t.want(t.session(sid(3)).LastSeenAt, at(20*day-50), "a revocation is no activity of the visitor")
		// Session 4 is as session 1, but it arrives after the revocations; session 5 as session 3.
		t.append(begun(4, 0), login(4, 10, "c", 9), begun(5, 20*day-50), login(5, 20*day-40, "c", 20*day-45))
		stored, err := t.a.CustomerSessions(t.Context(), "c", 10)
		if err != nil {
			t.Fatalf("CustomerSessions: %v", err)
		}
		for _, s := range stored {
			alive := s.StartedAt.Equal(at(20*day - 50))
			t.want([]any{s.SessionID, !s.EndedAt.IsZero(), t.session(s.SessionID).EndReason == store.EndRevoked}, []any{s.SessionID, alive, alive}, "a revocation writes an end into a session that was alive when it was made, and into no other, whichever arrives first")
		}
		for n, want := range map[int][]any{1: {at(50 + hour/2), store.EndIdle}, 2: {at(day), store.EndAbsolute}, 3: {at(20 * day), store.EndRevoked}} {
			s := store.Lifetimes{}.Ended(t.session(sid(n)).Session, at(21*day))
			t.want([]any{s.EndedAt, s.EndReason}, want, "session %d: a revocation ends what is alive; a session that was over by itself stays as it ended, and its lastSeenAt, from which that is derived, is not moved", n)
		}
	}},
	{"revocation_and_login_in_any_order", func(t *tester) {
		// The login's password check began before the revocation. The login's
		// change may have been made before or after it.
		for i, changed := range []int{60, 140} {
			var first *store.Record
			for j, perm := range permutations(3) {
				n, customer := 10*(i+1)+j, fmt.Sprintf("c-%d-%d", i, j)
				steps := []store.Fact{login(n, changed, customer, 50), revoked(customer, 100), revoked(customer, 200)}
				facts := []store.Fact{begun(n, 0)}
				for _, p := range perm {
					facts = append(facts, steps[p])
				}
				if j%2 == 0 {
					t.oneByOne(facts...)
				} else {
					t.append(facts...)
				}
				t.append(facts...)
				s := t.session(sid(n))
				if s.EndedAt.IsZero() || s.EndReason != store.EndRevoked || s.CustomerID != customer {
					t.Errorf("session %s: a login whose password check began before a revocation is ended by it, whichever arrives first (%v)", show(s.Session), perm)
				}
				if slices.Index(perm, 1) < slices.Index(perm, 2) {
					if first == nil {
						first = &s
					}
					t.want([]any{s.EndedAt, s.Version}, []any{first.EndedAt, first.Version}, "the order of a login and the revocations that end it does not matter (%v)", perm)
				}
			}
		}
	}},
	{"revocation_reaches_sessions_that_begin_logged_in", func(t *tester) {
		for n, facts := range [][]store.Fact{1: {nil, revoked("c1", 100)}, 2: {revoked("c2", 100), nil}} {
			if facts == nil {
				continue
			}
			b := begun(n, 60) // an account switch begins a session that has a customer from the start
			b.CustomerID, b.AuthenticatedAt = fmt.Sprintf("c%d", n), at(50)
			facts[slices.Index(facts, nil)] = b
			t.oneByOne(facts...)
			t.append(facts...)
			s := t.session(sid(n))
			t.want([]any{s.EndedAt, s.EndReason}, []any{at(100), store.EndRevoked}, "a session that began logged in, by a password check from before a revocation, is ended by it, whichever arrives first")
		}
	}},
	{"login_after_revocation", func(t *tester) {
		t.append(begun(1, 0), revoked("c", 100), login(1, 150, "c", 120))
		t.append(revoked("c", 100))
		t.want(t.session(sid(1)).EndedAt.IsZero(), true, "a login whose password check began after a revocation stands")
	}},
	{"credential_changes", func(t *tester) {
		facts := []store.Fact{
			begun(1, 0), begun(2, 0), login(1, 10, "c1", 9), revoked("c2", 20), end(1, 30, "c1", 9, store.EndLogout), login(2, 40, "c2", 35), revoked("c2", 50),
		}
		want := []store.CredentialChange{
			{SessionID: sid(1), Version: version(10)}, {CustomerID: "c2", RevokedBefore: at(20)}, {SessionID: sid(1), Version: version(30)},
			{SessionID: sid(2), Version: version(40)}, {CustomerID: "c2", RevokedBefore: at(50)},
		}
		var got []store.CredentialChange
		cursor := int64(0)
		for _, f := range facts {
			t.append(f)
			changes, next := t.changes(cursor)
			if len(changes) > 0 && next <= cursor {
				t.Errorf("the cursor went from %d to %d: it grows with each change", cursor, next)
			}
			if len(changes) == 0 && next < cursor {
				t.Errorf("the cursor went back from %d to %d: it never does", cursor, next)
			}
			got, cursor = append(got, changes...), next
		}
		t.want(got, want, "each change appears once, after the cursor of those before it, oldest first")
		all, end := t.changes(0)
		t.want(all, want, "the feed from its beginning has all changes")
		t.want(end, cursor, "the cursor does not depend on the steps in which the feed was read")
		t.append(facts...)
		t.oneByOne(facts...)
		again, _ := t.changes(cursor)
		t.want(len(again), 0, "a replay changes nothing, so nothing appears in the feed")
		t.append(login(1, 5, "c1", 4))
		again, _ = t.changes(cursor)
		t.want(len(again), 0, "credentials that are not newer change nothing, so nothing appears in the feed")
	}},
	{"only_what_had_a_customer_is_in_the_feed", func(t *tester) {
		t.append(begun(1, 0), begun(2, 0), begun(3, 0), begun(4, 0), begun(5, 0))
		t.append(end(1, 10, "", 0, store.EndLogout), end(2, 11, "", 0, store.EndRevoked), end(5, 50, "", 0, store.EndLogout))
		t.oneByOne(begun(1, 0), end(1, 10, "", 0, store.EndLogout))
		changes, _ := t.changes(0)
		t.want(len(changes), 0, "the end of a session that never had a customer is not in the feed: a stranger could make it as long as he likes")
		t.want(t.session(sid(1)).EndReason, store.EndLogout, "the end of a session that never had a customer stands in the session")

		undone := end(3, 30, "", 0, "") // the login is undone: its secret never reached the browser
		undone.Cred.EndedAt, undone.Cred.EndReason = time.Time{}, ""
		t.append(login(3, 20, "c3", 19), undone, end(3, 40, "", 0, store.EndLogout), login(4, 20, "c4", 19), end(4, 40, "c4", 19, store.EndLogout))
		want := []store.CredentialChange{
			{SessionID: sid(3), Version: version(20)}, {SessionID: sid(3), Version: version(30)},
			{SessionID: sid(4), Version: version(20)}, {SessionID: sid(4), Version: version(40)},
		}
		changes, cursor := t.changes(0)
		t.want(changes, want, "in the feed are logins, and what takes a customer away: an end, or a login that is undone. What follows without a customer is not")

		late := login(5, 40, "c5", 39) // of another process, stored after the end that it did not know of
		t.append(late)
		t.append(late)
		t.oneByOne(begun(5, 0), late)
		changes, _ = t.changes(cursor)
		t.want(changes, []store.CredentialChange{{SessionID: sid(5), Version: version(50)}}, "a login that arrives after the end of its session, which had no customer until then, puts that end into the feed, once: copies of the login must not count")
	}},
	{"credential_changes_are_read_in_pages", func(t *tester) {
		var facts []store.Fact
		for i := range 25 {
			facts = append(facts, revoked(fmt.Sprintf("c%d", i), 10+i))
		}
		t.append(facts...)
		all, end := t.changes(0)
		var read []store.CredentialChange
		cursor := int64(0)
		for left := int64(25); left > 0; {
			page := t.page(cursor, 4)
			n := min(left, 4)
			left -= n
			t.want([]int64{int64(len(page.Changes)), page.Left}, []int64{n, left}, "a page has at most limit changes, and says how many are behind it")
			if len(page.Changes) == 0 || page.Next <= cursor {
				return
			}
			read, cursor = append(read, page.Changes...), page.Next
		}
		t.want(read, all, "pages have what the feed has")
		t.want(cursor, end, "the cursor does not depend on the size of the pages")
		for _, limit := range []int{0, -1} {
			page := t.page(0, limit)
			t.want([]any{len(page.Changes), page.Left > 0}, []any{0, true}, "a page with a limit of zero or less is empty, and not the last one")
		}
	}},
	{"latest_revocation_of_a_customer", func(t *tester) {
		t.append(begun(1, 0), login(1, 10, "b", 9), revoked("c", 20), revoked("c", 40), revoked("c", 30), revoked("d", 50))
		for customer, want := range map[string]time.Time{"a": {}, "b": {}, "c": at(40), "d": at(50), "C": {}} {
			before, err := t.a.RevokedBefore(t.Context(), customer)
			t.want([]any{before, err}, []any{want, nil}, "RevokedBefore is the latest revocation of customer %s", customer)
		}
	}},
	{"many_credential_changes", func(t *tester) {
		n := t.of(1200, 40)
		var facts []store.Fact
		for i := range n {
			facts = append(facts, revoked(fmt.Sprintf("c%d", i), 10+i))
		}
		t.append(facts...)
		changes, cursor := t.changes(0)
		t.want(len(changes), n, "every change of a batch is in the feed")
		for i, c := range changes {
			if c.CustomerID != fmt.Sprintf("c%d", i) {
				t.Errorf("change %d is of %s: the feed keeps the order of the batch", i, c.CustomerID)
				break
			}
		}
		rest, next := t.changes(cursor)
		t.want([]int64{int64(len(rest)), next}, []int64{0, cursor}, "after the last change there is nothing")
	}},
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return all
}
