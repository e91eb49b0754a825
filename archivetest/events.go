package archivetest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/footfall-go/footfall/store"
)

// Sizes around those at which archives split a batch.
var (
	sizes      = []int{1, 2, 39, 40, 41, 80, 81, 99, 100, 101, 200, 250}
	smallSizes = []int{2, 51, 101}
)

var eventRules = []rule{
	{"batches_of_every_size", func(t *tester) {
		session, id, sizes := 0, 0, sizes
		if t.small {
			sizes = smallSizes
		}
		for _, n := range sizes {
			// First one session with n events, then n sessions with one event
			// each.
			session++
			one, facts := session, []store.Fact{begun(session, 0)}
			var ids []string
			for i := range n {
				id++
				ids = append(ids, eid(id))
				facts = append(facts, view(one, id, i))
			}
			t.append(facts...)
			t.want(t.eventIDs(sid(one)), ids, "a batch of %d events stores each of them", n)
			t.wantViews(sid(one), int64(n), fmt.Sprintf("a batch of %d events", n))
			facts = nil
			for range n {
				session++
				id++
				facts = append(facts, begun(session, 0), view(session, id, 1))
			}
			t.append(facts...)
			for s := session - n + 1; s <= session; s += t.of(1, 9) {
				t.wantViews(sid(s), 1, fmt.Sprintf("a batch of %d sessions", n))
			}
		}
	}},
	{"interleaved_sessions", func(t *tester) {
		const rounds = 3
		n := t.of(130, 51)
		want := map[int][]string{}
		id := 0
		for round := range rounds {
			var facts []store.Fact
			for s := 1; s <= n; s++ {
				if round == 0 {
					facts = append(facts, begun(s, 0))
				}
				for range 1 + s%3 {
					id++
					facts = append(facts, view(s, id, id))
					want[s] = append(want[s], eid(id))
				}
			}
			t.append(facts...)
		}
		for s := 1; s <= n; s += t.of(1, 3) {
			t.want(t.eventIDs(sid(s)), want[s], "a session's events are all of its own and no others, however batches mix them")
			t.wantViews(sid(s), int64(len(want[s])), "batches mix sessions")
		}
	}},
	{"batch_twice", func(t *tester) {
		n := t.of(120, 30)
		log, ids, orders := history(n), historySessions(n), []string{"o-3"}
		t.append(log...)
		want := t.dump(ids, orders)
		t.append(log...)
		t.wantSame(t.dump(ids, orders), want, "facts that are there already change nothing")
		t.append(append(slices.Clone(log), log...)...)
		t.wantSame(t.dump(ids, orders), want, "facts that are in a batch twice count once")
	}},
	{"overlapping_batches", func(t *tester) {
		n := t.of(60, 20)
		log, ids, orders := history(n), historySessions(n), []string{"o-3"}
		t.append(log...)
		want := t.dump(ids, orders)
		for i := 0; i < len(log); i += 37 {
			t.append(log[max(0, i-50):min(len(log), i+37)]...)
		}
		t.wantSame(t.dump(ids, orders), want, "batches that overlap with earlier ones change nothing")
	}},
	{"every_prefix_again", func(t *tester) {
		log := history(8)
		ids, orders := historySessions(8), []string{"o-3"}
		t.append(log...)
		want := t.dump(ids, orders)
		for i := 0; i < len(log); i += t.of(1, 12) { // a crash after i facts, followed by all facts again
			t.append(log[:i]...)
			t.append(log...)
			t.wantSame(t.dump(ids, orders), want, fmt.Sprintf("a replay of the first %d facts and then of all ends in the same", i))
		}
	}},
	{"crash_after_every_fact", func(t *tester) {
		log := history(7)
		ids, orders := historySessions(7), []string{"o-3"}
		for i := range log { // stored but not confirmed, and so sent again with the next fact
			t.append(log[max(0, i-5) : i+1]...)
		}
		got := t.dump(ids, orders)
		t.append(log...)
		t.wantSame(t.dump(ids, orders), got, "a history that arrived in overlapping pieces is complete")
		t.wantViews(sid(1), 4, "overlapping pieces")
		t.want(t.stats().Events, int64(len(countEvents(log))), "each event is there once")
	}},
	{"same_event_twice", func(t *tester) {
		t.append(begun(1, 0), begun(2, 0), view(1, 1, 1), view(1, 1, 1), view(1, 2, 2))
		t.append(view(1, 2, 2), view(2, 1, 5), view(1, 3, 3))
		t.want(t.eventIDs(sid(1)), []string{eid(1), eid(2), eid(3)}, "the same event id is stored once, in one batch and in several")
		t.want(t.eventIDs(sid(2)), []string{}, "an event id that another session has is not stored again")
		t.wantViews(sid(1), 3, "repeated events do not count")
		t.wantViews(sid(2), 0, "repeated events do not count")
		var facts []store.Fact
		for i := range 100 { // so that it is in the middle of full batches
			facts = append(facts, view(2, 1000+i%90, i))
		}
		t.append(facts...)
		t.wantViews(sid(2), 90, "events repeated within a large batch do not count")
	}},
	{"page_views_are_page_view_events", func(t *tester) {
		t.append(begun(1, 0), begun(2, 0))
		rnd := rand.New(rand.NewPCG(7, 7))
		views := int64(0)
		kinds := []string{store.EventPageView, store.EventAddToCart, "custom", store.EventCustomerLogin, "page_view2", "PAGE_VIEW"}
		for id := 1; id <= t.of(150, 100); {
			var facts []store.Fact
			for range 1 + rnd.IntN(50) {
				kind := kinds[rnd.IntN(len(kinds))]
				facts = append(facts, event(1, id, kind, id), seen(1, id))
				if kind == store.EventPageView {
					views++
				}
				id++
			}
			t.append(facts...)
			t.wantViews(sid(1), views, "other events are not page views")
		}
		t.wantViews(sid(2), 0, "page views of another session")
		s := t.stats()
		t.want(s.PageViews, views, "the figures count the same page views")
		t.want(s.Events, int64(len(t.events(sid(1)))), "the figures count the same events")
	}},
	{"events_are_ordered_and_limited", func(t *tester) {
		t.append(begun(1, 0), view(1, 3, 30), view(1, 1, 10), view(1, 5, 50))
		t.append(view(1, 2, 20), view(1, 4, 40))
		t.want(t.eventIDs(sid(1)), []string{eid(1), eid(2), eid(3), eid(4), eid(5)}, "events are listed oldest first, in whatever order they arrived")
		events, err := t.a.Events(t.Context(), sid(1), 2)
		if err != nil || len(events) != 2 || events[0].EventID != eid(4) || events[1].EventID != eid(5) {
			t.Errorf("Events with limit 2 = %v, %v: it is at most limit of the latest, oldest first", events, err)
		}
		t.append(begun(2, 0), view(2, 11, 7), view(2, 12, 7), view(2, 13, 7))
		t.want(t.eventIDs(sid(2)), []string{eid(11), eid(12), eid(13)}, "events of the same millisecond keep the order in which they were recorded")
	}},
	{"bots_are_apart", func(t *tester) {
		t.append(begun(1, 0), view(1, 1, 1))
		uncounted := &store.VisitsUncounted{EventID: eid(50), Minute: at(0).Truncate(60e9), Reason: "new_sessions_per_minute", Count: 25}
		tallied := &store.VisitsUncounted{EventID: eid(51), Minute: at(0).Truncate(60e9), Bots: true, Reason: "user_agent", Count: 70}
		late := &store.VisitsUncounted{EventID: eid(52), Minute: at(0).Truncate(60e9), Bots: true, Reason: "tool", Count: 5}
		facts := []store.Fact{bot(10, 1, "user_agent"), bot(11, 2, "user_agent"), bot(12, 3, "headers"), uncounted, tallied, late}
		t.append(facts...)
		t.append(append(facts, bot(12, 3, "headers"), uncounted, tallied)...)
		s := t.stats()
		t.want(s.BotsByReason, map[string]int64{"user_agent": 72, "headers": 1, "tool": 5}, "bots are counted by reason, each view once, kept in detail or as a number")
		t.want([]int64{s.BotViews, s.UncountedVisits}, []int64{78, 25}, "bots and uncounted visits are counted once")
		t.want([]int64{s.Sessions, s.Visitors, s.PageViews, s.Events}, []int64{1, 1, 1, 1}, "bots and uncounted visits are in no other figure")
		t.wantViews(sid(1), 1, "bots are apart")
	}},
}

// countEvents counts the distinct event ids of a history.
func countEvents(log []store.Fact) map[string]bool {
	ids := map[string]bool{}
	for _, f := range log {
		switch f := f.(type) {
		case *store.EventRecorded:
			ids[f.EventID] = true
		case *store.OrderPlaced:
			ids[f.EventID] = true
		case *store.OrderRefunded:
			ids[f.EventID] = true
		}
	}
	return ids
}
