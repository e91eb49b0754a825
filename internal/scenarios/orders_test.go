package scenarios_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/store"
)

// Seed defect 23.
func TestOrder_EachIsListed(t *testing.T) {
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	b.Do("POST", "/order/first")
	time.Sleep(2 * time.Millisecond)
	b.Do("POST", "/order/second")
	rec := s.Stored(stage.SessionOf(t, b))
	if !rec.Converted || rec.OrderID != "second" {
		t.Errorf("converted %v, orderId %q: the latest order", rec.Converted, rec.OrderID)
	}
	for _, id := range []string{"first", "second"} {
		if o, ok, err := s.SQLite.Order(context.Background(), id); !ok || err != nil || o.SessionID != rec.SessionID {
			t.Errorf("order %s: %+v %v %v", id, o, ok, err)
		}
	}
}

func TestOrder_AnAmountBeyondTheGreatestIsRefused(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	ctx := context.Background()
	place := func(id string, amount int64) error {
		_, _, err := s.Tracker.PlaceOrderFor(ctx, footfall.Visit{}, footfall.OrderInput{ID: id, Total: footfall.Money{Amount: amount, Currency: "EUR"}})
		return err
	}
	if err := place("o-1", store.MaxAmount); err != nil {
		t.Errorf("an order of the greatest amount: %v", err)
	}
	if err := place("o-2", store.MaxAmount+1); err == nil || !strings.Contains(err.Error(), "1000000000000000 minor units") || strings.Contains(err.Error(), "\n") {
		t.Errorf("an order of more than 10^15 minor units: error %v, want one that says how much is the most", err)
	}
	if err := s.Tracker.Refund(ctx, footfall.RefundInput{ID: "r", OrderID: "o-1", Amount: footfall.Money{Amount: math.MaxInt64, Currency: "EUR"}}); err == nil || !strings.Contains(err.Error(), "1000000000000000 minor units") {
		t.Errorf("a refund of more than 10^15 minor units: error %v, want one that says how much is the most", err)
	}
	if _, ok, err := s.Tracker.Order(ctx, "o-2"); ok || err != nil {
		t.Errorf("the order that was refused is there: %v %v", ok, err)
	}
}

// Seed defect 24.
func TestOrder_IsOneFact(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	s.Archive.Down.Store(true)
	s.Hot.Down.Store(true)
	var wg sync.WaitGroup
	for range 8 {
		r := b.Request("POST", "/order/1")
		wg.Go(func() {
			if got := stage.Text(t, b.With(b.Cookie("session")).Send(r)); got != "ok" {
				t.Errorf("an outage of tracking failed a sale: %s", got)
			}
		})
	}
	wg.Wait()
	s.Hot.Down.Store(false)
	s.Archive.Down.Store(false)
	b.Do("POST", "/order/1")
	rec := s.Stored(id)
	events, err := s.SQLite.Events(context.Background(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	orders := slices.DeleteFunc(events, func(e store.Event) bool { return e.EventType != footfall.EventOrderCompleted })
	if !rec.Converted || len(orders) != 1 {
		t.Errorf("nine recordings of one order: converted %v, %d events order_completed", rec.Converted, len(orders))
	}
}

// Past its cap the journal has a reserve for orders; past that an order stands nowhere, and
// is not acknowledged.
func TestOrder_OnAFullJournalWhatIsAcknowledgedIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, func(c *footfall.Config) { c.JournalMaxBytes = 1 << 20 })
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		s.Archive.Down.Store(true)
		for s.Count("journal_refused") == 0 {
			b.Do("GET", "/?"+strings.Repeat("x", 1500))
		}
		for {
			got := stage.Text(t, b.Do("POST", fmt.Sprint("/order/", s.Count("orders"))))
			if s.Count("orders_unwritten") > 0 {
				if got == "ok" {
					t.Error("an order that stands nowhere is acknowledged")
				}
				break
			}
			if got != "ok" {
				t.Fatalf("a full journal failed a sale before its reserve was used up: %s", got)
			}
		}
		if s.Count("journal_reserved") == 0 {
			t.Error("the reserve took no order")
		}
		placed := s.Count("orders")
		s.Archive.Down.Store(false)
		time.Sleep(10 * time.Second)
		s.Settle()
		for i := range placed {
			if _, ok, err := s.SQLite.Order(context.Background(), fmt.Sprint(i)); !ok || err != nil {
				t.Fatalf("order %d of %d is not there: %v", i, placed, err)
			}
		}
	})
}

// A stranger begins and ends sessions as fast as they like, and what that takes must not
// be taken from orders.
func TestOrder_OnAFullJournalLogoutsOfNobodyLeaveTheReserveToOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, func(c *footfall.Config) { c.JournalMaxBytes = 1 << 20 })
		b, customer := stage.NewBrowser(t, s.Site()), stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		customer.Do("POST", "/login/c1")
		s.Archive.Down.Store(true)
		for s.Count("journal_refused") == 0 {
			b.Do("GET", "/?"+strings.Repeat("x", 1500))
		}
		for range 1000 {
			stranger := stage.NewBrowser(t, s.Site())
			stranger.Do("GET", "/?"+strings.Repeat("x", 1500))
			stranger.Do("POST", "/logout")
		}
		if n := s.Count("journal_reserved"); n != 0 {
			t.Errorf("the reserve took %d facts of sessions that never had a customer", n)
		}
		if got := stage.Text(t, b.Do("POST", "/order/1")); got != "ok" {
			t.Errorf("strangers have tried to end 1000 sessions on a full journal, and an order is answered %q", got)
		}
		if got := stage.Text(t, customer.Do("POST", "/logout")); got != "ok" {
			t.Errorf("strangers have tried to end 1000 sessions on a full journal, and a customer's logout is answered %q", got)
		}
		s.Archive.Down.Store(false)
		time.Sleep(10 * time.Second)
	})
}
