package archivetest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// twoSessions returns session 1, whose cookie came back, and session 2, which is
// folded into it.
func twoSessions() []store.Fact {
	return []store.Fact{begun(1, 0), view(1, 1, 1), begun(2, 2), view(2, 2, 3), event(2, 3, store.EventAddToCart, 4), view(1, 4, 50), fold(1, 2)}
}

var foldRules = []rule{
	{"fold", func(t *tester) {
		t.append(twoSessions()...)
		t.want(t.eventIDs(sid(1)), []string{eid(1), eid(2), eid(3), eid(4)}, "the events of a folded session are those of the session it was folded into")
		t.wantViews(sid(1), 3, "page views move with their events")
		for _, e := range t.events(sid(1)) {
			t.want(e.VisitorID, vid(1), "a folded session's events belong to the visitor whose cookie came back")
		}
		t.want(t.sessions(report.Filter{}), []string{sid(1)}, "a folded session is in no list")
		t.want(t.eventIDs(sid(2)), []string{}, "a folded session has no events left")
		s := t.stats()
		t.want([]int64{s.Sessions, s.Visitors, s.PageViews, s.Events}, []int64{1, 1, 3, 4}, "a folded session and its visitor are in no figure; its events are, once")
		n, err := t.a.SessionsBegun(t.Context(), at(-1))
		t.want([]any{n, err}, []any{int64(1), nil}, "a folded session is no visit")
		n, err = t.a.ActiveVisitors(t.Context(), at(-1))
		t.want([]any{n, err}, []any{int64(1), nil}, "a folded session's visitor is not one")
	}},
	{"fold_extends_last_seen", func(t *tester) {
		t.append(begun(1, 0), begun(2, 2), view(2, 2, 30), fold(1, 2))
		t.want(t.session(sid(1)).LastSeenAt, at(30), "what a folded session did was activity of the other")
	}},
	{"folded_session_is_readable", func(t *tester) {
		b := begun(2, 0)
		b.LandingPage, b.Values = "/landing", map[string]store.Value{"cart": {JSON: json.RawMessage(`1`)}}
		t.append(begun(1, 0), b, view(2, 1, 5), value(2, "currency", `"EUR"`, 6))
		want := t.session(sid(2))
		t.append(fold(1, 2))
		t.want(t.session(sid(2)), want, "a folded session can still be read, with its credentials and values: its cookie may come back")
	}},
	{"fold_is_undone_by_an_event", func(t *tester) {
		undoes(t, view(2, 9, 60), []string{eid(2), eid(3), eid(9)}, 2)
	}},
	{"fold_is_undone_by_activity", func(t *tester) {
		undoes(t, seen(2, 60), []string{eid(2), eid(3)}, 1)
	}},
	{"fold_is_undone_by_an_order", func(t *tester) {
		undoes(t, order("o", 2, 10, 60), []string{eid(2), eid(3), "e-o"}, 1)
		s := t.session(sid(2))
		t.want([]any{s.Converted, s.OrderID}, []any{true, "o"}, "the order that brought a session back converts it")
	}},
	{"fold_is_undone_by_a_login", func(t *tester) {
		undoes(t, login(2, 60, "c", 59), []string{eid(2), eid(3)}, 1)
		t.want(t.session(sid(2)).Credentials(), login(2, 60, "c", 59).Cred, "credentials of a folded session are not lost")
	}},
	{"fold_is_undone_by_an_end", func(t *tester) {
		undoes(t, end(2, 60, "", 0, store.EndRevoked), []string{eid(2), eid(3)}, 1)
		s := t.session(sid(2))
		t.want([]any{s.EndedAt, s.EndReason}, []any{at(60), store.EndRevoked}, "a folded session that is ended stays ended: its cookie must open nothing")
		changes, _ := t.changes(0)
		t.want(len(changes), 0, "the end of a folded session, which has no customer, is not in the feed")
	}},
	{"fold_is_undone_in_a_batch_with_both", func(t *tester) {
		for i, own := range []bool{true, false} {
			a, b, id := 10*i+1, 10*i+2, 1000*i
			facts := []store.Fact{begun(a, 0), begun(b, 2), view(b, id+2, 3)}
			ownEvents := []string{}
			if own {
				facts = append(facts, view(a, id+1, 1))
				ownEvents = append(ownEvents, eid(id+1))
			}
			t.append(append(facts, fold(a, b))...)
			t.append(seen(a, 70), view(b, id+5, 71), view(a, id+6, 72), view(b, id+7, 73))
			rule := fmt.Sprintf("a batch that touches both sessions of a fold divides their events exactly (the other had events of its own: %v)", own)
			t.want(t.eventIDs(sid(a)), append(ownEvents, eid(id+6)), "%s", rule)
			t.want(t.eventIDs(sid(b)), []string{eid(id + 2), eid(id + 5), eid(id + 7)}, "%s", rule)
			t.wantViews(sid(a), int64(len(ownEvents)+1), rule)
			t.wantViews(sid(b), 3, rule)
		}
	}},
	{"fold_is_undone_beside_activity_only", func(t *tester) {
		t.append(begun(1, 0), begun(2, 2), view(2, 2, 3), fold(1, 2))
		t.append(seen(1, 70), seen(2, 71))
		t.want(t.eventIDs(sid(1)), []string{}, "a session without events of its own has none again when the folded one is taken out")
		t.want(t.eventIDs(sid(2)), []string{eid(2)}, "a session that is taken out has its events again")
		t.append(view(1, 3, 80))
		t.want(t.eventIDs(sid(1)), []string{eid(3)}, "later events do not bring the others back")
	}},
	{"customers_are_not_folded", func(t *tester) {
		t.append(begun(1, 0), begun(2, 0), login(2, 5, "c", 4), view(2, 1, 6), begun(3, 0), order("o", 3, 10, 5))
		for _, n := range []int{2, 3} {
			want := t.session(sid(n))
			t.append(fold(1, n))
			t.want(t.session(sid(n)), want, "a session that somebody logged in or bought something in is not folded")
		}
		t.want(len(t.sessions(report.Filter{})), 3, "a session that somebody logged in or bought something in is not folded")
		t.wantViews(sid(1), 0, "nothing was folded into it")
	}},
	{"fold_of_nothing", func(t *tester) {
		t.append(begun(1, 0), view(1, 1, 1))
		t.append(fold(1, 2), fold(2, 1), fold(1, 1), fold(8, 9))
		t.wantViews(sid(1), 1, "folding what is not there, or into what is not there, or into itself does nothing")
		t.want(t.sessions(report.Filter{}), []string{sid(1)}, "folding into what is not there loses nothing")
	}},
	{"fold_of_several", func(t *tester) {
		last := t.of(60, 20)
		facts := []store.Fact{begun(1, 0)}
		var want []string
		for n := 2; n <= last; n++ {
			facts = append(facts, begun(n, n), view(n, n, n))
			want = append(want, eid(n))
		}
		for n := 2; n <= last; n++ {
			facts = append(facts, fold(1, n))
		}
		t.append(facts...)
		t.want(t.eventIDs(sid(1)), want, "many sessions are folded into one")
		t.wantViews(sid(1), int64(last-1), "many folded sessions")
		t.append(view(10, 1000, 100), seen(11, 100))
		t.want(t.eventIDs(sid(10)), []string{eid(10), eid(1000)}, "one of many is taken out with its own events")
		t.want(t.eventIDs(sid(11)), []string{eid(11)}, "one of many is taken out with its own events")
		t.wantViews(sid(1), int64(last-3), "two of many were taken out")
		t.want(len(t.sessions(report.Filter{})), 3, "the others stay folded")
	}},
	{"fold_of_a_fold", func(t *tester) {
		t.append(begun(1, 0), view(1, 1, 1), begun(2, 2), view(2, 2, 3), begun(3, 4), view(3, 3, 5))
		t.append(fold(2, 3)) // 3 into 2, then 2 into 1
		t.append(fold(1, 2))
		t.append(view(3, 30, 60), view(2, 20, 61), view(1, 10, 62))
		t.want(t.eventIDs(sid(1)), []string{eid(1), eid(10)}, "when all cookies of two folds came back, each session has its own events again")
		t.want(t.eventIDs(sid(2)), []string{eid(2), eid(20)}, "when all cookies of two folds came back, each session has its own events again")
		t.want(t.eventIDs(sid(3)), []string{eid(3), eid(30)}, "when all cookies of two folds came back, each session has its own events again")
		for n := 1; n <= 3; n++ {
			t.wantViews(sid(n), 2, "two folds, undone")
		}
	}},
	{"fold_is_replayed", func(t *tester) {
		log := append(twoSessions(), view(1, 5, 70))
		late := append(slices.Clone(log), view(2, 6, 80), view(1, 7, 90))
		ids := []string{sid(1), sid(2)}
		t.append(log...)
		want := t.dump(ids, nil)
		for i := 0; i < len(log); i += t.of(1, 2) {
			t.append(log[:i+1]...)
			t.append(log[i+1:]...)
			t.wantSame(t.dump(ids, nil), want, fmt.Sprintf("a history with a fold, replayed in batches of %d and the rest, ends in the same", i+1))
			t.append(log[i:]...)
			t.wantSame(t.dump(ids, nil), want, fmt.Sprintf("a history with a fold, replayed from fact %d on, ends in the same", i))
		}
		t.oneByOne(late...)
		want = t.dump(ids, nil)
		t.want(t.eventIDs(sid(2)), []string{eid(2), eid(3), eid(6)}, "a fact after the fold takes the session out again")
		for i := 0; i < len(late); i += t.of(1, 2) {
			t.append(late[:i+1]...)
			t.append(late[i+1:]...)
			t.append(late[i:]...)
			t.wantSame(t.dump(ids, nil), want, fmt.Sprintf("a history with a fold that was undone, replayed at fact %d, ends in the same", i))
		}
	}},
	{"beginning_of_a_folded_session_again", func(t *tester) {
		t.append(twoSessions()...)
		t.append(begun(2, 2))
		t.want(t.sessions(report.Filter{}), []string{sid(1)}, "the beginning of a folded session arriving again does not take it out")
	}},
}

// undoes checks that a fact of a folded session restores the session.
func undoes(t *tester, fact store.Fact, events []string, views int64) {
	t.Helper()
	const rule = "a later fact of a folded session takes it out again, with exactly its own events and counts"
	t.append(twoSessions()...)
	t.append(fact)
	t.want(t.eventIDs(sid(2)), events, rule)
	t.want(t.eventIDs(sid(1)), []string{eid(1), eid(4)}, rule)
	t.wantViews(sid(2), views, rule)
	t.wantViews(sid(1), 2, rule)
	for _, e := range t.events(sid(2)) {
		t.want(e.VisitorID, vid(2), "its events are its visitor's again")
	}
	t.want(t.sessions(report.Filter{}), []string{sid(2), sid(1)}, rule)
	s := t.stats()
	t.want([]int64{s.Sessions, s.Visitors, s.PageViews}, []int64{2, 2, views + 2}, rule)
	got := t.dump([]string{sid(1), sid(2)}, nil)
	t.append(fact)
	t.wantSame(t.dump([]string{sid(1), sid(2)}, nil), got, "the fact that took it out, again, changes nothing")
}
