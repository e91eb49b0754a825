package archivetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

var readRules = []rule{
	{"sessions_are_listed_newest_first", func(t *tester) {
		t.append(begun(2, 200), begun(1, 100), begun(4, 400))
		t.append(begun(3, 300), view(1, 1, 350), order("o", 1, 1, 340), end(4, 410, "", 0, store.EndLogout))
		t.want(t.sessions(report.Filter{}), []string{sid(4), sid(3), sid(2), sid(1)}, "sessions are listed newest first")
		t.want(t.sessions(report.Filter{Limit: 2}), []string{sid(4), sid(3)}, "a list has at most limit sessions, the newest")
		t.want(t.sessions(report.Filter{Converted: true}), []string{sid(1)}, "converted sessions are those with an order")
		now := at(0).Add(report.ActiveWindow)
		t.want(t.sessions(report.Filter{Active: true, Now: now.Add(200 * time.Millisecond)}), []string{sid(3), sid(2), sid(1)}, "active sessions were seen in the last 30 minutes and are not ended")
		t.want(t.sessions(report.Filter{Active: true, Now: now.Add(301 * time.Millisecond)}), []string{sid(1)}, "active sessions were seen in the last 30 minutes, whenever they began")
	}},
	{"customer_sessions", func(t *tester) {
		t.append(begun(1, 100), begun(3, 300), begun(2, 200), begun(4, 400), login(1, 500, "c", 499), login(2, 501, "c", 500), login(3, 502, "c", 501), login(4, 503, "other", 502))
		t.append(end(2, 600, "c", 500, store.EndLogout))
		list := func(customer string, limit int) []string {
			sessions, err := t.a.CustomerSessions(t.Context(), customer, limit)
			if err != nil {
				t.Fatalf("CustomerSessions: %v", err)
			}
			return idsOf(sessions)
		}
		t.want(list("c", 10), []string{sid(3), sid(2), sid(1)}, "a customer's sessions are listed newest first, ended or not")
		t.want(list("c", 2), []string{sid(3), sid(2)}, "a list has at most limit sessions, the newest")
		t.want(list("other", 10), []string{sid(4)}, "a customer's list has no other customer's sessions")
		t.want(list("C", 10), []string{}, "customers' ids are compared exactly")
		t.want(append(list("c", 0), list("c", -1)...), []string{}, "a list with a limit of zero or less is empty")
	}},
	{"what_a_reader_is_not_told_has_a_default", func(t *tester) {
		for i := range report.DefaultSessions + 1 {
			t.append(begun(i+1, i))
		}
		t.append(view(1, 1, 10), view(1, 2, 20))
		for _, limit := range []int{0, -1} {
			sessions, err := t.a.Sessions(t.Context(), report.Filter{Limit: limit})
			t.want([]any{len(sessions), err}, []any{report.DefaultSessions, nil}, "a filter with the limit %d lists the latest %d sessions", limit, report.DefaultSessions)
			events, err := t.a.Events(t.Context(), sid(1), limit)
			t.want([]any{len(events), err}, []any{0, nil}, "a list of events with the limit %d is empty", limit)
		}
		now := time.Now().UTC().Truncate(time.Millisecond).Add(time.Minute) // also if it is nearly midnight
		recent := begun(100, 0)
		recent.StartedAt, recent.LastSeenAt = now, now
		t.append(recent)
		t.want(t.sessions(report.Filter{Active: true}), []string{sid(100)}, "without a time, active means now")
		s := t.statsOf(report.Window{})
		t.want([]int64{s.ActiveUsers, s.DailyVisits, s.Sessions}, []int64{1, 1, report.DefaultSessions + 2}, "an empty window is all of time as of now: active users, visits of today in UTC, sessions")
	}},
	{"active_visitors_and_sessions_begun", func(t *tester) {
		second := begun(2, 1000)
		second.VisitorID = vid(1)
		t.append(begun(1, 0), second, begun(3, 500), view(3, 1, 5000), seen(1, 800))
		for _, c := range []struct {
			since           int
			visitors, begun int64
		}{{-1, 2, 3}, {0, 2, 3}, {1, 2, 2}, {501, 2, 1}, {1000, 2, 1}, {1001, 1, 0}, {5000, 1, 0}, {5001, 0, 0}} {
			n, err := t.a.ActiveVisitors(t.Context(), at(c.since))
			t.want([]any{n, err}, []any{c.visitors, nil}, "ActiveVisitors counts each visitor once who was seen since a time, that time included (%d ms)", c.since)
			n, err = t.a.SessionsBegun(t.Context(), at(c.since))
			t.want([]any{n, err}, []any{c.begun, nil}, "SessionsBegun counts the sessions begun since a time, that time included (%d ms)", c.since)
		}
	}},
	{"stats_of_a_window", func(t *tester) {
		t.append(begun(1, 0), view(1, 1, 0), view(1, 2, 999), begun(2, 1000), view(2, 3, 1000), begun(3, 1500), view(3, 4, 1500), seen(3, 12_000), begun(4, 2000), view(4, 5, 2000), bot(90, 1999, "x"), bot(91, 2000, "x"))
		t.append(order("o-1", 2, 100, 1700), order("o-2", 0, 50, 2000), refund("r", "o-1", 2, 30, 9000), login(3, 1600, "c", 1599))
		s := t.statsOf(report.Window{From: at(1000), To: at(2000), Now: at(12_000), Today: at(1500)})
		t.want([]int64{s.Sessions, s.Visitors, s.Customers, s.PageViews}, []int64{2, 2, 1, 2}, "a window has its beginning and not its end; sessions, visitors and page views of it")
		t.want([]int64{s.Engaged, s.Converted}, []int64{2, 1}, "engaged is longer than 10 s, two page views or a conversion")
		t.want([]float64{s.BounceRate, s.ConversionRate}, []float64{0, 0.5}, "rates are of the window's sessions")
		t.want(s.EventsByType, map[string]int64{store.EventPageView: 2, store.EventOrderCompleted: 1}, "events count on their own time")
		t.want([]int64{s.Orders, s.BotViews, s.Events}, []int64{1, 1, 3}, "orders and bot views count on their own time")
		t.want(s.Revenue, []store.Money{{Amount: 100, Currency: "EUR"}}, "revenue counts on its order's time")
		t.want(s.Refunded, []store.Money{{Amount: 30, Currency: "EUR"}}, "a refund counts on its order's time")
		t.want([]int64{s.ActiveUsers, s.ActiveUsers5, s.DailyVisits}, []int64{4, 4, 2}, "active users are those of now, daily visits those of the day")
	}},
	{"reads_during_appends", readsDuringAppends},
	{"folded_session_is_always_there", foldedIsAlwaysThere},
}

// readsDuringAppends appends from several goroutines, each batch twice, while
// other goroutines read.
func readsDuringAppends(t *tester) {
	writers, batches, each := t.of(4, 3), t.of(6, 2), t.of(30, 10)
	var wg, readers sync.WaitGroup
	var done atomic.Bool
	for w := range writers {
		wg.Go(func() {
			for b := range batches {
				n := 1 + w*batches + b
				facts := []store.Fact{begun(n, 0)}
				for e := range each {
					facts = append(facts, view(n, n*1000+e, e))
				}
				facts = append(facts, value(n, "k", "1", 1), login(n, 50, "c", 49), order(sid(n), n, 1, 60))
				for range 2 {
					if err := t.a.Append(t.Context(), facts); err != nil {
						t.Errorf("Append beside other appends: %v: methods are safe for concurrent use", err)
					}
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			last := int64(0)
			for n := 0; !done.Load(); n = (n + 1) % (writers * batches) {
				s, ok, err := t.a.Session(t.Context(), sid(n+1))
				if err != nil {
					t.Errorf("Session beside appends: %v: methods are safe for concurrent use", err)
					return
				}
				if ok && s.PageViews != 0 && s.PageViews != int64(each) {
					t.Errorf("Session beside appends has %d page views: an archive may apply a batch step by step, but counts no event twice", s.PageViews)
				}
				st, err := t.a.Stats(t.Context(), report.Window{Now: at(0), Today: at(0)})
				if err != nil {
					t.Errorf("Stats beside appends: %v", err)
					return
				}
				if st.PageViews < last {
					t.Errorf("page views went from %d back to %d: what was stored does not vanish", last, st.PageViews)
				}
				last = st.PageViews
			}
		})
	}
	wg.Wait()
	done.Store(true)
	readers.Wait()
	for n := 1; n <= writers*batches; n++ {
		t.wantViews(sid(n), int64(each), "parallel appends, each twice")
	}
	changes, _ := t.changes(0)
	t.want(len(changes), writers*batches, "parallel appends of the same change appear once in the feed")
	t.want(t.stats().Orders, int64(writers*batches), "parallel appends count an order once")
}

// foldedIsAlwaysThere folds and restores a session while it is read.
func foldedIsAlwaysThere(t *tester) {
	t.append(begun(1, 0), begun(2, 0), view(2, 1, 1), value(2, "k", "1", 1))
	var readers sync.WaitGroup
	var done atomic.Bool
	var absent, empty atomic.Int32
	for range 2 {
		readers.Go(func() {
			for !done.Load() {
				s, ok, err := t.a.Session(t.Context(), sid(2))
				switch {
				case err != nil:
					t.Errorf("Session while it is folded: %v", err)
					return
				case !ok:
					absent.Add(1)
				case len(s.Values) == 0:
					empty.Add(1)
				}
			}
		})
	}
	for i := range t.of(150, 10) {
		if err := t.a.Append(t.Context(), []store.Fact{fold(1, 2)}); err != nil {
			t.Errorf("Append: %v", err)
		}
		if err := t.a.Append(t.Context(), []store.Fact{seen(2, 10+i)}); err != nil {
			t.Errorf("Append: %v", err)
		}
	}
	done.Store(true)
	readers.Wait()
	t.want([]int32{absent.Load(), empty.Load()}, []int32{0, 0}, "reads that found no session or no values while it was folded or taken out: at no moment is it absent")
}

var jobRules = []rule{
	{"claim_slot", func(t *tester) {
		slots := []time.Time{at(0), at(1), at(60_000)}
		for _, slot := range slots {
			for _, job := range []string{"metrics", "metric", "retention"} {
				var wins atomic.Int32
				var wg sync.WaitGroup
				for range 16 {
					wg.Go(func() {
						mine, err := t.a.ClaimSlot(t.Context(), job, slot)
						if err != nil {
							t.Errorf("ClaimSlot: %v: losing a slot is no error", err)
						}
						if mine {
							wins.Add(1)
						}
					})
				}
				wg.Wait()
				t.want(wins.Load(), int32(1), "exactly one of 16 callers gets a slot of a job")
			}
		}
		for _, slot := range slots {
			mine, err := t.a.ClaimSlot(t.Context(), "metrics", slot)
			t.want([]any{mine, err}, []any{false, nil}, "a slot is claimed once, whether or not its owner then succeeds")
		}
		mine, err := t.a.ClaimSlot(t.Context(), "metrics", slots[0].In(time.FixedZone("", 3600)))
		t.want([]any{mine, err}, []any{false, nil}, "a slot is a moment, in whatever zone")
	}},
	{"keep_first", func(t *tester) {
		for _, key := range []string{"a", "b"} {
			firsts := make([]string, 16)
			var wg sync.WaitGroup
			for i := range firsts {
				wg.Go(func() {
					var err error
					if firsts[i], err = t.a.KeepFirst(t.Context(), key, fmt.Sprint(key, i)); err != nil {
						t.Errorf("KeepFirst: %v: not to be the first is no error", err)
					}
				})
			}
			wg.Wait()
			for _, first := range firsts {
				t.want(first, firsts[0], "all of 16 callers get the same value of a key")
			}
			t.want(strings.HasPrefix(firsts[0], key), true, "what a key has is a value that somebody gave for it")
			for range 2 {
				again, err := t.a.KeepFirst(t.Context(), key, "later")
				t.want([]any{again, err}, []any{firsts[0], nil}, "the first value of a key stays, however often it is asked for")
			}
		}
	}},
	{"purge", purge},
	{"purge_takes_folded_sessions_along", func(t *tester) {
		b := begun(2, 0)
		b.LandingPage = "/reset?name=secret"
		t.append(begun(1, 0), b, view(2, 1, 1), value(2, "cart", "1", 2), fold(1, 2))
		for range 3 {
			if _, err := t.a.Purge(t.Context(), at(1000), at(1000), at(1000), 100); err != nil {
				t.Fatalf("Purge: %v", err)
			}
		}
		if _, ok, err := t.a.Session(t.Context(), sid(2)); ok || err != nil {
			t.Errorf("Session of a folded one after its purge = %v, %v: a session that was folded is as old as any", ok, err)
		}
		t.append(begun(2, 2000))
		t.want(len(t.session(sid(2)).Values), 0, "a session's values go with it, also if it was folded")
	}},
	{"purge_takes_late_facts_along", purgeOfLateFacts},
	{"horizon", func(t *tester) {
		horizon, newest, err := t.a.Horizon(t.Context())
		t.want([]any{horizon, newest, err}, []any{time.Time{}, time.Time{}, nil}, "of an archive without sessions whose horizon was never stored both times are zero")
		t.append(begun(1, 5), begun(2, 9), begun(3, 7))
		for _, ms := range []int{100, 50} { // a clock was set back
			if err := t.a.SetHorizon(t.Context(), at(ms)); err != nil {
				t.Fatalf("SetHorizon: %v", err)
			}
			horizon, newest, err = t.a.Horizon(t.Context())
			t.want([]any{horizon.UTC(), newest.UTC(), err}, []any{at(ms).UTC(), at(9).UTC(), nil}, "Horizon reads what SetHorizon stored last, and when the latest session began")
		}
	}},
	{"purge_does_not_look_at_a_clock", func(t *tester) {
		t.append(&store.CustomerRevoked{CustomerID: "c", Before: at(10)}, &store.CustomerRevoked{CustomerID: "d", Before: at(10)})
		if _, err := t.a.Purge(t.Context(), time.Time{}.Add(time.Hour), time.Time{}, time.Time{}, 100); err != nil {
			t.Fatalf("Purge: %v", err)
		}
		page, err := t.a.CredentialChanges(t.Context(), 0, 100)
		t.want([]any{len(page.Changes), err}, []any{2, nil}, "a step of the feed is as old as the time that Purge is given says")
	}},
	{"purge_of_the_beginning_of_time", func(t *tester) {
		t.append(begun(1, 0))
		n, err := t.a.Purge(t.Context(), time.Time{}, time.Time{}, time.Time{}, 100)
		t.want([]any{n, err}, []any{0, nil}, "nothing began before the zero time, so nothing is purged, without an error")
		t.session(sid(1))
	}},
}

func purge(t *tester) {
	const old = 25
	var facts []store.Fact
	for n := 1; n <= old+5; n++ {
		ms := n
		if n > old {
			ms = 10_000 + n
		}
		facts = append(facts, begun(n, ms), view(n, 2*n, ms), view(n, 2*n+1, ms+1), value(n, "k", "1", ms))
	}
	facts = append(facts, order("o-old", 1, 100, 5), login(2, 100, "c", 99))
	t.append(facts...)
	left := func() int { return len(t.sessions(report.Filter{})) }
	for pass := 0; ; pass++ {
		before := left()
		n, err := t.a.Purge(t.Context(), at(1000), at(10_000), at(-1), 10)
		if err != nil {
			t.Fatalf("Purge: %v", err)
		}
		if gone := before - left(); gone > 10 || n < gone || (n == 0) != (gone == 0) {
			t.Errorf("Purge with limit 10 deleted %d sessions and says %d: it deletes at most limit of each and returns how many it did", gone, n)
		}
		if n == 0 {
			break
		}
		if pass > 20 {
			t.Fatalf("Purge never returns 0: call it again until that is 0")
		}
	}
	t.want(left(), 5, "all sessions that began before the time are gone, and no others")
	for n := 1; n <= old; n++ {
		if _, ok, err := t.a.Session(t.Context(), sid(n)); ok || err != nil {
			t.Errorf("Session of a purged one = %v, %v: it is absent", ok, err)
		}
		t.want(t.eventIDs(sid(n)), []string{}, "sessions are purged with their events")
	}
	s := t.stats()
	t.want([]int64{s.Events, s.PageViews}, []int64{10, 10}, "sessions are purged with their events, and the others keep theirs")
	t.wantViews(sid(old+1), 2, "a session that is younger stays whole")
	t.want(len(t.session(sid(old+1)).Values), 1, "a session that is younger stays whole")
	t.want(t.order("o-old").Total.Amount, int64(100), "orders stay")
	t.append(begun(1, 20_000))
	t.want(len(t.session(sid(1)).Values), 0, "sessions are purged with their values")
	// Ids of purged events may be used again, and later events belong to their
	// own sessions.
	t.append(view(1, 2, 20_001), view(old+1, 9999, 20_002))
	t.want(t.eventIDs(sid(1)), []string{eid(2)}, "events after a purge")
	t.want(slices.Contains(t.eventIDs(sid(old+1)), eid(9999)), true, "events after a purge")
	n, err := t.a.Purge(t.Context(), at(1000), at(-1), at(30_000), 1000)
	t.want([]any{n, err}, []any{old + 5, nil}, "visitors are purged by when they were last seen, apart from sessions")
	t.want(left(), 6, "purging visitors leaves sessions alone")
}
