package faults

import (
	"fmt"
	"sync"
	"time"
)

// The types of event that a request may count as.
const (
	pageView       = "page_view"
	addToCart      = "add_to_cart"
	customerLogin  = "customer_login"
	customerLogout = "customer_logout"
	orderCompleted = "order_completed"
)

// An outcome is what a client knows of its request.
type outcome uint8

const (
	unknown  outcome = iota // no answer: it counted once, or not at all
	counted                 // answered: it has to be stored, once
	refused                 // answered with an error, or never sent: it is not stored
	optional                // answered, and it may count: a flood that is past a cap
)

// A request is one that may count. Its mark, which no other has, stands in the
// page of its event.
type request struct {
	mark, event string
	outcome     outcome
	fault       int // the number of the fault that was running
	origin
	ended bool // the session that it carried was over, or may have been
	gone  bool // the audit of its fault did not find it
}

// A sale is one order that a visitor wants to place, however often they have to
// ask. No two have the same basket.
type sale struct {
	basket  string
	orderID string // once it was answered
	refused bool   // an answer was neither an order nor silence
	fault   int
	origin
}

// A ledger has every request of a world that may count.
type ledger struct {
	mu       sync.Mutex
	prefix   string // of its marks
	requests map[string]*request
	sales    map[string]*sale
	fault    int
	next     int
}

func newLedger(prefix string) *ledger {
	return &ledger{prefix: prefix, requests: map[string]*request{}, sales: map[string]*sale{}}
}

// open notes a request before it is sent. ended says that the session that it
// carries is over, or may be.
func (l *ledger) open(event string, browser *jar, ended bool) *request {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	r := &request{mark: fmt.Sprintf("%s%d", l.prefix, l.next), event: event, fault: l.fault, origin: origin{browser: browser}, ended: ended}
	l.requests[r.mark] = r
	return r
}

// close notes a request's answer, and the sessions that it carried and was given.
func (l *ledger) close(r *request, o outcome, carried, given string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.outcome = o
	r.tried(carried, given, o != unknown)
}

// openSale notes an order before it is sent first.
func (l *ledger) openSale(browser *jar) *sale {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	s := &sale{basket: basketOf(l.next), fault: l.fault, origin: origin{browser: browser}}
	l.sales[s.basket] = s
	return s
}

// asked notes one try of a sale.
func (l *ledger) asked(s *sale, answered bool, carried, given string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.tried(carried, given, answered)
}

// answered notes the order that a sale was told. It returns false if it was told
// another before.
func (l *ledger) answered(s *sale, orderID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.orderID == "" {
		s.orderID = orderID
	}
	return s.orderID == orderID
}

func (l *ledger) refuse(s *sale) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.refused = true
}

// begin says which fault requests belong to from now on.
func (l *ledger) begin(fault int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = fault
}

// A basket is two products with their quantities, which name it: 1…99 of one of
// 100, and 1…99 of one of 100 others.
func basketOf(n int) string {
	return fmt.Sprintf("%d:%d,%d:%d", 1+n/99%100, 1+n%99, 101+n/9900/99%100, 1+n/9900%99)
}

// latencies of page views, from when they were due.
type latencies struct {
	mu    sync.Mutex
	times []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times = append(l.times, d)
}

// of counts the requests of one fault.
func (l *ledger) of(fault int) (acknowledged, unanswered, sales int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.requests {
		switch {
		case r.fault != fault:
		case r.outcome == counted:
			acknowledged++
		case r.outcome == unknown:
			unanswered++
		}
	}
	for _, s := range l.sales {
		if s.fault == fault {
			sales++
		}
	}
	return acknowledged, unanswered, sales
}
