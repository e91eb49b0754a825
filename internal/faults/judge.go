package faults

import (
	"fmt"
	"slices"
)

// A price is the loss that a fault may cause by design.
type price uint8

const (
	nothing   price = iota
	noRoom          // events for which the journal has no room
	endedOnes       // events of sessions that had ended while no store could be asked; see decision 0012
)

// A toll is the loss that a fault did cause.
type toll struct {
	declared, missing int
	hidden            int // how many more losses are possible, if unanswered requests are among what was declared
	late, waiting     int // missing and excused because they waited in memory at a kill; how many facts may have waited
}

// judge compares the events that are missing after one fault with the number that
// was declared during it. Every declared event must be missing: either its
// request was acknowledged, or it was not answered.
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

// excuse removes the events that the harness itself destroyed from the missing
// ones, and returns their number.
func (a *audit) excuse(marks map[string]bool) (excused int) {
	before := len(a.missing)
	a.missing = slices.DeleteFunc(a.missing, func(r *request) bool { return marks[r.mark] })
	return before - len(a.missing)
}
