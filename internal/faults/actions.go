package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// accounts maps customers to the demo shop's accounts.
var accounts = map[string]string{"cust_1": "customer@example.com", "cust_2": "second@example.com"}

// A crowd holds what visitors do, and writes everything that they are told to the
// ledger and the register.
type crowd struct {
	base     string
	ledger   *ledger
	register *register
	pages    latencies
	long     atomic.Pointer[string] // appended to requested URLs, to fill a journal

	failed, asked, unavailable, unanswered atomic.Int64 // pages not answered with 200; requests by customers to their routes, and those of them answered with 503
	calm                                   atomic.Int64 // the number of the calm phase; 0 while something is broken
}

// browse requests a page and returns when the answer is there.
func (c *crowd) browse(v *visitor, random *rand.Rand) *answer {
	r := c.open(v, pageView)
	before := v.session
	long := ""
	if more := c.long.Load(); more != nil {
		long = *more
	}
	a := v.send(c.base, "GET", fmt.Sprintf("%s%d?mark=%s%s", productsAt, 1+random.IntN(200), r.mark, long), nil)
	c.close(r, a, a.outcome(200), before)
	c.met(before, a, r.mark)
	switch {
	case a.err != nil:
		c.unanswered.Add(1)
	case a.status != 200:
		c.failed.Add(1)
	}
	return a
}

// open records a visitor's request before it is sent.
func (c *crowd) open(v *visitor, event string) *request {
	standing, _ := c.register.standing(v.session)
	return c.ledger.open(event, v.jar, v.session != "" && standing != live)
}

// close records the answer. before is the cookie that the request carried.
func (c *crowd) close(r *request, a *answer, o outcome, before string) {
	c.ledger.close(r, o, sessionOf(before), sessionOf(a.session))
}

// met records a session cookie that came with an answer other than a login's.
func (c *crowd) met(before string, a *answer, mark string) {
	if !a.set || a.session == before {
		return
	}
	if before != "" {
		c.register.touched(before, mark)
	}
	c.given(before, a)
}

// given records a new session cookie that came with an answer other than a
// login's.
func (c *crowd) given(before string, a *answer) {
	if a.session != "" && a.session != before {
		c.register.issued(a.session, "")
	}
}

// put puts something into the cart. slowly sends the request like a browser on a
// bad line.
func (c *crowd) put(v *visitor, random *rand.Rand, slowly bool) {
	r := c.open(v, addToCart)
	before := v.session
	text := fmt.Sprintf(`{"productId":"%d","quantity":1}`, 1+random.IntN(200))
	var body io.Reader = strings.NewReader(text)
	if slowly {
		body = &trickle{text: text, pause: 20 * time.Millisecond}
	}
	a := v.send(c.base, "POST", cartAt+"?mark="+r.mark, body, "Content-Type", "application/json")
	c.close(r, a, a.outcome(200), before)
	c.met(before, a, r.mark)
}

// A trickle is a request body that arrives byte by byte.
type trickle struct {
	text  string
	pause time.Duration
}

func (t *trickle) Read(b []byte) (int, error) {
	if t.text == "" {
		return 0, io.EOF
	}
	time.Sleep(t.pause)
	n := copy(b[:1], t.text)
	t.text = t.text[n:]
	return n, nil
}

// ask requests the route that tells who is logged in.
func (c *crowd) ask(v *visitor) *answer {
	cookie, calm := v.session, c.calm.Load()
	a := v.send(c.base, "GET", meAt, nil)
	if standing, customer := c.register.standing(cookie); standing == live && customer != "" {
		c.checkCalm(calm, cookie, a)
	}
	c.check(cookie, a)
	c.given(cookie, a)
	return a
}

func (c *crowd) check(cookie string, a *answer) {
	if a.err != nil {
		return
	}
	if standing, customer := c.register.standing(cookie); standing == live && customer != "" {
		c.asked.Add(1)
		if a.status == 503 {
			c.unavailable.Add(1)
		}
	}
	if !slices.Contains([]int{200, 401, 502, 503}, a.status) {
		c.register.report(unwell, cookie, fmt.Sprintf("a route for customers answered %d", a.status))
	}
	var data struct {
		Customer struct{ ID string }
		Session  struct{ SessionID string }
	}
	_ = json.Unmarshal(a.data, &data)
	c.register.who(cookie, a.status, data.Customer.ID, data.Session.SessionID)
}

// logIn logs in, whatever session the visitor already has.
func (c *crowd) logIn(v *visitor, customer string) *answer {
	r := c.open(v, customerLogin)
	before, calm := v.session, c.calm.Load()
	a := v.send(c.base, "POST", loginAt+"?mark="+r.mark, strings.NewReader(fmt.Sprintf(`{"email":%q,"password":"password123"}`, accounts[customer])), "Content-Type", "application/json")
	c.close(r, a, a.outcome(200), before)
	c.checkCalm(calm, r.mark, a)
	var data struct{ Customer struct{ ID string } }
	_ = json.Unmarshal(a.data, &data)
	switch {
	case a.err == nil && a.status == 200:
		if data.Customer.ID != customer || a.session == "" || a.session == before {
			c.register.report(misidentified, r.mark, fmt.Sprintf("a login as %s answered %s with the cookie %q", customer, data.Customer.ID, a.session))
			return a
		}
		c.register.issued(a.session, customer)
		c.register.ended(before)
	case a.err == nil && a.status == 401:
		c.register.report(wronglyRefused, r.mark, "a login with the right password answered 401")
	case a.sent:
		c.register.doubt(before)
	}
	return a
}

// logOut logs out.
func (c *crowd) logOut(v *visitor) {
	before := v.session
	standing, customer := c.register.standing(before)
	r, calm := c.open(v, customerLogout), c.calm.Load()
	a := v.send(c.base, "POST", logoutAt+"?mark="+r.mark, nil)
	o := a.outcome(200)
	if o == counted && (standing != live || customer == "") {
		o = optional // if the visitor is no longer logged in, logging out records no event
	}
	c.close(r, a, o, before)
	if standing == live {
		c.checkCalm(calm, r.mark, a)
	}
	switch {
	case a.err == nil && a.status == 200:
		c.register.ended(before)
	case a.sent:
		c.register.doubt(before)
	}
}

// revoke acts as an operator who ends a visitor's session. The visitor's browser
// does not learn of it.
func (c *crowd) revoke(v *visitor) {
	operator := newStranger(v.address)
	a := operator.send(c.base, "POST", revokeAt, strings.NewReader(fmt.Sprintf(`{"sessionId":%q}`, sessionOf(v.session))),
		"Content-Type", "application/json", "Authorization", "Bearer "+adminToken)
	var data struct{ Revoked bool }
	_ = json.Unmarshal(a.data, &data)
	switch {
	case a.err == nil && a.status == 200 && data.Revoked:
		c.register.ended(v.session)
	case a.sent:
		c.register.doubt(v.session)
	}
}

// buy places an order and repeats the request until it is answered.
func (c *crowd) buy(v *visitor, tries int) {
	s := c.ledger.openSale(v.jar)
	body := s.form()
	for range tries {
		before := v.session
		a := v.send(c.base, "POST", ordersAt, strings.NewReader(body), "Content-Type", "application/json", "Idempotency-Key", s.basket)
		c.ledger.asked(s, a.err == nil || !a.sent, sessionOf(before), sessionOf(a.session))
		c.given(before, a)
		switch id := a.orderID(); {
		case a.err == nil && a.status == 201:
			if !c.ledger.answered(s, id) {
				c.register.report(doubled, id, "the same Idempotency-Key was answered with another order")
			}
			return
		case a.err == nil && a.status != 502: // 502 comes from the front, which reached no process
			c.ledger.refuse(s)
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// orderID returns the id of the order that an answer names.
func (a *answer) orderID() string {
	var order struct{ ID string }
	_ = json.Unmarshal(a.data, &order)
	return order.ID
}

// form is what a browser sends to place a sale's order.
func (s *sale) form() string {
	var items []string
	for line := range strings.SplitSeq(s.basket, ",") {
		product, quantity, _ := strings.Cut(line, ":")
		items = append(items, fmt.Sprintf(`{"productId":%q,"quantity":%s}`, product, quantity))
	}
	return `{"items":[` + strings.Join(items, ",") + `],"shippingAddress":{"city":"Ulm"}}`
}

// burst requests a page several times at once.
func (c *crowd) burst(v *visitor, random *rand.Rand) {
	var all sync.WaitGroup
	for range 4 {
		same, random := *v, rand.New(rand.NewPCG(random.Uint64(), 3))
		all.Go(func() { c.browse(&same, random) })
	}
	all.Wait()
}

// replayDead tries the cookies that ended last, each twice, because there may be
// two instances.
func (w *world) replayDead() {
	for _, cookie := range w.crowd.register.lastDead(30) {
		for range 2 {
			thief := newVisitor(1<<20 + len(cookie))
			thief.session = cookie
			w.crowd.check(cookie, thief.send(w.crowd.base, "GET", meAt, nil))
		}
	}
}

// replay tries a cookie whose end was acknowledged, like a thief.
func (c *crowd) replay(random *rand.Rand) {
	cookie, ok := c.register.anyDead(random)
	if !ok {
		return
	}
	thief := newVisitor(random.IntN(1 << 20))
	thief.session = cookie
	a := thief.send(c.base, "GET", meAt, nil)
	c.check(cookie, a)
}
