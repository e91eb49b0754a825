package shop

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/footfalltest"
)

const aMug = `{"items":[{"productId":"1","quantity":1}]}`

// order places an order and returns the answer's status.
func order(t *testing.T, s *Shop, b *footfalltest.Browser, header ...string) int {
	t.Helper()
	r := b.Request("POST", api+"orders", strings.NewReader(aMug))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp := b.Do(s, r)
	if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	return resp.StatusCode
}

func openShop(t *testing.T, tracker *footfalltest.Tracker, ordersPerMinute int) *Shop {
	t.Helper()
	s, err := New(Config{Tracker: tracker.Tracker, OrdersPerMinute: ordersPerMinute})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tool is software: its orders belong to no session.
func tool(tracker *footfalltest.Tracker, addr string) *footfalltest.Browser {
	b := tracker.Browser()
	b.Header, b.RemoteAddr = http.Header{"User-Agent": {"curl/8.5.0"}}, addr
	return b
}

func TestOrders_WithoutASessionAreBounded(t *testing.T) {
	footfalltest.Run(t, func(t *testing.T, tracker *footfalltest.Tracker) {
		s := openShop(t, tracker, 3)
		before := ordersRefused.Load()
		for i, want := range []int{201, 201, 201, 429, 429} {
			if got := order(t, s, tool(tracker, "198.51.100.7:4711")); got != want {
				t.Errorf("order %d of a tool: %d, want %d", i+1, got, want)
			}
		}
		if got := order(t, s, tool(tracker, "198.51.100.8:4711")); got != 429 {
			t.Errorf("an order of the same network: %d, want 429", got)
		}
		if n := ordersRefused.Load() - before; n != 3 {
			t.Errorf("%d orders are counted as refused, want 3", n)
		}
		if got := order(t, s, tool(tracker, "203.0.113.8:4711")); got != 201 {
			t.Errorf("an order of another network: %d, want 201", got)
		}
		b := tracker.Browser()
		b.RemoteAddr = "198.51.100.9:4711"
		for i := range 5 {
			if got := order(t, s, b); got != 201 {
				t.Errorf("order %d of a visitor in the network of many tools: %d, want 201", i+1, got)
			}
		}
		tracker.Advance(time.Minute)
		if got := order(t, s, tool(tracker, "198.51.100.7:4711")); got != 201 {
			t.Errorf("an order a minute later: %d, want 201", got)
		}
		if n := len(tracker.Orders()); n != 10 {
			t.Errorf("%d orders are stored, want 10", n)
		}
	})
}

// What a session has past its limit is stored without it, and bounded like that.
func TestOrders_PastASessionsLimitAreBounded(t *testing.T) {
	footfalltest.Run(t, func(t *testing.T, tracker *footfalltest.Tracker) {
		s, b := openShop(t, tracker, 3), tracker.Browser()
		for i := range 105 {
			want := 201
			if i >= 103 {
				want = 429
			}
			if got := order(t, s, b); got != want {
				t.Fatalf("order %d of a session: %d, want %d", i+1, got, want)
			}
		}
	})
}

func TestOrders_ARepeatedOneCountsOnce(t *testing.T) {
	footfalltest.Run(t, func(t *testing.T, tracker *footfalltest.Tracker) {
		s, b := openShop(t, tracker, 2), tracker.Browser()
		for range 100 {
			if got := order(t, s, b); got != 201 {
				t.Fatalf("an order of a session: %d", got)
			}
		}
		for range 5 {
			if got := order(t, s, b, "Idempotency-Key", "k"); got != 201 {
				t.Fatalf("the same order again: %d, want 201", got)
			}
		}
		if a, b := order(t, s, b), order(t, s, b); a != 201 || b != 429 {
			t.Errorf("after it: %d and %d, want 201 and 429", a, b)
		}
	})
}

// A secret that a login replaced finds the session, but an order with it is none of the
// session's.
func TestOrders_WithAReplacedSecretAreBounded(t *testing.T) {
	footfalltest.Run(t, func(t *testing.T, tracker *footfalltest.Tracker) {
		s, b := openShop(t, tracker, 3), tracker.Browser()
		_ = b.Get(s, api+"products").Body.Close()
		replaced := b.Request("GET", api, nil).Header["Cookie"]
		b.LogIn("cust_1")
		accepted := 0
		for range 20 {
			stranger := tracker.Browser()
			stranger.Header["Cookie"] = replaced
			if order(t, s, stranger) == 201 {
				accepted++
			}
		}
		for _, o := range tracker.Orders() {
			if o.SessionID != "" {
				t.Fatalf("an order has the session %s: the test does not test", o.SessionID)
			}
		}
		if accepted != 3 {
			t.Errorf("%d orders are accepted, want 3: after the first one it is known that they are none of the session's", accepted)
		}
		if got := order(t, s, tool(tracker, "203.0.113.8:4711")); got != 429 {
			t.Errorf("an order of a tool in that network: %d, want 429", got)
		}
	})
}

// Networks are many. Half of what they may order together is for requests that seem to
// have a session.
func TestOrders_OfAllNetworksAreBounded(t *testing.T) {
	l := orderLimit{perNetwork: 1}
	at := time.Now().Truncate(time.Minute)
	accepted := func(likely bool, first byte) (n int) {
		for i := range 2 * ordersInAll {
			if _, ok := l.take(network(first, byte(i>>8), byte(i)), true, likely, at); ok {
				n++
			}
		}
		return n
	}
	if n := accepted(false, 11); n != ordersInAll {
		t.Errorf("%d orders without a session are accepted in a minute, want %d", n, ordersInAll)
	}
	if n := accepted(true, 12); n != ordersInAll {
		t.Errorf("then %d orders that may have one, want %d", n, ordersInAll)
	}
	if _, ok := l.take(network(13, 0, 0), false, false, at.Add(time.Minute)); !ok {
		t.Error("none is accepted a minute later")
	}
	if len(l.networks) > 1 {
		t.Errorf("%d networks of the last minute are kept", len(l.networks))
	}
	lifted := orderLimit{perNetwork: -1}
	for range 10 {
		if _, ok := lifted.take(network(13, 0, 0), true, false, at); !ok {
			t.Fatal("an order is refused though there is no limit")
		}
	}
}

func network(a, b, c byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{a, b, c, 0}), 24)
}

// The shop's own server places what a payment provider tells it of, however many.
func TestOrders_OfWebhooksAreNeverRefused(t *testing.T) {
	footfalltest.Run(t, func(t *testing.T, tracker *footfalltest.Tracker) {
		s := openShop(t, tracker, 1)
		for range 3 {
			order(t, s, tool(tracker, "198.51.100.7:4711"))
		}
		paid := footfall.OrderInput{ID: "paid", Total: footfall.Money{Amount: 490, Currency: "EUR"}}
		if _, _, err := tracker.PlaceOrderFor(t.Context(), footfall.Visit{}, paid); err != nil {
			t.Error(err)
		}
	})
}
