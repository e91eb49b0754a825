package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The part of an archive's contents that the audit examines.
type (
	storedEvent struct {
		id, session, event, page string
		orderID                  string // set for an order_completed
		visitor                  string
	}
	storedOrder struct{ id, basket, session string }
	holdings    struct {
		events []storedEvent
		orders []storedOrder

		views    map[string]int    // page views stored in each session
		visitors map[string]string // the visitor of each session
	}
)

// markIn returns the mark in an event's page, "" if there is none.
func markIn(page string) string {
	_, mark, _ := strings.Cut(page, "mark=")
	mark, _, _ = strings.Cut(mark, "&")
	return mark
}

// An audit is the result of comparing a ledger with an archive that is up to
// date.
type audit struct {
	missing  []*request // of this fault: acknowledged and not stored
	absent   []*request // not stored, and not acknowledged either
	counters string     // names what its findings about counters concern
	findings findings
}

// compare audits an archive after a fault. It only lists the fault's requests
// that are not stored, because whether they are lost depends on what was
// declared. Requests of earlier faults must be stored as before.
func (l *ledger) compare(h *holdings) *audit {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &audit{counters: fmt.Sprintf("counters during fault %d", l.fault)}
	times := a.checkEvents(l, h)
	for _, mark := range slices.Sorted(maps.Keys(l.requests)) {
		r, there := l.requests[mark], times[mark] > 0
		switch earlier := r.fault != l.fault; {
		case r.outcome == refused:
			if there {
				a.findings.add(phantom, mark, "it was answered with an error, or never sent, and is stored")
			}
		case earlier && there && r.gone && r.outcome == counted:
			a.findings.add(misdeclared, mark, "it was missing after an earlier fault, and is stored")
		case earlier && !there && !r.gone:
			a.findings.add(lost, mark, "a "+r.event+" was stored, and is not any more")
		case earlier, there:
		case r.outcome == counted:
			a.missing = append(a.missing, r)
		default:
			a.absent = append(a.absent, r)
		}
		r.gone = !there
	}
	a.checkSessions(l, h)
	a.checkViews(h)
	a.checkOrders(l, h)
	return a
}

// checkEvents checks each stored event and returns how often each mark is stored.
func (a *audit) checkEvents(l *ledger, h *holdings) map[string]int {
	times, ids := map[string]int{}, map[string]bool{}
	for _, e := range h.events {
		if ids[e.id] {
			a.findings.add(doubled, e.id, "an event id is stored twice")
		}
		ids[e.id] = true
		if e.event == orderCompleted {
			continue // checked by its order and not by its page
		}
		mark := markIn(e.page)
		r := l.requests[mark]
		if r == nil || r.event != e.event {
			a.findings.add(phantom, e.id, fmt.Sprintf("a %s of %q that nobody sent", e.event, e.page))
			continue
		}
		if times[mark]++; times[mark] == 2 {
			a.findings.add(doubled, mark, "a "+e.event+" is stored twice")
		}
	}
	return times
}

// checkViews compares the page views stored in sessions with the events.
func (a *audit) checkViews(h *holdings) {
	events := map[string]int{}
	for _, e := range h.events {
		if e.event == pageView {
			events[e.session]++
		}
	}
	for id, n := range h.views {
		if n != events[id] {
			a.findings.add(doubled, id, fmt.Sprintf("the session has %d page views and %d of them are stored", n, events[id]))
		}
	}
	for id, n := range events {
		if _, there := h.views[id]; !there {
			a.findings.add(phantom, id, fmt.Sprintf("%d page views of a session that is not stored", n))
		}
	}
}

// checkOrders compares sales with orders, and orders with their events.
func (a *audit) checkOrders(l *ledger, h *holdings) {
	events := map[string]int{}
	for _, e := range h.events {
		if e.event == orderCompleted {
			events[e.orderID]++
		}
	}
	baskets := map[string]string{}
	for _, o := range h.orders {
		s := l.sales[o.basket]
		switch before, again := baskets[o.basket]; {
		case s == nil:
			a.findings.add(phantom, o.id, "an order of "+o.basket+" that nobody placed")
		case again:
			a.findings.add(doubled, o.id, "one sale is two orders, the other is "+before)
		case s.orderID != "" && s.orderID != o.id:
			a.findings.add(phantom, o.id, "the buyer was told "+s.orderID)
		}
		baskets[o.basket] = o.id
		switch n := events[o.id]; {
		case n > 1:
			a.findings.add(doubled, o.id, fmt.Sprintf("an order with %d events", n))
		case n == 0 && o.session != "": // an order without a session has no event
			a.findings.add(lost, o.id, "an order without its event")
		}
	}
	for _, basket := range slices.Sorted(maps.Keys(l.sales)) {
		s := l.sales[basket]
		if s.refused {
			a.findings.add(orderFailed, basket, "a sale was answered with an error")
		}
		if s.orderID != "" && baskets[basket] == "" {
			a.findings.add(orderMissing, s.orderID, "it was answered and is not stored")
		}
	}
}
