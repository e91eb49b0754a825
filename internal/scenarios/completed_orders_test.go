package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

var (
	sale    = footfall.Money{Amount: 1999, Currency: "EUR"}
	webhook = footfall.Visit{} // a payment provider's request: it knows nobody
)

// tell places an order outside of the buyer's request.
func tell(t *testing.T, tr *footfall.Tracker, visit footfall.Visit, id string) (footfall.Order, bool) {
	t.Helper()
	order, before, err := tr.PlaceOrderFor(t.Context(), visit, footfall.OrderInput{ID: id, Total: sale})
	if err != nil {
		t.Errorf("a sale failed because of tracking: %v", err)
	}
	return order, before
}

// wantOneSale checks that a session has one order, which is the only sale and is
// complete.
func wantOneSale(t *testing.T, s *stage.Stage, session, order, customer, how string) {
	t.Helper()
	rec := s.Stored(session)
	if !rec.Converted || rec.OrderID != order {
		t.Errorf("%s: the buyer's session is converted: %v, by %q; it is the session of order %q", how, rec.Converted, rec.OrderID, order)
	}
	o, ok, err := s.SQLite.Order(t.Context(), order)
	if !ok || err != nil || o.SessionID != session || o.VisitorID != rec.VisitorID || o.CustomerID != customer {
		t.Errorf("%s: the order is %+v, %v, %v; whoever told it, it is of session %s, visitor %s, customer %q", how, o, ok, err, session, rec.VisitorID, customer)
	}
	stats, err := s.SQLite.Stats(t.Context(), report.Window{Now: time.Now(), Today: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if stats.Orders != 1 || len(stats.Revenue) != 1 || stats.Revenue[0] != sale {
		t.Errorf("%s: %d orders for %v; it is one sale, told twice", how, stats.Orders, stats.Revenue)
	}
	if n := orderEvents(t, s, session); n != 1 || stats.EventsByType[footfall.EventOrderCompleted] != 1 {
		t.Errorf("%s: the session has %d events order_completed, all have %d; one sale is one event", how, n, stats.EventsByType[footfall.EventOrderCompleted])
	}
}

func orderEvents(t *testing.T, s *stage.Stage, session string) (n int) {
	t.Helper()
	events, err := s.SQLite.Events(t.Context(), session, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.EventType == footfall.EventOrderCompleted {
			n++
		}
	}
	return n
}

// The payment provider tells a sale without a cookie, the buyer's thank-you page with
// one. Whichever comes first, on whatever instance, whether the archive takes it or
// the journal, and whichever journal comes first: it is one sale of that buyer.
func TestCompletedOrder_ToldByWebhookAndByTheBuyer(t *testing.T) {
	t.Parallel()
	for i := range 64 {
		bit := func(n int) bool { return i>>n&1 == 1 }
		webhookFirst, others := bit(0), bit(1)
		awayFirst, awaySecond := bit(2), bit(3)
		secondJournalFirst, twice := bit(4), bit(5)
		if secondJournalFirst && !(others && awayFirst && awaySecond) {
			continue // only two journals have an order
		}
		how := fmt.Sprintf("webhook first %v, on another instance %v, archive away at the first %v, at the second %v, the second's journal first %v, all twice %v",
			webhookFirst, others, awayFirst, awaySecond, secondJournalFirst, twice)
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := stage.NewFleet(t, 2)
				b := stage.NewBrowser(t, nil)
				f.On(1, b, "POST", "/login/alice")
				session := stage.SessionOf(t, b)
				f.Settle()
				provider := 1
				if others {
					provider = 0
				}
				calls := []func(){func() { tell(t, f.Instances[provider].Tracker, webhook, "o") }, func() { f.On(1, b, "POST", "/order/o") }}
				journals := []int{provider, 1}
				if !webhookFirst {
					calls[0], calls[1], journals[0], journals[1] = calls[1], calls[0], journals[1], journals[0]
				}
				away := func(is bool) {
					for _, s := range f.Instances {
						s.Archive.Down.Store(is)
					}
				}
				away(awayFirst)
				calls[0]()
				if !awaySecond {
					away(false)
					time.Sleep(2 * time.Second) // the breaker closes
				}
				away(awaySecond)
				calls[1]()
				if twice {
					calls[0]()
					calls[1]()
				}
				if secondJournalFirst {
					f.Instances[journals[1]].Archive.Down.Store(false)
					f.Instances[journals[1]].Settle()
				}
				away(false)
				time.Sleep(5 * time.Second)
				f.Settle()
				wantOneSale(t, f.Instances[1], session, "o", "alice", how)
				o, before, err := f.Instances[0].Tracker.PlaceOrderFor(t.Context(), webhook, footfall.OrderInput{ID: "o", Total: sale})
				if err != nil || !before || o.SessionID != session || o.CustomerID != "alice" {
					t.Errorf("%s: placed once more it stands as %+v, before %v, %v; it is returned as completed", how, o, before, err)
				}
			})
		})
	}
}

func TestCompletedOrder_ByTheSameRequestsOfAWebhook(t *testing.T) {
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	session := stage.SessionOf(t, b)
	provider := stage.NewBrowser(t, s.Site())
	provider.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	provider.Do("POST", "/order/o")
	if o, ok, err := s.Tracker.Order(t.Context(), "o"); !ok || err != nil || o.SessionID != "" {
		t.Fatalf("a webhook's order is %+v, %v, %v: the test needs one without a session", o, ok, err)
	}
	b.Do("POST", "/order/o")
	o, ok, err := s.Tracker.Order(t.Context(), "o")
	if !ok || err != nil || o.SessionID != session || o.VisitorID == "" {
		t.Errorf("after the buyer's thank-you page the order is %+v, %v, %v: it is the buyer's", o, ok, err)
	}
	wantOneSale(t, s, session, "o", "", "by the middleware alone")
	if n := s.Count("orders"); n != 1 {
		t.Errorf("one sale, told twice, is counted %d times", n)
	}
}

// What the first call said stands, also when it is poorer in another field.
func TestCompletedOrder_KeepsWhatTheFirstSaid(t *testing.T) {
	s := stage.New(t, nil)
	b, c := stage.NewBrowser(t, s.Site()), stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	c.Do("POST", "/login/carol")
	first, second := stage.SessionOf(t, b), stage.SessionOf(t, c)
	b.Do("POST", "/order/o")
	placed, ok, err := s.Tracker.Order(t.Context(), "o")
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	c.Do("POST", "/order/o")
	o, _, err := s.Tracker.Order(t.Context(), "o")
	if err != nil || o.SessionID != first || o.VisitorID != placed.VisitorID || !o.CreatedAt.Equal(placed.CreatedAt) || o.CustomerID != "carol" {
		t.Errorf("the order is %+v (%v), was %+v: session, visitor and time of the first call stay, and what it did not know is filled in", o, err, placed)
	}
	wantOneSale(t, s, first, "o", "carol", "told from two sessions")
	if rec := s.Stored(second); rec.Converted {
		t.Error("a session that names another session's order is converted by it")
	}
}

func TestCompletedOrder_AcrossACrash(t *testing.T) {
	for _, webhookFirst := range []bool{true, false} {
		for _, between := range []bool{true, false} { // the crash comes between the two calls, or after both
			synctest.Test(t, func(t *testing.T) {
				s := stage.New(t, nil)
				b := stage.NewBrowser(t, s.Site())
				b.Do("POST", "/login/alice")
				session := stage.SessionOf(t, b)
				s.Archive.Down.Store(true)
				calls := []func(){func() { tell(t, s.Tracker, webhook, "o") }, func() { b.Do("POST", "/order/o") }}
				if !webhookFirst {
					calls[0], calls[1] = calls[1], calls[0]
				}
				calls[0]()
				if !between {
					calls[1]()
				}
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if err := s.Tracker.Close(ctx); err == nil {
					t.Error("Close says that everything is in an archive that is down")
				}
				if err := s.SQLite.Close(); err != nil {
					t.Fatal(err)
				}
				s.Start()
				b.Handler = s.Site()
				if between {
					calls[1]()
				}
				time.Sleep(2 * time.Second)
				wantOneSale(t, s, session, "o", "alice", fmt.Sprintf("webhook first %v, a crash between %v", webhookFirst, between))
			})
		}
	}
}

func TestCompletedOrder_ToldInParallel(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		away, instances := i%2 == 1, 1+i/2
		f := stage.NewFleet(t, instances)
		b := stage.NewBrowser(t, nil)
		f.On(0, b, "POST", "/login/alice")
		session := stage.SessionOf(t, b)
		f.Settle()
		for _, s := range f.Instances {
			s.Archive.Down.Store(away)
		}
		var firsts sync.Map
		var calls sync.WaitGroup
		for i := range 8 {
			calls.Go(func() {
				if _, before := tell(t, f.Instances[i%instances].Tracker, webhook, "o"); !before {
					firsts.Store(i, true)
				}
			})
			r := b.Request("POST", "/order/o")
			calls.Go(func() { f.Sites[i%instances].ServeHTTP(newRecorder(), r) })
		}
		calls.Wait()
		n := 0
		firsts.Range(func(_, _ any) bool { n++; return true })
		if n > 1 && instances == 1 {
			t.Errorf("%d parallel calls of one order in one process were told that theirs is the first", n)
		}
		for _, s := range f.Instances {
			s.Archive.Down.Store(false)
		}
		f.Settle()
		wantOneSale(t, f.Instances[0], session, "o", "alice", fmt.Sprintf("in parallel on %d instances, archive away: %v", instances, away))
	}
}

// A session's latest order is the one that was placed last, whenever it was completed.
func TestCompletedOrder_DoesNotHideALaterOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		session := stage.SessionOf(t, b)
		tell(t, s.Tracker, webhook, "first")
		time.Sleep(time.Second)
		b.Do("POST", "/order/second")
		time.Sleep(time.Second)
		b.Do("POST", "/order/first")
		var shown footfall.Session
		s.Tracker.Optional(handler(func(ctx context.Context) { shown, _ = footfall.FromContext(ctx) })).ServeHTTP(newRecorder(), b.Request("GET", "/peek"))
		if rec := s.Stored(session); rec.OrderID != "second" || shown.OrderID != "second" {
			t.Errorf("the session's order is %q in the archive and %q in its context; the latest one is the second", rec.OrderID, shown.OrderID)
		}
		if n := orderEvents(t, s, session); n != 2 {
			t.Errorf("two orders of a session have %d events", n)
		}
	})
}

func TestOrder_AnotherAmountIsAConflict(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprint("shared_", shared), func(t *testing.T) {
			f := stage.NewFleet(t, 2)
			for _, s := range f.Instances {
				s.Archive.IsShared = shared
			}
			first, other := f.Instances[0].Tracker, f.Instances[1].Tracker
			b := stage.NewBrowser(t, nil)
			f.On(0, b, "GET", "/")
			session := stage.SessionOf(t, b)
			tell(t, first, webhook, "o")
			if !shared {
				other = first
			}
			for _, total := range []footfall.Money{{Amount: 5, Currency: "EUR"}, {Amount: 1999, Currency: "USD"}} {
				order, before, err := other.PlaceOrderFor(t.Context(), footfall.Visit{SessionID: session}, footfall.OrderInput{ID: "o", Total: total})
				if !errors.Is(err, footfall.ErrConflict) || !before || order.Total != sale {
					t.Errorf("a second order of an id for %v: %+v, before %v, %v; it is ErrConflict, with the first order", total, order, before, err)
				}
			}
			f.Settle()
			if o, _, err := first.Order(t.Context(), "o"); err != nil || o.Total != sale || o.SessionID != "" {
				t.Errorf("after orders of another amount it is %+v, %v; they change nothing", o, err)
			}
			if rec := f.Instances[0].Stored(session); rec.Converted || orderEvents(t, f.Instances[0], session) != 0 {
				t.Error("an order of another amount converts the session that it names")
			}
		})
	}
}

func TestRefund_AnotherAmountIsAConflict(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprint("shared_", shared), func(t *testing.T) {
			f := stage.NewFleet(t, 2)
			for _, s := range f.Instances {
				s.Archive.IsShared = shared
			}
			first, other := f.Instances[0].Tracker, f.Instances[1].Tracker
			if !shared {
				other = first
			}
			tell(t, first, webhook, "o")
			tell(t, first, webhook, "p")
			refund := func(tr *footfall.Tracker, order string, amount int64, currency string) error {
				return tr.Refund(t.Context(), footfall.RefundInput{ID: "r", OrderID: order, Amount: footfall.Money{Amount: amount, Currency: currency}})
			}
			if err := errors.Join(refund(first, "o", 300, "eur"), refund(other, "o", 300, "EUR")); err != nil {
				t.Errorf("a refund, told twice: %v", err)
			}
			for range 2 { // before and after the archive has it
				for what, err := range map[string]error{"another amount": refund(other, "o", 301, "EUR"), "more than the order": refund(other, "o", 9999, "EUR"), "another order": refund(other, "p", 300, "EUR")} {
					if !errors.Is(err, footfall.ErrConflict) {
						t.Errorf("a used refund id with %s: %v; it is ErrConflict", what, err)
					}
				}
				f.Settle()
			}
			stats, err := f.SQLite.Stats(t.Context(), report.Window{Now: time.Now(), Today: time.Now()})
			if err != nil || len(stats.Refunded) != 1 || stats.Refunded[0].Amount != 300 {
				t.Errorf("refunded is %v, %v; the first value of a refund counts, once", stats.Refunded, err)
			}
		})
	}
}

// Whatever the archive has by then, in whatever order calls come.
func TestRefund_MoreThanPaidIsRefused(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprint("shared_", shared), func(t *testing.T) {
			f := stage.NewFleet(t, 2)
			for _, s := range f.Instances {
				s.Archive.IsShared = shared
			}
			first, other := f.Instances[0].Tracker, f.Instances[1].Tracker
			if !shared {
				other = first
			}
			tell(t, first, webhook, "o")
			tell(t, first, webhook, "p")
			refund := func(tr *footfall.Tracker, id, order string, amount int64) error {
				return tr.Refund(t.Context(), footfall.RefundInput{ID: id, OrderID: order, Amount: footfall.Money{Amount: amount, Currency: "EUR"}})
			}
			refused := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, store.ErrRefundTooLarge) || errors.Is(err, footfall.ErrConflict) || errors.Is(err, footfall.ErrUnavailable) {
					t.Errorf("%s: %v; more than was paid is ErrRefundTooLarge", what, err)
				}
			}
			refused("one refund of more than the order", refund(first, "r-0", "o", 2000))
			if err := errors.Join(refund(first, "r-1", "o", 1000), refund(other, "r-2", "o", 900), refund(other, "r-3", "p", 1999)); err != nil {
				t.Fatal(err)
			}
			for _, when := range []string{"at once", "after the archive has the others"} {
				refused("a refund beyond what is left, "+when, refund(first, "r-4", "o", 100))
				refused("the greatest amount, "+when, refund(other, "r-5", "o", store.MaxAmount))
				if err := refund(other, "r-1", "o", 1000); err != nil {
					t.Errorf("%s: a refund that was recorded, told again: %v", when, err)
				}
				f.Settle()
			}
			if err := errors.Join(refund(other, "r-6", "o", 99), refund(first, "r-7", "o", 0)); err != nil {
				t.Errorf("a refund of all that is left: %v", err)
			}
			refused("one more", refund(first, "r-8", "o", 1))
			f.Settle()
			stats, err := f.SQLite.Stats(t.Context(), report.Window{Now: time.Now(), Today: time.Now()})
			if err != nil || len(stats.Refunded) != 1 || stats.Refunded[0].Amount != 2*1999 {
				t.Errorf("refunded is %v, %v, want all of two orders of 1999", stats.Refunded, err)
			}
		})
	}
}

// Parallel refunds of one order through one process see each other.
func TestRefund_ParallelOnesDoNotExceedTheOrder(t *testing.T) {
	for _, down := range []bool{false, true} {
		s := stage.New(t, nil)
		s.Archive.Down.Store(down) // then the order is only in the journal, and so are its refunds
		tell(t, s.Tracker, webhook, "o")
		if !down {
			s.Settle()
		}
		var recorded, refused atomic.Int64
		var calls sync.WaitGroup
		for i := range 20 {
			calls.Go(func() {
				err := s.Tracker.Refund(t.Context(), footfall.RefundInput{ID: fmt.Sprint("r-", i), OrderID: "o", Amount: footfall.Money{Amount: 500, Currency: "EUR"}})
				switch {
				case err == nil:
					recorded.Add(1)
				case errors.Is(err, store.ErrRefundTooLarge):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		calls.Wait()
		s.Archive.Down.Store(false)
		if recorded.Load() != 3 || refused.Load() != 17 {
			t.Errorf("archive down %v: of 20 parallel refunds of 500 of an order of 1999, %d are recorded and %d refused; three fit", down, recorded.Load(), refused.Load())
		}
		s.Settle()
		if sum, err := s.SQLite.Refunded(t.Context(), "o"); err != nil || sum != 1500 {
			t.Errorf("refunded is %d, %v", sum, err)
		}
	}
}

// Two instances that refund at the same moment cannot see each other: both facts are
// kept, and what exceeds the order is counted.
func TestRefund_OfTwoInstancesIsKeptAndCounted(t *testing.T) {
	f := stage.NewFleet(t, 2)
	tell(t, f.Instances[0].Tracker, webhook, "o")
	gate := make(chan struct{})
	for _, s := range f.Instances {
		s.Archive.Gate.Store(&gate) // what they commit waits, so that neither sees the other's
	}
	var calls sync.WaitGroup
	for i, s := range f.Instances {
		calls.Go(func() {
			if err := s.Tracker.Refund(t.Context(), footfall.RefundInput{ID: fmt.Sprint("r-", i), OrderID: "o", Amount: footfall.Money{Amount: 1500, Currency: "EUR"}}); err != nil {
				t.Errorf("instance %d: %v", i, err)
			}
		})
	}
	stage.Soon(t, 10*time.Second, "both instances commit", func() bool {
		return f.Instances[0].Archive.Waiting.Load() > 0 && f.Instances[1].Archive.Waiting.Load() > 0
	})
	close(gate)
	calls.Wait()
	f.Settle()
	sum, err := f.SQLite.Refunded(t.Context(), "o")
	stats, statsErr := f.SQLite.Stats(t.Context(), report.Window{Now: time.Now(), Today: time.Now()})
	if err != nil || statsErr != nil || sum != 3000 || len(stats.Refunded) != 1 || stats.Refunded[0].Amount != 3000 {
		t.Errorf("refunded is %d (%v), in the figures %v (%v): what happened is kept and shown, and is no error", sum, err, stats.Refunded, statsErr)
	}
	if n := f.Instances[0].Count("refunds_exceeding") + f.Instances[1].Count("refunds_exceeding"); n < 1 {
		t.Error("nobody counts that more was refunded than was paid")
	}
	if err := f.Instances[0].Tracker.Refund(t.Context(), footfall.RefundInput{ID: "r-2", OrderID: "o", Amount: footfall.Money{Amount: 1, Currency: "EUR"}}); !errors.Is(err, store.ErrRefundTooLarge) {
		t.Errorf("one more refund: %v", err)
	}
}

func TestOrder_CurrencyInAnyCase(t *testing.T) {
	s := stage.New(t, nil)
	o, _, err := s.Tracker.PlaceOrderFor(t.Context(), webhook, footfall.OrderInput{ID: "o", Total: footfall.Money{Amount: 1999, Currency: "eur"}})
	if err != nil || o.Total != sale {
		t.Errorf("an order in \"eur\" is %+v, %v; currencies are stored in capital letters", o, err)
	}
	if _, before, err := s.Tracker.PlaceOrderFor(t.Context(), webhook, footfall.OrderInput{ID: "o", Total: sale}); !before || err != nil {
		t.Errorf("the same order in \"EUR\": before %v, %v; it is the same total", before, err)
	}
}
