package faults

import (
	"fmt"
	"sync"
	"time"
)

// The types of events that a request may cause.
const (
	pageView       = "page_view"
	addToCart      = "add_to_cart"
	customerLogin  = "customer_login"
	customerLogout = "customer_logout"
	orderCompleted = "order_completed"
)

// An outcome is what a client knows about its request.
type outcome uint8

const (
	unknown  outcome = iota // not answered: it is stored once or not at all
	counted                 // answered: it has to be stored once
	refused                 // answered with an error, or never sent: it must not be stored
	optional                // answered, and it may be stored: a flood may exceed a cap
)

// A request is one that may cause an event. It has a unique mark, which appears
// in the event's page.
type request struct {
	mark, event string
	outcome     outcome
	fault       int // the number of the fault during which it was sent
	origin
	ended bool // the session that it carried had ended, or may have
	gone  bool // the audit after its fault did not find it
}

// A sale is one order that a visitor wants to place, however often they repeat
// the request. No two sales have the same basket.
type sale struct {
	basket  string
	orderID string // known once it was answered
	refused bool   // it got an answer that was not an order
	fault   int
	origin
}

// A ledger has every request of a world that may cause an event.
type ledger struct {
	mu       sync.Mutex
	prefix   string // of the marks
	requests map[string]*request
	sales    map[string]*sale
	fault    int
	next     int
}

func newLedger(prefix string) *ledger {
	return &ledger{prefix: prefix, requests: map[string]*request{}, sales: map[string]*sale{}}
}

// open records a request before it is sent. ended tells that the session that it
// carries has ended, or may have.
func (l *ledger) open(event string, browser *jar, ended bool) *request {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	r := &request{mark: fmt.Sprintf("%s%d", l.prefix, l.next), event: event, fault: l.fault, origin: origin{browser: browser}, ended: ended}
	l.requests[r.mark] = r
	return r
}

// close records a request's answer, the session that it carried and the one it
// was given.
func (l *ledger) close(r *request, o outcome, carried, given string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.outcome = o
	r.tried(carried, given, o != unknown)
}

// openSale records a sale before the first request for it.
func (l *ledger) openSale(browser *jar) *sale {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	s := &sale{basket: basketOf(l.next), fault: l.fault, origin: origin{browser: browser}}
	l.sales[s.basket] = s
	return s
}

// asked records one attempt to place a sale's order.
func (l *ledger) asked(s *sale, answered bool, carried, given string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.tried(carried, given, answered)
}

// answered records the order that a sale was told. It returns false if it was
// told a different order before.
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

// begin sets the fault to which requests belong from now on.
func (l *ledger) begin(fault int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = fault
}

// basketOf returns a basket, which identifies a sale: 1 to 99 of one of 100
// products, and 1 to 99 of one of 100 others.
func basketOf(n int) string {
	return fmt.Sprintf("%d:%d,%d:%d", 1+n/99%100, 1+n%99, 101+n/9900/99%100, 1+n/9900%99)
}

// latencies are those of page views, counted from when they were due.
type latencies struct {
	mu    sync.Mutex
	times []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times = append(l.times, d)
}

// of counts the requests and sales of one fault.
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
