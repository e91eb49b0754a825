package faults

import (
	"fmt"
	"slices"
	"testing"
)

// A specimen is a ledger, a register and an archive that agree, until a test
// changes one of them.
type specimen struct {
	ledger   *ledger
	register *register
	stored   *holdings
	sale     *sale
	browsers map[string]*jar // by their session
}

// newSpecimen has two sessions with page views, an item in the cart, a login, a
// logout and an order, and one request that was refused and one that was not
// answered.
func newSpecimen() *specimen {
	s := &specimen{newLedger("m1-"), newRegister(), &holdings{views: map[string]int{"s1": 2, "s2": 1}, visitors: map[string]string{"s1": "v1", "s2": "v2"}}, nil, map[string]*jar{"s1": newJar(), "s2": newJar()}}
	s.browsers["s1"].got("s1", "v1")
	s.browsers["s2"].got("s2", "v2")
	store := func(session, event string, o outcome) {
		r := s.ledger.open(event, s.browsers[session], false)
		s.ledger.close(r, o, session, "")
		if o == counted {
			s.stored.events = append(s.stored.events, storedEvent{fmt.Sprintf("e%d", len(s.stored.events)), session, event, "/page?mark=" + r.mark + "&x=1", "", s.stored.visitors[session]})
		}
	}
	store("s1", pageView, counted)
	store("s1", pageView, counted)
	store("s2", pageView, counted)
	store("s2", addToCart, counted)
	store("s2", customerLogin, counted)
	store("s2", customerLogout, counted)
	store("s2", pageView, refused)
	store("s2", pageView, unknown)
	s.sale = s.ledger.openSale(s.browsers["s2"])
	s.ledger.asked(s.sale, true, "s2", "")
	s.ledger.answered(s.sale, "o1")
	s.stored.orders = []storedOrder{{"o1", s.sale.basket, "s2"}}
	s.stored.events = append(s.stored.events, storedEvent{"e-o1", "s2", orderCompleted, "", "o1", "v2"})
	s.register.issued("s%3As1.secret.sig", "")
	s.register.issued("s%3As2.secret.sig", "cust_1")
	return s
}

// judged returns the verdict on a fault that may not lose anything.
func (s *specimen) judged() findings {
	a := s.ledger.compare(s.stored)
	a.judge(nothing, claim{})
	return append(a.findings, s.register.take()...)
}

// TestVerdict introduces one error into records that agree, and expects exactly
// the finding for it.
func TestVerdict(t *testing.T) {
	const anonymous, customer = "s%3As1.secret.sig", "s%3As2.secret.sig"
	for _, c := range []struct {
		name   string
		tamper func(*specimen)
		want   map[kind]int
	}{
		{"nothing", func(*specimen) {}, nil},
		{"a view is deleted, its session says so too", func(s *specimen) {
			s.stored.events = slices.Delete(s.stored.events, 0, 1)
			s.stored.views["s1"]--
		}, map[kind]int{lost: 1}},
		{"an item in the cart is deleted", func(s *specimen) { s.stored.events = slices.Delete(s.stored.events, 3, 4) }, map[kind]int{lost: 1}},
		{"a view is copied under another id", func(s *specimen) {
			again := s.stored.events[0]
			again.id = "copy"
			s.stored.events = append(s.stored.events, again)
			s.stored.views["s1"]++
		}, map[kind]int{doubled: 1}},
		{"an event id is there twice", func(s *specimen) {
			s.stored.events[4].id = s.stored.events[3].id
		}, map[kind]int{doubled: 1}},
		{"a session counts one view too many", func(s *specimen) { s.stored.views["s1"]++ }, map[kind]int{doubled: 1}},
		{"a session counts one view too few", func(s *specimen) { s.stored.views["s2"]-- }, map[kind]int{doubled: 1}},
		{"views of a session that is not stored", func(s *specimen) { delete(s.stored.views, "s1") }, map[kind]int{phantom: 1}},
		{"an event that nobody sent", func(s *specimen) {
			s.stored.events = append(s.stored.events, storedEvent{"x", "s2", addToCart, "/page?mark=m1-999", "", "v2"})
		}, map[kind]int{phantom: 1}},
		{"an event without a mark", func(s *specimen) {
			s.stored.events = append(s.stored.events, storedEvent{"x", "s2", customerLogin, "/page", "", "v2"})
		}, map[kind]int{phantom: 1}},
		{"an event of another type than was sent", func(s *specimen) { s.stored.events[3].event = customerLogin }, map[kind]int{phantom: 1, lost: 1}},
		{"a view that was answered with an error", func(s *specimen) {
			s.stored.events = append(s.stored.events, storedEvent{"x", "s2", pageView, "/page?mark=m1-7", "", "v2"})
			s.stored.views["s2"]++
		}, map[kind]int{phantom: 1}},
		{"a view that was not answered", func(s *specimen) {
			s.stored.events = append(s.stored.events, storedEvent{"x", "s2", pageView, "/page?mark=m1-8", "", "v2"})
			s.stored.views["s2"]++
		}, nil},
		{"an order is removed", func(s *specimen) { s.stored.orders = nil }, map[kind]int{orderMissing: 1}},
		{"an order's event is removed", func(s *specimen) { s.stored.events = s.stored.events[:len(s.stored.events)-1] }, map[kind]int{lost: 1}},
		{"an order's event is there twice", func(s *specimen) {
			s.stored.events = append(s.stored.events, storedEvent{"x", "s2", orderCompleted, "", "o1", "v2"})
		}, map[kind]int{doubled: 1}},
		{"one sale is two orders", func(s *specimen) {
			s.stored.orders = append(s.stored.orders, storedOrder{"o1", s.sale.basket, ""})
		}, map[kind]int{doubled: 1}},
		{"an order that nobody placed", func(s *specimen) {
			s.stored.orders = append(s.stored.orders, storedOrder{"o2", "1:99,200:99", ""})
		}, map[kind]int{phantom: 1}},
		{"the buyer was told another order", func(s *specimen) { s.sale.orderID = "o9" }, map[kind]int{phantom: 1}},
		{"a sale was answered with an error", func(s *specimen) { s.ledger.refuse(s.sale) }, map[kind]int{orderFailed: 1}},
		{"a cookie after its logout", func(s *specimen) {
			s.register.ended(customer)
			s.register.who(customer, 200, "cust_1", "s2")
		}, map[kind]int{resurrected: 1}},
		{"a cookie after the answer to its logout was lost", func(s *specimen) {
			s.register.doubt(customer)
			s.register.who(customer, 200, "cust_1", "s2") // it did not happen
		}, nil},
		{"a cookie after it was refused once", func(s *specimen) {
			s.register.doubt(customer)
			s.register.who(customer, 401, "", "")
			s.register.who(customer, 200, "cust_1", "s2")
		}, map[kind]int{resurrected: 1}},
		{"the wrong customer", func(s *specimen) { s.register.who(customer, 200, "cust_2", "s2") }, map[kind]int{misidentified: 1}},
		{"the wrong session", func(s *specimen) { s.register.who(customer, 200, "cust_1", "s1") }, map[kind]int{misidentified: 1}},
		{"somebody who never logged in", func(s *specimen) { s.register.who(anonymous, 200, "cust_1", "s1") }, map[kind]int{misidentified: 1}},
		{"a forged cookie", func(s *specimen) { s.register.who("s%3As3.secret.sig", 200, "cust_1", "s3") }, map[kind]int{misidentified: 1}},
		{"the same cookie for two browsers", func(s *specimen) { s.register.issued(customer, "cust_1") }, map[kind]int{misidentified: 1}},
		{"401 for somebody who is logged in", func(s *specimen) { s.register.who(customer, 401, "", "") }, map[kind]int{wronglyRefused: 1}},
		{"503 for somebody who is logged in", func(s *specimen) { s.register.who(customer, 503, "", "") }, nil},
		{"401 for somebody who is not", func(s *specimen) { s.register.who(anonymous, 401, "", "") }, nil},
		{"a page changes a live cookie", func(s *specimen) { s.register.touched(anonymous, "m1-1") }, map[kind]int{touched: 1}},
		{"a page changes a dead cookie", func(s *specimen) {
			s.register.ended(customer)
			s.register.touched(customer, "m1-1")
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSpecimen()
			c.tamper(s)
			found := s.judged()
			for _, k := range kinds {
				if n := found.count(k); n != c.want[k] {
					t.Errorf("%d %s, want %d", n, k, c.want[k])
				}
			}
			if t.Failed() {
				t.Log(found)
			}
		})
	}
}

// TestBasket: no two sales have the same basket, and the shop's form of a basket
// is read back.
func TestBasket(t *testing.T) {
	seen := map[string]bool{}
	for n := range 200_000 {
		b := basketOf(n)
		if seen[b] {
			t.Fatalf("basket %d is there before: %s", n, b)
		}
		seen[b] = true
	}
	if got := basketIn(`{"items":{"150":2,"9":7},"body":"x"}`); got != "9:7,150:2" {
		t.Errorf("basketIn: %q", got)
	}
}
