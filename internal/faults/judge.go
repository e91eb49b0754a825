package faults

import (
	"fmt"
	"slices"
)

// A price is what a fault may cost by design.
type price uint8

const (
	nothing   price = iota
	noRoom          // events that the journal has no room for
	endedOnes       // events of sessions that had ended, when nobody could tell; see decision 0012
)

// A toll is what a fault did cost.
type toll struct {
	declared, missing int
	hidden            int // so many losses more there could be: unanswered requests may be what was declared
	late, waiting     int // missing since it waited in memory at a kill; how much may have
}

// judge settles what is missing of one fault against what was declared while it
// lasted. What is declared must be missing: of requests that were acknowledged, or
// of those that were not answered.
func (a *audit) judge(p price, c claim) toll {
	t := toll{declared: c.declared(), missing: len(a.missing), waiting: c.waiting}
	declared := 0
	var explains func(*request) bool
	switch p {
	case nothing:
		explains = func(*request) bool { return false }
	case noRoom:
		declared, explains = c.dropped, func(*request) bool { return true }
	case endedOnes:
		declared, explains = c.unattributed, func(r *request) bool { return r.ended }
	}
	if n := t.declared - declared; n > 0 {
		a.findings.add(misdeclared, a.counters, fmt.Sprintf("%d events are declared as dropped for a reason that this fault does not give: %+v", n, c))
	}
	unexplained := slices.DeleteFunc(slices.Clone(a.missing), explains)
	missing, absent := len(a.missing)-len(unexplained), 0
	for _, r := range a.absent {
		if explains(r) {
			absent++
		}
	}
	if declared > missing+absent {
		a.findings.add(misdeclared, a.counters, fmt.Sprintf("%d are declared as dropped, %d are missing, and %d that nobody was told of", declared, missing, absent))
	}
	t.hidden = max(0, min(missing, declared)+min(absent, declared)-declared)
	for _, r := range a.missing {
		if explains(r) {
			if missing--; missing >= declared {
				unexplained = append(unexplained, r)
			}
		}
	}
	t.late = min(c.waiting, len(unexplained))
	for _, r := range unexplained[t.late:] {
		a.findings.add(lost, r.mark, "a "+r.event+" was acknowledged and is not stored")
	}
	return t
}

// excuse takes off what the harness itself destroyed, and says how much that was.
func (a *audit) excuse(marks map[string]bool) (excused int) {
	before := len(a.missing)
	a.missing = slices.DeleteFunc(a.missing, func(r *request) bool { return marks[r.mark] })
	return before - len(a.missing)
}
