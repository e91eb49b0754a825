package faults

import "fmt"

// checkSessions checks that events and orders are stored in sessions of the
// browsers that caused them.
func (a *audit) checkSessions(l *ledger, h *holdings) {
	owners := a.owners(l)
	for id, visitor := range h.visitors {
		if owner := owners[id]; owner != nil && !owner.visitors[visitor] {
			a.findings.add(misattributed, id, "the session's visitor is "+visitor+", whom its browser never was")
		}
	}
	sales := map[string]*sale{}
	for _, o := range h.orders {
		s := l.sales[o.basket]
		if sales[o.id] = s; s != nil && o.session != "" && !s.holds(o.session, owners, h.views) {
			a.findings.add(misattributed, o.id, fmt.Sprintf("the order is in session %s, and belongs to %v", o.session, s.sessions))
		}
	}
	for _, e := range h.events {
		if visitor, there := h.visitors[e.session]; there && e.visitor != visitor {
			a.findings.add(misattributed, e.id, "its visitor is "+e.visitor+", that of its session "+visitor)
		}
		var from *origin
		if e.event == orderCompleted {
			if s := sales[e.orderID]; s != nil {
				from = &s.origin
			}
		} else if r := l.requests[markIn(e.page)]; r != nil && r.event == e.event && r.outcome != refused {
			from = &r.origin
		}
		if from != nil && !from.holds(e.session, owners, h.views) {
			a.findings.add(misattributed, e.id, fmt.Sprintf("a %s is in session %s, and belongs to %v", e.event, e.session, from.sessions))
		}
	}
}

// owners maps each session to the browser that it was given to.
func (a *audit) owners(l *ledger) map[string]*jar {
	jars := map[*jar]bool{}
	for _, r := range l.requests {
		jars[r.browser] = true
	}
	for _, s := range l.sales {
		jars[s.browser] = true
	}
	given := map[string][]*jar{}
	for j := range jars {
		j.mu.Lock()
		for id := range j.sessions {
			given[id] = append(given[id], j)
		}
		j.mu.Unlock()
	}
	owners := map[string]*jar{}
	for id, all := range given {
		if owners[id] = all[0]; len(all) > 1 {
			a.findings.add(misattributed, id, fmt.Sprintf("%d browsers were given the same session", len(all)))
			owners[id] = nil
		}
	}
	return owners
}
