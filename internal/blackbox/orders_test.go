package blackbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

func key(k string) string { return "Idempotency-Key: " + k }

func TestOrders_SameKeySameAnswer(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	first := b.post(ordersPath, oneMug, key("k1")).want(201)
	o := first.order()
	same := func(when string) {
		t.Helper()
		// White space and the order of members do not matter.
		for _, body := range []string{oneMug, `{ "shippingAddress":{"city":"Ulm"}, "items":[{"quantity":1,"productId":"1"}] }`} {
			if a := b.post(ordersPath, body, key("k1")).want(201); string(a.Data) != string(first.Data) {
				t.Errorf("%s the answer is %s, before %s", when, a.Data, first.Data)
			}
		}
		b.post(ordersPath, strings.Replace(oneMug, `"quantity":1`, `"quantity":2`, 1), key("k1")).want(422).envelope()
		b.post(ordersPath, strings.Replace(oneMug, `Ulm`, `Bonn`, 1), key("k1")).want(422)
	}
	same("at once")
	s.drained()
	same("from the database")
	s.crash()
	same("after kill -9")

	if other := b.post(ordersPath, oneMug, key("k2")).want(201).order(); other.ID == o.ID {
		t.Error("another key has the same order")
	}
	if other := s.browser().post(ordersPath, oneMug, key("k1")).want(201).order(); other.ID == o.ID {
		t.Error("another visitor's same key has the same order")
	}
	if a, c := b.post(ordersPath, oneMug).want(201).order(), b.post(ordersPath, oneMug).want(201).order(); a.ID == c.ID {
		t.Error("two orders without a key are one")
	}
	s.drained()
	if n := s.count(`SELECT count(*) FROM orders`); n != 5 {
		t.Errorf("%d orders, want 5", n)
	}
	if n := s.count(`SELECT count(*) FROM session_events WHERE event_type = 'order_completed'`); n != 5 {
		t.Errorf("%d order_completed events, want 5", n)
	}
}

func TestOrders_SameKeyAcrossLoginIsOneOrder(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	before := b.post(ordersPath, oneMug, key("k")).want(201).order()
	b.post(loginPath, firstCustomer).want(200)
	if after := b.post(ordersPath, oneMug, key("k")).want(201).order(); after.ID != before.ID {
		t.Errorf("orders %s and %s", before.ID, after.ID)
	}
}

func TestOrders_SameKeyInParallelIsOneOrder(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	cookies := "Cookie: session=" + b.cookie("session") + "; visitor_id=" + b.cookie("visitor_id")
	for round := range 5 {
		ids := sync.Map{}
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				body, want := oneMug, 201
				if i == 9 {
					body, want = strings.Replace(oneMug, "Ulm", "Bonn", 1), 422
				}
				a, err := s.stranger(cookies).try("POST", ordersPath, body, key(fmt.Sprint("round ", round)))
				if err != nil {
					t.Error(err)
					return
				}
				if a.status == 201 {
					var o orderJSON
					_ = json.Unmarshal(a.Data, &o)
					ids.Store(o.ID, true)
				} else if a.status != want && a.status != 422 {
					t.Errorf("%v", a)
				}
			})
		}
		wg.Wait()
		n := 0
		ids.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("round %d: %d orders, want one", round, n)
		}
	}
	s.drained()
	if n := s.count(`SELECT count(*) FROM orders`); n != 5 {
		t.Errorf("%d orders are stored, want 5", n)
	}
	if row := s.row(`SELECT converted, (SELECT count(*) FROM session_events WHERE event_type = 'order_completed') FROM sessions`); row[0] != "1" || row[1] != "5" {
		t.Errorf("converted, order_completed: %v", row)
	}
}

func TestOrders_TwoInOneSessionAreListedAndSummed(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	first := b.post(ordersPath, oneMug).want(201).order()
	second := b.post(ordersPath, `{"items":[{"productId":"2","quantity":3},{"productId":"2","quantity":1}]}`).want(201).order()
	s.drained()
	if row := s.row(`SELECT converted, order_id, (SELECT count(*) FROM orders o WHERE o.session_id = s.session_id) FROM sessions s`); strings.Join(row, " ") != "1 "+second.ID+" 2" {
		t.Errorf("converted, order_id, orders: %v, want the latest %s of 2", row, second.ID)
	}
	var stats statsJSON
	s.runJSON(&stats, "stats")
	if stats.Orders != 2 || stats.ConvertedSessions != 1 || len(stats.Revenue) != 1 || stats.Revenue[0].Amount != first.Total.Amount+second.Total.Amount || second.Total.Amount != 4*605 {
		t.Errorf("stats: %+v; orders %+v %+v", stats, first, second)
	}
}

func TestOrders_WithoutSessionAreSales(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	o := s.browser("User-Agent: curl/8.5.0").post(ordersPath, oneMug, key("k")).want(201).order()
	if o.SessionID != nil {
		t.Errorf("a tool's order has session %s", *o.SessionID)
	}
	if other := s.browser("User-Agent: curl/8.5.0").post(ordersPath, oneMug, key("k")).want(201).order(); other.ID == o.ID {
		t.Errorf("two tools without a session share order %s because they sent the same key from one address", o.ID)
	}
	s.crash()
	s.drained()
	if rows := s.rows(`SELECT session_id, visitor_id, amount FROM orders`); len(rows) != 2 || strings.Join(rows[0], " ") != "NULL NULL 490" {
		t.Errorf("orders holds %v", rows)
	}
}

func TestOrders_AcknowledgedOnesSurviveKill(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	release := s.lockDatabase() // so that they are in the journal alone
	b := s.browser()
	var ids []string
	for i := range 5 {
		ids = append(ids, b.post(ordersPath, oneMug, key(fmt.Sprint(i))).want(201).order().ID)
	}
	s.kill()
	release()
	s.start()
	s.drained()
	for i, id := range ids {
		if n := s.count(`SELECT count(*) FROM orders WHERE order_id = ?`, id); n != 1 {
			t.Errorf("order %d is stored %d times", i, n)
		}
		if again := b.post(ordersPath, oneMug, key(fmt.Sprint(i))).want(201).order().ID; again != id {
			t.Errorf("order %d: the same key is order %s, before %s", i, again, id)
		}
	}
}

func TestSeedDefect17_OnlyKnownFieldsOfAnOrderCount(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	o := b.post(ordersPath, `{"id":"mine","orderId":"mine","sessionId":"x","customerId":"cust_1","total":{"amount":1,"currency":"USD"},"items":[{"productId":"1","quantity":1,"price":1}]}`).want(201).order()
	if o.ID == "mine" || o.Total.Amount != 490 || o.Total.Currency != "EUR" || text(o.SessionID) != b.session() {
		t.Errorf("the order is %+v", o)
	}
	s.drained()
	if row := s.row(`SELECT customer_id, amount, currency FROM orders`); strings.Join(row, " ") != "NULL 490 EUR" {
		t.Errorf("orders holds %v", row)
	}
}

func TestOrders_AKeyIsTheCustomersInEveryBrowser(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	phone, laptop := s.browser(), s.browser()
	phone.post(loginPath, firstCustomer).want(200)
	laptop.post(loginPath, firstCustomer).want(200)
	first := phone.post(ordersPath, oneMug, key("order-1")).want(201).order()
	if again := laptop.post(ordersPath, oneMug, key("order-1")).want(201).order(); again.ID != first.ID {
		t.Errorf("the same customer's same key in another browser: order %s, before %s", again.ID, first.ID)
	}
	laptop.post(ordersPath, strings.Replace(oneMug, `Ulm`, `Bonn`, 1), key("order-1")).want(422).envelope()
	other := s.browser()
	other.post(loginPath, secondCustomer).want(200)
	if o := other.post(ordersPath, oneMug, key("order-1")).want(201).order(); o.ID == first.ID {
		t.Error("two customers' same key is one order")
	}
}

func TestOrders_AKeyOfAnotherInTheSameBrowserIsRefused(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.post(loginPath, firstCustomer).want(200)
	first := b.post(ordersPath, oneMug, key("order-1")).want(201).order()
	b.post(loginPath, secondCustomer).want(200)
	b.post(ordersPath, oneMug, key("order-1")).want(409).envelope()
	if o := b.post(ordersPath, oneMug, key("order-2")).want(201).order(); o.ID == first.ID {
		t.Error("the second customer was answered with the first one's order")
	}
	b.post(logoutPath, "").want(200)

	b = s.browser()
	b.view(productsPath)
	guest := b.post(ordersPath, oneMug, key("order-3")).want(201).order()
	// Page scripts can read the visitor cookie; who has it has no session by it.
	thief := s.browser("Cookie: visitor_id=" + b.cookie("visitor_id"))
	if a := thief.post(ordersPath, oneMug, key("order-3")); a.status != 409 || strings.Contains(string(a.Data), guest.ID) {
		t.Errorf("the same visitor's key under another session is answered with %d %s, want 409", a.status, a.Data)
	}
	thief.post(loginPath, firstCustomer).want(200)
	thief.post(ordersPath, oneMug, key("order-3")).want(409)
	if again := b.post(ordersPath, oneMug, key("order-3")).want(201).order(); again.ID != guest.ID {
		t.Errorf("the buyer's own key: order %s, before %s", again.ID, guest.ID)
	}
}

// A buyer who gets no answer repeats the request, which is most likely while a store fails:
// then no store may say who is logged in.
func TestOrders_AKeyIsOneOrderWhileAStoreFails(t *testing.T) {
	t.Parallel()
	proxy := testserver.Proxy(t, testserver.Redis(t).Addr())
	topologies.Store(t.Name(), &topology{instances: 1, redisURL: "redis://" + proxy.Addr()})
	s := openShop(t)
	known := func(b *browser) bool { return b.get(mePath).status == 200 }
	eventually := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("it takes more than 10 s until %s", what)
			}
		}
	}
	b, guest, gone := s.browser(), s.browser(), s.browser()
	b.post(loginPath, firstCustomer).want(200)
	gone.post(loginPath, secondCustomer).want(200)
	gone.post(logoutPath, "").want(200)
	gone.view(productsPath)
	guest.view(productsPath)
	order := func(b *browser, k string) string {
		t.Helper()
		return b.post(ordersPath, oneMug, key(k)).want(201).order().ID
	}
	before, ofGuest, ofGone := order(b, "before"), order(guest, "before"), order(gone, "before")

	proxy.SetDelay(time.Second)
	time.Sleep(1100 * time.Millisecond) // the process trusts what it knows of a customer for a second
	eventually("the customer is not known", func() bool { return !known(b) })
	if again := order(b, "before"); again != before {
		t.Errorf("with a slow Redis the key of order %s is order %s", before, again)
	}
	if order(guest, "before") != ofGuest || order(gone, "before") != ofGone {
		t.Error("with a slow Redis a guest's key is another order")
	}
	during := order(b, "during")

	proxy.SetDelay(0)
	eventually("the customer is known again", func() bool { return known(b) })
	for k, want := range map[string]string{"before": before, "during": during} {
		if again := order(b, k); again != want {
			t.Errorf("after that the key %q of order %s is order %s", k, want, again)
		}
	}
	b.post(loginPath, secondCustomer).want(200)
	if a := b.post(ordersPath, oneMug, key("during")); strings.Contains(string(a.Data), during) {
		t.Error("the next customer of the browser was answered with the order of the one before")
	}
}

// Whose browser it is stands in a cookie while no store can say. That has to hold for as long
// as a key does, in a long session and after one.
func TestOrders_AKeyIsOneOrderAfterASessionWhileBothStoresFail(t *testing.T) {
	t.Parallel()
	redis, mongodb := testserver.Proxy(t, testserver.Redis(t).Addr()), testserver.MongoDB(t)
	proxy := testserver.Proxy(t, strings.TrimPrefix(mongodb.URI(), "mongodb://"))
	topologies.Store(t.Name(), &topology{instances: 1, redisURL: "redis://" + redis.Addr(), mongodb: mongodb, mongoURI: "mongodb://" + proxy.Addr()})
	s := openShop(t, "SESSION_TTL=2s", "SESSION_MAX_AGE=720h")
	b := s.browser()
	if cookie := strings.Join(b.post(loginPath, firstCustomer).want(200).header["Set-Cookie"], "\n"); !strings.Contains(cookie, "buyer=") || strings.Contains(cookie, "Max-Age=86400;") {
		t.Errorf("a session lives for 30 days, and who is its customer is forgotten before: %s", cookie)
	}
	time.Sleep(3 * time.Second)
	if a := b.get(mePath); a.status != 401 {
		t.Fatalf("the session is not over: %d", a.status)
	}
	b.view(productsPath)
	before := b.post(ordersPath, oneMug, key("k")).want(201).order().ID
	s.drained()
	redis.Cut()
	proxy.Cut()
	if again := b.post(ordersPath, oneMug, key("k")).want(201).order().ID; again != before {
		t.Errorf("the key of a guest's order %s, whose browser was a customer's before, is order %s while no store answers", before, again)
	}
	redis.Resume()
	proxy.Resume()
}
