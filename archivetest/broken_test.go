package archivetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// random is the name under which the random histories are listed.
const random = "random_histories"

// The suite has to catch each of these defects, with the rules named.
var defects = []struct {
	defect string
	rules  []string
}{
	{"generations stand still", []string{"a_change_gives_its_days_another_generation", random}},
	{"an event is of its own day", []string{"days_of_sessions_and_orders", random}},
	{"orders have no visit", []string{"days_of_sessions_and_orders", random}},
	{"counts duplicates", []string{"batch_twice", "same_event_twice", "crash_after_every_fact", "reads_during_appends", random}},
	{"ignores versions", []string{"higher_version_wins", "credentials_in_any_order", "ended_stays_ended", random}},
	{"drops the tail", []string{"batches_of_every_size", "interleaved_sessions"}},
	{"drops every second view", []string{"page_views_are_page_view_events", random}},
	{"reverses batches", []string{"events_are_ordered_and_limited", "many_credential_changes"}},
	{"counts other events as views", []string{"page_views_are_page_view_events", random}},
	{"sees only events", []string{"last_seen_is_the_latest"}},
	{"has a clock of seconds", []string{"times_have_milliseconds_and_are_utc"}},
	{"reads local time", []string{"times_have_milliseconds_and_are_utc"}},
	{"stores ASCII", []string{"text_round_trips"}},
	{"escapes for HTML", []string{"stored_as_sent"}},
	{"unknown is empty text", []string{"not_known_is_null"}},
	{"forgets values", []string{"values", random}},
	{"the last value to arrive wins", []string{"values"}},
	{"removed values stay", []string{"values", random}},
	{"revocation ends everything", []string{"revocation_ends_what_was_authenticated_before", random}},
	{"revocation ends nothing", []string{"revocation_ends_what_was_authenticated_before", random}},
	{"a revocation is activity", []string{"revocation_ends_only_what_is_alive"}},
	{"revocation misses later logins", []string{"revocation_and_login_in_any_order", "revocation_reaches_sessions_that_begin_logged_in"}},
	{"the feed repeats", []string{"credential_changes"}},
	{"the feed stands still", []string{"credential_changes", "many_credential_changes"}},
	{"the feed has no pages", []string{"credential_changes_are_read_in_pages"}},
	{"the feed ends at its first page", []string{"credential_changes_are_read_in_pages", "many_credential_changes"}},
	{"the feed has everybody", []string{"only_what_had_a_customer_is_in_the_feed"}},
	{"a late login is not in the feed", []string{"only_what_had_a_customer_is_in_the_feed"}},
	{"knows no revocation of a customer", []string{"latest_revocation_of_a_customer"}},
	{"revocation ends what was over", []string{"revocation_ends_only_what_is_alive"}},
	{"the last order wins", []string{"first_order_wins"}},
	{"orders are not joined", []string{"first_order_wins", random}},
	{"orders are not joined", []string{"order_is_completed_by_a_later_record", "order_is_completed_in_one_batch"}},
	{"any amount completes an order", []string{"order_of_another_amount_changes_nothing", random}},
	{"completed orders have no event", []string{"order_is_completed_by_a_later_record", "order_is_completed_in_one_batch", random}},
	{"completing an order moves its time", []string{"order_is_completed_by_a_later_record"}},
	{"forgets what came before a beginning", []string{"order_before_its_session"}},
	{"everybody is a known customer", []string{"refund_and_customer_are_known"}},
	{"the last refund wins", []string{"refund_and_customer_are_known", random}},
	{"late facts are never purged", []string{"purge_takes_late_facts_along"}},
	{"orders have no event", []string{"order_converts_its_session", random}},
	{"refunds count twice", []string{"refunds_count_once"}},
	{"orders have no bound", []string{"amounts_are_bounded"}},
	{"an order's refunds are those of all", []string{"refunds_count_once"}},
	{"refunds have no bound", []string{"amounts_are_bounded"}},
	{"bots are visitors", []string{"bots_are_apart", random}},
	{"never folds", []string{"fold", "fold_of_several", random}},
	{"never unfolds", []string{"fold_is_undone_by_an_event", "fold_is_undone_by_an_end", "fold_is_replayed", random}},
	{"folded is absent", []string{"folded_session_is_readable", random}},
	{"events are newest first", []string{"events_are_ordered_and_limited"}},
	{"lists have no limit", []string{"sessions_are_listed_newest_first", "customer_sessions", "events_are_ordered_and_limited"}},
	{"no limit is a limit of none", []string{"what_a_reader_is_not_told_has_a_default"}},
	{"a negative limit is none", []string{"what_a_reader_is_not_told_has_a_default", "customer_sessions"}},
	{"no time is the beginning of time", []string{"what_a_reader_is_not_told_has_a_default"}},
	{"visitors are sessions", []string{"active_visitors_and_sessions_begun"}},
	{"everybody gets the slot", []string{"claim_slot"}},
	{"the last value of a key is kept", []string{"keep_first"}},
	{"all keys have one value", []string{"keep_first"}},
	{"who keeps a value again gets an error", []string{"keep_first"}},
	{"nobody gets the slot", []string{"claim_slot"}},
	{"purge has no bound", []string{"purge"}},
	{"purge never ends", []string{"purge"}},
	{"purge says 0", []string{"purge"}},
	{"accepts the unknown", []string{"rejects_what_it_cannot_know"}},
	{"refuses the unknown as a failure", []string{"rejects_what_it_cannot_know"}},
	{"rejects what was cancelled", []string{"cancelled_append"}},
	{"says stored when cancelled", []string{"cancelled_append"}},
	{"a cancelled read is an absence", []string{"cancelled_reads"}},
	{"absence is an error", []string{"absent_is_a_value"}},
	{"reads all that came before", []string{"work_per_fact_does_not_grow"}},

	// Of an archive that several processes share.
	{"counts duplicates", []string{"one_session_from_two_sides", "fold_from_two_sides"}},
	{"ignores versions", []string{"late_beginning_loses_nothing", "credentials_from_two_sides"}},
	{"a second beginning counts", []string{"begin_is_said_by_every_journal"}},
	{"takes late events for replays", []string{"journals_in_any_order", "one_session_from_two_sides"}},
	{"each process counts its own", []string{"journals_in_any_order", "one_session_from_two_sides", "late_beginning_loses_nothing"}},
	{"the feed repeats", []string{"credentials_from_two_sides", "feed_read_beside_writers"}},
	{"the feed moves past what it did not show", []string{"feed_read_beside_writers"}},
	{"orders are not joined", []string{"order_completed_from_two_sides"}},
	{"the last order to arrive converts", []string{"orders_from_two_sides"}},
	{"revocation ends nothing", []string{"login_and_revocation_from_two_sides"}},
	{"never unfolds", []string{"fold_from_one_side_facts_from_the_other"}},
	{"each process has its slots", []string{"one_slot_for_two"}},
}

func TestRun_CatchesDefects(t *testing.T) {
	for _, d := range defects {
		t.Run(strings.ReplaceAll(d.defect, " ", "_"), func(t *testing.T) {
			t.Parallel()
			for _, name := range d.rules {
				var messages []string
				all := concat(rules, sharedRules, costRules)
				if i := slices.IndexFunc(all, func(r rule) bool { return r.name == name }); i >= 0 {
					messages = failures(t, d.defect, all[i].check)
				} else if name != random {
					t.Fatalf("there is no rule %s", name)
				}
				for seed := uint64(0); name == random && len(messages) == 0 && seed < 8; seed++ {
					messages = failures(t, d.defect, func(t *tester) { randomHistory(t, seed) })
				}
				if len(messages) == 0 {
					t.Errorf("%s does not notice an archive where: %s", name, d.defect)
					continue
				}
				t.Logf("%s: %.300s", name, messages[0])
				if !strings.Contains(messages[0], ":") {
					t.Errorf("the failure %q does not explain the rule that broke", messages[0])
				}
			}
		})
	}
}

// failures returns the failures of a check of an archive with a defect.
func failures(t *testing.T, defect string, check func(*tester)) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "footfall.db")
	a, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{ctx: t.Context()}
	other, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := &broken{Archive: a, defect: defect}
	rec.run(func() {
		small := defect == "reads all that came before" // which takes long where there is much
		check(&tester{TB: rec, small: small, a: first, other: &broken{Archive: other, defect: defect, first: first}})
	})
	if err := errors.Join(a.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	return rec.messages
}

// A recorder is a TB that collects failures without failing the test.
type recorder struct {
	ctx      context.Context
	mu       sync.Mutex
	messages []string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// broken is the SQLite archive with one defect.
type broken struct {
	*sqlitearchive.Archive
	defect string
	first  *broken // in the second of two archives: the first

	mu     sync.Mutex
	n      int
	known  map[string]bool // used in the first archive only
	latest map[string]time.Time
	orders map[string]store.Order
	views  map[string]int64 // counts of this archive alone

	// Used in the first archive only.
	totals  map[string]store.Money  // by order: its first
	poor    map[string]bool         // orders whose first record had no session
	refunds map[string]store.Refund // as last told
	purged  bool

	strangers []store.CredentialChange // ends of sessions that never had a customer
	cutoffs   map[string]time.Time     // by customer: of the latest revocation
}

// root returns the first of two archives.
func (b *broken) root() *broken {
	if b.first != nil {
		return b.first
	}
	return b
}

func (b *broken) is(defect string) bool { return b.defect == defect }

// isNew reports whether neither of the two archives has seen a name before. The
// caller holds the first one's mu.
func (b *broken) isNew(name string) bool {
	b = b.root()
	if b.known == nil {
		b.known = map[string]bool{}
	}
	defer func() { b.known[name] = true }()
	return !b.known[name]
}

func (b *broken) Append(ctx context.Context, facts []store.Fact) error {
	b.root().mu.Lock()
	defer b.root().mu.Unlock()
	var kept []store.Fact
	for _, f := range facts {
		kept = append(kept, b.change(f)...)
	}
	switch {
	case b.is("drops the tail") && len(kept) > 100:
		kept = kept[:100]
	case b.is("reverses batches"):
		begins := func(f store.Fact) int {
			if _, ok := f.(*store.SessionBegun); ok {
				return 0
			}
			return 1
		}
		slices.Reverse(kept)
		slices.SortStableFunc(kept, func(x, y store.Fact) int { return begins(x) - begins(y) })
	}
	if b.is("reads all that came before") {
		for _, f := range facts {
			if e, ok := f.(*store.EventRecorded); ok {
				if _, err := b.Events(ctx, e.SessionID, 100_000); err != nil {
					return err
				}
			}
		}
	}
	err := b.Archive.Append(ctx, kept)
	switch {
	case err != nil && ctx.Err() != nil && b.is("rejects what was cancelled"):
		return errors.Join(store.ErrRejected, err)
	case err != nil && ctx.Err() != nil && b.is("says stored when cancelled"):
		return nil
	case errors.Is(err, store.ErrRejected) && b.is("refuses the unknown as a failure"):
		return errors.New("try again")
	}
	return err
}

// change returns what the defect makes of a fact.
func (b *broken) change(fact store.Fact) []store.Fact {
	one := func(f store.Fact) []store.Fact { return []store.Fact{f} }
	root := b.root()
	root.n++
	switch f := fact.(type) {
	case *store.SessionBegun:
		c := *f
		if b.is("forgets what came before a beginning") {
			b.isNew("session " + c.SessionID)
		}
		if b.is("stores ASCII") {
			c.UserAgent = ascii(c.UserAgent)
		}
		if b.is("revocation misses later logins") && c.CustomerID != "" {
			b.isNew("customer " + c.CustomerID)
		}
		if b.is("a second beginning counts") && !b.isNew("session "+c.SessionID) {
			return []store.Fact{&c, &store.CredentialsChanged{SessionID: c.SessionID, Cred: c.Credentials()}}
		}
		return one(&c)
	case *store.EventRecorded:
		c := *f
		switch {
		case b.is("counts duplicates") && !b.isNew(c.EventID):
			c.EventID = fmt.Sprintf("%s-%d", c.EventID, root.n)
		case b.is("forgets what came before a beginning") && !root.known["session "+c.SessionID]:
			return nil
		case b.is("late facts are never purged") && root.purged:
			c.SessionID = b.neverPurged(c.SessionID)
		case b.is("drops every second view") && c.EventType == store.EventPageView && c.EventID[len(c.EventID)-1]%2 == 0:
			return nil
		case b.is("counts other events as views") && c.EventType == store.EventAddToCart:
			c.EventType = store.EventPageView
		case b.is("has a clock of seconds"):
			c.CreatedAt = c.CreatedAt.Truncate(time.Second)
		case b.is("stores ASCII"):
			c.Page = ascii(c.Page)
		case b.is("escapes for HTML"):
			if escaped, err := json.Marshal(c.Metadata); err == nil && len(c.Metadata) > 0 {
				c.Metadata = escaped
			}
		case b.is("never unfolds") && root.known[c.SessionID]:
			return nil
		case b.is("takes late events for replays"):
			if root.latest == nil {
				root.latest = map[string]time.Time{}
			}
			if c.CreatedAt.Before(root.latest[c.SessionID]) {
				return nil
			}
			root.latest[c.SessionID] = c.CreatedAt
		case b.is("each process counts its own"):
			if b.views == nil {
				b.views = map[string]int64{}
			}
			b.views[c.SessionID]++
		}
		return one(&c)
	case *store.SessionSeen:
		if b.is("sees only events") || b.is("never unfolds") && root.known[f.SessionID] {
			return nil
		}
	case *store.CredentialsChanged:
		c := *f
		if b.is("ignores versions") {
			c.Cred.Version = version(0) + int64(root.n)*1_000_000
		}
		if b.is("never unfolds") && root.known[f.SessionID] {
			return nil
		}
		if c.Cred.CustomerID == "" && !root.known["customer's "+c.SessionID] {
			root.strangers = append(root.strangers, store.CredentialChange{SessionID: c.SessionID, Version: c.Cred.Version})
			b.isNew("anonymous " + c.SessionID)
		} else if b.is("a late login is not in the feed") && root.known["anonymous "+c.SessionID] {
			return nil
		}
		b.isNew("customer's " + c.SessionID)
		b.isNew("customer " + c.Cred.CustomerID)
		return one(&c)
	case *store.CustomerRevoked:
		c := *f
		if root.cutoffs == nil {
			root.cutoffs = map[string]time.Time{}
		}
		root.cutoffs[c.CustomerID] = c.Before
		missed := fmt.Sprintf("missed %s %d", c.CustomerID, c.Before.UnixMilli())
		switch {
		case b.is("revocation ends everything"):
			c.Before = c.Before.Add(time.Hour)
		case b.is("revocation ends nothing"):
			return nil
		case b.is("revocation misses later logins") && (!root.known["customer "+c.CustomerID] || root.known[missed]):
			b.isNew(missed)
			return nil
		}
		return one(&c)
	case *store.ValueSet:
		c := *f
		switch {
		case b.is("forgets values"), b.is("removed values stay") && len(c.Value.JSON) == 0:
			return nil
		case b.is("the last value to arrive wins"):
			c.At = at(b.n * 1000)
		}
		return one(&c)
	case *store.OrderPlaced:
		if root.orders == nil {
			root.orders = map[string]store.Order{}
		}
		root.orders[f.OrderID], root.orders["of "+f.SessionID] = f.Order, f.Order
		if root.totals == nil {
			root.totals, root.poor = map[string]store.Money{}, map[string]bool{}
		}
		if _, there := root.totals[f.OrderID]; !there {
			root.totals[f.OrderID], root.poor[f.OrderID] = f.Total, f.SessionID == ""
		}
		switch {
		case b.is("orders have no bound") && f.Total.TooLarge():
			c := *f
			c.Total.Amount = store.MaxAmount
			return one(&c)
		case b.is("any amount completes an order"):
			c := *f
			c.Total = root.totals[f.OrderID]
			return one(&c)
		case b.is("forgets what came before a beginning") && !root.known["session "+f.SessionID]:
			c := *f
			c.SessionID = ""
			return one(&c)
		case b.is("orders are not joined") && !b.isNew("order "+f.OrderID):
			return nil
		case b.is("orders have no event"):
			c := *f
			c.SessionID = ""
			return one(&c)
		}
	case *store.OrderRefunded:
		c := *f
		if root.refunds == nil {
			root.refunds = map[string]store.Refund{}
		}
		root.refunds[c.RefundID] = store.Refund{RefundID: c.RefundID, OrderID: c.OrderID, Amount: c.Amount, CreatedAt: c.At}
		if b.is("late facts are never purged") && root.purged {
			c.SessionID = b.neverPurged(c.SessionID)
		}
		if b.is("refunds have no bound") && c.Amount.TooLarge() {
			c.Amount.Amount = store.MaxAmount
		}
		if b.is("refunds count twice") && !b.isNew("refund "+c.RefundID) {
			c.RefundID = fmt.Sprintf("%s-%d", c.RefundID, root.n)
		}
		return one(&c)
	case *store.BotSeen:
		if b.is("bots are visitors") {
			return []store.Fact{f, &store.SessionBegun{Record: record(500_000+root.n, 1)}}
		}
	case *store.SessionsFolded:
		switch {
		case b.is("never folds"):
			return nil
		case b.is("never unfolds"):
			b.isNew(f.Folded)
		}
	default:
		if b.is("accepts the unknown") {
			return nil
		}
	}
	return one(fact)
}

func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 127 {
			return '?'
		}
		return r
	}, s)
}

func (b *broken) Session(ctx context.Context, id string) (store.Record, bool, error) {
	if b.is("a cancelled read is an absence") && ctx.Err() != nil {
		return store.Record{}, false, nil
	}
	r, ok, err := b.Archive.Session(ctx, id)
	switch {
	case err == nil && !ok && b.is("absence is an error"):
		return r, false, errors.New("no such session")
	case b.is("folded is absent"):
		if all, err := b.Archive.Sessions(ctx, report.Filter{Limit: 100_000}); err == nil && !slices.Contains(idsOf(all), id) {
			return store.Record{}, false, nil
		}
	case b.is("a revocation is activity") && r.EndReason == store.EndRevoked:
		r.LastSeenAt = r.EndedAt
	case b.is("reads local time"):
		r.StartedAt = r.StartedAt.In(time.FixedZone("shop", 3600))
	case b.is("unknown is empty text"):
		r.City = " "
	case b.is("each process counts its own"):
		b.root().mu.Lock()
		defer b.root().mu.Unlock()
		r.PageViews = b.views[id]
	case b.is("the last order to arrive converts") && r.Converted:
		b.root().mu.Lock()
		defer b.root().mu.Unlock()
		r.OrderID = b.root().orders["of "+id].OrderID
	}
	return r, ok, err
}

func (b *broken) Order(ctx context.Context, id string) (store.Order, bool, error) {
	o, ok, err := b.Archive.Order(ctx, id)
	if ok && b.is("the last order wins") {
		b.root().mu.Lock()
		defer b.root().mu.Unlock()
		o = b.root().orders[id]
	}
	if ok && b.is("completing an order moves its time") {
		b.root().mu.Lock()
		defer b.root().mu.Unlock()
		o.CreatedAt = b.root().orders[id].CreatedAt
	}
	return o, ok, err
}

func (b *broken) Refund(ctx context.Context, id string) (store.Refund, bool, error) {
	r, ok, err := b.Archive.Refund(ctx, id)
	if ok && b.is("the last refund wins") {
		b.root().mu.Lock()
		defer b.root().mu.Unlock()
		r = b.root().refunds[id]
	}
	return r, ok, err
}

func (b *broken) KnowsCustomer(ctx context.Context, id string) (bool, error) {
	known, err := b.Archive.KnowsCustomer(ctx, id)
	return known || b.is("everybody is a known customer"), err
}

// neverPurged returns a session's id if the session is there, otherwise one by which
// it has not begun yet.
func (b *broken) neverPurged(id string) string {
	if _, ok, err := b.Archive.Session(context.Background(), id); ok || err != nil {
		return id
	}
	return "7fffffff-ffff-7000-8000" + id[len(id)-13:]
}

func (b *broken) CredentialChanges(ctx context.Context, after int64, limit int) (store.ChangesPage, error) {
	if b.is("the feed has no pages") {
		limit = 1_000_000
	}
	p, err := b.Archive.CredentialChanges(ctx, after, limit)
	switch {
	case b.is("the feed repeats") && len(p.Changes) > 0:
		p.Changes = append(p.Changes, p.Changes[len(p.Changes)-1])
	case b.is("the feed stands still"):
		p.Next = after
	case b.is("the feed ends at its first page"):
		p.Left = 0
	case b.is("the feed moves past what it did not show") && after > 0 && len(p.Changes) > 1:
		p.Changes = p.Changes[1:]
	case b.is("the feed has everybody") && p.Left == 0:
		b.root().mu.Lock()
		defer b.root().mu.Unlock()
		p.Changes = append(p.Changes, b.root().strangers...)
	}
	return p, err
}

func (b *broken) RevokedBefore(ctx context.Context, customerID string) (time.Time, error) {
	before, err := b.Archive.RevokedBefore(ctx, customerID)
	if b.is("knows no revocation of a customer") {
		before = time.Time{}
	}
	return before, err
}

func (b *broken) Events(ctx context.Context, id string, limit int) ([]store.Event, error) {
	if b.is("lists have no limit") {
		limit = 1000
	}
	if b.is("a negative limit is none") && limit < 0 {
		limit = 1000
	}
	events, err := b.Archive.Events(ctx, id, limit)
	if b.is("completed orders have no event") {
		b.root().mu.Lock()
		defer b.root().mu.Unlock()
		events = slices.DeleteFunc(events, func(e store.Event) bool {
			return e.EventType == store.EventOrderCompleted && b.root().poor[strings.TrimPrefix(e.EventID, "e-")]
		})
	}
	if b.is("events are newest first") {
		slices.Reverse(events)
	}
	return events, err
}

func (b *broken) Sessions(ctx context.Context, f report.Filter) ([]store.Session, error) {
	if b.is("lists have no limit") {
		f.Limit = 1000
	}
	if b.is("no limit is a limit of none") && f.Limit <= 0 {
		return []store.Session{}, nil
	}
	if b.is("a negative limit is none") && f.Limit < 0 {
		f.Limit = 1000
	}
	return b.Archive.Sessions(ctx, f)
}

func (b *broken) Stats(ctx context.Context, w report.Window) (report.Stats, error) {
	if b.is("no time is the beginning of time") && w.Today.IsZero() {
		w.Today = time.Unix(0, 0)
	}
	return b.Archive.Stats(ctx, w)
}

func (b *broken) CustomerSessions(ctx context.Context, customer string, limit int) ([]store.Session, error) {
	if b.is("lists have no limit") {
		limit = 1000
	}
	if b.is("a negative limit is none") && limit < 0 {
		limit = 1000
	}
	sessions, err := b.Archive.CustomerSessions(ctx, customer, limit)
	if b.is("revocation ends what was over") {
		b.root().mu.Lock()
		defer b.root().mu.Unlock()
		for i := range sessions {
			if before := b.root().cutoffs[customer]; sessions[i].EndedAt.IsZero() && sessions[i].LastSeenAt.Before(before) {
				sessions[i].EndedAt, sessions[i].EndReason = before, store.EndRevoked
			}
		}
	}
	return sessions, err
}

func (b *broken) ActiveVisitors(ctx context.Context, since time.Time) (int64, error) {
	if b.is("visitors are sessions") {
		return b.SessionsBegun(ctx, since)
	}
	return b.Archive.ActiveVisitors(ctx, since)
}

func (b *broken) ClaimSlot(ctx context.Context, job string, slot time.Time) (bool, error) {
	if b.is("each process has its slots") && b.first != nil {
		job += " of the other"
	}
	mine, err := b.Archive.ClaimSlot(ctx, job, slot)
	return (mine || b.is("everybody gets the slot")) && !b.is("nobody gets the slot"), err
}

func (b *broken) Refunded(ctx context.Context, orderID string) (int64, error) {
	if b.is("an order's refunds are those of all") {
		s, err := b.Stats(ctx, report.Window{})
		if err != nil || len(s.Refunded) == 0 {
			return 0, err
		}
		return s.Refunded[0].Amount, nil
	}
	return b.Archive.Refunded(ctx, orderID)
}

func (b *broken) KeepFirst(ctx context.Context, key, value string) (string, error) {
	if b.is("all keys have one value") {
		key = "key"
	}
	first, err := b.Archive.KeepFirst(ctx, key, value)
	switch {
	case err == nil && b.is("the last value of a key is kept"):
		return value, nil
	case err == nil && first != value && b.is("who keeps a value again gets an error"):
		return "", errors.New("there is one")
	}
	return first, err
}

func (b *broken) Purge(ctx context.Context, now, sessions, visitors time.Time, limit int) (int, error) {
	if b.is("purge has no bound") {
		limit = 1000
	}
	n, err := b.Archive.Purge(ctx, now, sessions, visitors, limit)
	b.root().mu.Lock()
	b.root().purged = true
	b.root().mu.Unlock()
	switch {
	case b.is("purge never ends"):
		n++
	case b.is("purge says 0"):
		n = 0
	}
	return n, err
}

// The random histories are compared with the model, so the model has to follow
// the rules too. Those that need no batches are checked here.
func TestModel_Fold(t *testing.T) {
	m := newModel()
	for _, f := range twoSessions() {
		m.apply(f)
	}
	if got := m.home(m.events[eid(2)]); got != sid(1) {
		t.Errorf("an event of the folded session is listed under %s, want %s", got, sid(1))
	}
	m.apply(seen(2, 60))
	if got := m.home(m.events[eid(2)]); got != sid(2) {
		t.Errorf("an event of the session that was taken out is listed under %s, want %s", got, sid(2))
	}
}

// A failure shows what differs, so values must have a readable form.
func TestShow(t *testing.T) {
	for _, v := range []any{sid(1), at(0), record(1, 0), []string{"a"}, []any{1, errors.New("e")}, json.RawMessage(`{}`)} {
		if text := show(v); text == "" || bytes.Contains([]byte(text), []byte("%!")) {
			t.Errorf("show(%T) = %q", v, text)
		}
	}
}

func (b *broken) Days(ctx context.Context, from, to report.UTCDay) ([]report.DayState, error) {
	days, err := b.Archive.Days(ctx, from, to)
	for i := range days {
		if b.is("generations stand still") {
			days[i].Generation = 1
		}
	}
	return days, err
}

func (b *broken) ReadDay(ctx context.Context, day report.UTCDay, read report.DayReader) error {
	visit, order := read.Visit, read.Order
	read.Visit = func(v *report.Visit) error {
		if b.is("an event is of its own day") {
			v.Events = slices.DeleteFunc(v.Events, func(e report.Event) bool { return report.DayOfMillis(e.At) != day })
		}
		return visit(v)
	}
	read.Order = func(o *report.Order) error {
		if b.is("orders have no visit") {
			o.VisitBeganAt = 0
		}
		return order(o)
	}
	return b.Archive.ReadDay(ctx, day, read)
}
