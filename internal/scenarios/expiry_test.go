package scenarios_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/store"
)

func TestExpiry(t *testing.T) {
	for _, c := range []struct {
		name   string
		every  time.Duration // a page view
		until  time.Duration
		alive  bool
		reason footfall.EndReason
	}{
		{"idle", 0, 31 * time.Minute, false, footfall.EndIdle},
		{"not quite idle", 0, 29 * time.Minute, true, ""},
		{"active", 20 * time.Minute, 110 * time.Minute, true, ""},
		{"absolute", 20 * time.Minute, 2*time.Hour + time.Minute, false, footfall.EndAbsolute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stage.New(t, func(c *footfall.Config) { c.MaxAge = 2 * time.Hour })
				b := stage.NewBrowser(t, s.Site())
				b.Do("POST", "/login/alice")
				id := stage.SessionOf(t, b)
				for passed := time.Duration(0); passed < c.until; {
					step := c.every
					if step == 0 || passed+step > c.until {
						step = c.until - passed
					}
					time.Sleep(step)
					passed += step
					if passed < c.until {
						b.Do("GET", "/")
					}
				}
				if got := b.Do("GET", "/me").StatusCode == http.StatusOK; got != c.alive {
					t.Errorf("after %v the customer is let in: %v, want %v", c.until, got, c.alive)
				}
				ended := store.Lifetimes{Idle: 30 * time.Minute, Absolute: 2 * time.Hour}.Ended(s.Stored(id).Session, time.Now())
				if ended.EndReason != c.reason {
					t.Errorf("its end is %q, want %q", ended.EndReason, c.reason)
				}
			})
		})
	}
}

// Seed defect 4.
func TestExpiry_IsCheckedOnEachRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		id := stage.SessionOf(t, b)
		time.Sleep(29 * time.Minute)
		s.Restart() // nothing in memory: the archive is read
		b.Handler = s.Site()
		if got := stage.SessionOf(t, b); got != id {
			t.Fatalf("after 29 minutes and a restart the session is %q", got)
		}
		time.Sleep(2 * time.Minute) // a read is no activity
		s.Restart()
		b.Handler = s.Site()
		if got := stage.SessionOf(t, b); got != "none" {
			t.Errorf("after 31 idle minutes the archive brought %q back", got)
		}
	})
}

// A customer whose client calls itself a tool is a customer.
func TestExpiry_OfACustomerWithAToolsAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Header.Set("User-Agent", "curl/8.9.1")
		b.Do("POST", "/login/alice")
		for range 4 {
			time.Sleep(20 * time.Minute)
			if resp := b.Do("GET", "/me"); resp.StatusCode != http.StatusOK {
				t.Fatalf("an active customer idled out: %d", resp.StatusCode)
			}
		}
		if n := s.Count("bot_views"); n != 0 {
			t.Errorf("%d bot views of a customer", n)
		}
	})
}

// Software that holds a session cookie keeps nothing alive.
func TestExpiry_BotExtendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		id := stage.SessionOf(t, b)
		b.Header.Set("User-Agent", "curl/8.0")
		for range 3 {
			time.Sleep(20 * time.Minute)
			b.Do("GET", "/me")
		}
		rec := s.Stored(id)
		if rec.LastSeenAt.Sub(rec.StartedAt) > time.Minute {
			t.Errorf("a bot's requests to an uncounted route extend an anonymous session by %v", rec.LastSeenAt.Sub(rec.StartedAt))
		}
	})
}

// A refund or a late order is no sign of the visitor.
func TestExpiry_RefundRevivesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("POST", "/login/alice")
		b.Do("POST", "/order/1")
		time.Sleep(2 * time.Hour)
		if err := s.Tracker.Refund(context.Background(), footfall.RefundInput{OrderID: "1", ID: "r1", Amount: footfall.Money{Amount: 5, Currency: "EUR"}}); err != nil {
			t.Fatal(err)
		}
		s.Settle()
		s.Restart()
		b.Handler = s.Site()
		if resp := b.Do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a refund brought a session back that had ended: %d", resp.StatusCode)
		}
	})
}

// Of much activity with nothing to count, the latest moment is kept.
func TestActivity_TheLastOfItReachesTheArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("POST", "/login/alice")
		id := stage.SessionOf(t, b)
		time.Sleep(5 * time.Second)
		b.Do("GET", "/me")
		time.Sleep(900 * time.Millisecond)
		b.Do("GET", "/me")
		last := time.Now()
		time.Sleep(10 * time.Second)
		if rec := s.Stored(id); last.Sub(rec.LastSeenAt) > 100*time.Millisecond {
			t.Errorf("the archive's lastSeenAt is %v behind, 10 s later", last.Sub(rec.LastSeenAt))
		}
	})
}

// Seed defect 30.
func TestActivity_LastSeenNeverGoesBack(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	rec := s.Stored(stage.SessionOf(t, b))
	ctx := context.Background()
	for _, at := range []time.Time{rec.LastSeenAt.Add(time.Hour), rec.LastSeenAt.Add(-time.Hour)} {
		if err := s.SQLite.Append(ctx, []store.Fact{&store.SessionSeen{SessionID: rec.SessionID, At: at}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Stored(rec.SessionID).LastSeenAt; !got.Equal(rec.LastSeenAt.Add(time.Hour)) {
		t.Errorf("lastSeenAt is %v after a late fact", got)
	}
}
