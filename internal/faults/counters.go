package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A life is what a process counted between a start and its end, as of the latest
// poll.
type life struct {
	counts map[string]float64
	killed bool

	turn    int       // number of the poll that read these counters
	late    time.Time // when late facts were last seen
	settled float64   // how many of the facts that were late have been written or lost since
}

const (
	stalledCount = "journal_stalled"
	pendingCount = "journal_pending_records"
	journalUp    = `part_up{part="journal"}`

	// settling is how long a journal must have been in order, with no new late
	// fact, until all facts that were late before count as written.
	settling = 100 * time.Millisecond
)

// note stores the counters that a life reports at a time.
func (l *life) note(counts map[string]float64, at time.Time) {
	switch n := counts[stalledCount]; {
	case n != l.counts[stalledCount] || counts[journalUp] != 1:
		l.late = at
	case at.Sub(l.late) >= settling:
		l.settled = n
	}
	l.counts = counts
}

// A claim is what processes report as not stored, by counter.
type claim struct {
	dropped      int // events that the journal refused or lost
	unattributed int // events whose session could not be determined in time
	never        int // events dropped for reasons that none of these faults gives
	waiting      int // facts that may have waited in memory when a process was killed, which no counter includes
}

func (c claim) and(d claim) claim {
	return claim{c.dropped + d.dropped, c.unattributed + d.unattributed, c.never + d.never, c.waiting + d.waiting}
}

// since returns what was added to a claim after an earlier one.
func (c claim) since(d claim) claim {
	return claim{c.dropped - d.dropped, c.unattributed - d.unattributed, c.never - d.never, c.waiting - d.waiting}
}

func (c claim) declared() int { return c.dropped + c.unattributed + c.never }

// claim returns the claim of a process in all its lives.
func (p *process) claim() (c claim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lives {
		n := func(name string) int { return int(l.counts[name]) }
		one := claim{dropped: n("events_dropped"), unattributed: n("events_unattributed"), never: n("events_capped") + n("events_pending_capped") + n("facts_set_aside")}
		if l.killed {
			one.waiting = int(l.counts[stalledCount] - l.settled)
		}
		c = c.and(one)
	}
	return c
}

func (w *world) claim() (c claim) {
	for _, p := range w.processes {
		c = c.and(p.claim())
	}
	return c
}

// counters lists the counters that are not zero, for people who investigate a
// finding.
func (p *process) counters() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for i, l := range p.lives {
		for _, name := range slices.Sorted(maps.Keys(l.counts)) {
			if n := l.counts[name]; n != 0 && !strings.Contains(name, "{") {
				fmt.Fprintf(&b, " %d:%s=%g", i+1, name, n)
			}
		}
	}
	return b.String()
}

// latest returns the latest counter of the running life.
func (p *process) latest(name string) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lives[len(p.lives)-1].counts[name]
}

// counter returns the sum of one counter over all lives.
func (p *process) counter(name string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lives {
		n += int(l.counts[name])
	}
	return n
}
