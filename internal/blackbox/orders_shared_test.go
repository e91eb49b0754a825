package blackbox

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/testserver"
)

// A guest's order waits in one instance's journal while the archive stands still. The guest
// gets no answer, logs in, and tries again at another instance.
func TestOrders_AGuestsKeyIsOneOrderAfterALogin(t *testing.T) {
	t.Parallel()
	mongodb := testserver.MongoDB(t)
	topologies.Store(t.Name(), &topology{instances: 2, redisURL: testserver.Redis(t).URL(), mongodb: mongodb})
	s := openShop(t)
	at := func(b *browser, i *instance) *browser {
		there := *b
		there.shop = &shop{instance: i, url: i.own}
		return &there
	}
	b, switched := s.browser(), s.browser()
	b.view(productsPath)
	switched.post(loginPath, firstCustomer).want(200)
	s.drained()
	mongodb.Freeze()
	first := at(b, s.instance).post(ordersPath, oneMug, key("k")).want(201).order().ID
	b.post(loginPath, secondCustomer).want(200)
	again := at(b, s.others[0]).post(ordersPath, oneMug, key("k")).want(201).order().ID
	mongodb.Thaw()
	if again != first {
		t.Errorf("the key of the order %s that a guest placed is order %s after the guest's login", first, again)
	}
	s.drained()
	if last := at(b, s.others[0]).post(ordersPath, oneMug, key("k")).want(201).order().ID; last != first {
		t.Errorf("later it is order %s, and was %s", last, first)
	}
}

// Which customer a browser is has to stand in a cookie that each instance can read, however
// the customer came by the session, and with each secret that verifies cookies.
func TestOrders_AKeyIsOneOrderHoweverTheCustomerCame(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	proxy := testserver.Proxy(t, redis.Addr())
	topologies.Store(t.Name(), &topology{instances: 1, redisURL: "redis://" + proxy.Addr()})
	s := openShop(t, "LEGACY_UNTIL="+time.Now().AddDate(0, 0, 1).Format(time.DateOnly))
	old := uuid.NewString()
	redis.Do(t, "SET", "session:"+old, fmt.Sprintf(`{"sessionId":%q,"visitorId":%q,"customerId":"cust_1","type":"CUSTOMER","lastSeenAt":%q}`,
		old, uuid.NewString(), time.Now().UTC().Format(time.RFC3339)), "EX", "1800")
	came := s.stranger("Cookie: session="+sign(old, cookieSecret)).post(cartPath, `{"productId":"1","quantity":1}`).want(200)
	adopted := s.stranger("Cookie: session=" + came.set("session") + "; visitor_id=" + came.set("visitor_id") + "; buyer=" + came.set("buyer"))
	known := s.browser()
	known.post(loginPath, secondCustomer).want(200)
	order := func(b *browser) string { return b.post(ordersPath, oneMug, key("k")).want(201).order().ID }
	before := []string{order(adopted), order(known)}
	s.drained()

	s.stop(syscall.SIGTERM)
	proxy.Cut()
	for i, setting := range s.env {
		if strings.HasPrefix(setting, "COOKIE_SECRET=") {
			s.env[i] = "COOKIE_SECRET=Wd8Rk2Zt5Qx9Yn3Vb7Mc1Lp6Jh4Gs0Fe," + cookieSecret
		}
	}
	s.launch()
	adopted.shop.url, known.shop.url = s.own, s.own
	for i, b := range []*browser{adopted, known} {
		if again := order(b); again != before[i] {
			t.Errorf("browser %d: the key of order %s is order %s when Redis is away and the secret has changed", i, before[i], again)
		}
	}
	proxy.Resume()
}
