package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A life is what a process counted between a start and an end, as it said last.
type life struct {
	counts map[string]float64
	killed bool

	turn    int       // of the poll that brought them
	late    time.Time // when facts were seen to be late last
	settled float64   // how many of those that were late do not wait any more
}

const (
	stalledCount = "journal_stalled"
	pendingCount = "journal_pending_records"
	journalUp    = `part_up{part="journal"}`

	// settling is how long a journal must have been in order, with no fact late,
	// for all that were late before to be written.
	settling = 100 * time.Millisecond
)

// note takes what a life says at a time.
func (l *life) note(counts map[string]float64, at time.Time) {
	switch n := counts[stalledCount]; {
	case n != l.counts[stalledCount] || counts[journalUp] != 1:
		l.late = at
	case at.Sub(l.late) >= settling:
		l.settled = n
	}
	l.counts = counts
}

// A claim is what processes say that they did not store, by what they count.
type claim struct {
	dropped      int // events that the journal did not take, or lost
	unattributed int // events of sessions of which nobody could tell in time
	never        int // events that no fault of these has a reason to drop
	waiting      int // facts that may have waited in memory when a process was killed: nobody counts them
}

func (c claim) and(d claim) claim {
	return claim{c.dropped + d.dropped, c.unattributed + d.unattributed, c.never + d.never, c.waiting + d.waiting}
}

// since is what came to a claim after an earlier one.
func (c claim) since(d claim) claim {
	return claim{c.dropped - d.dropped, c.unattributed - d.unattributed, c.never - d.never, c.waiting - d.waiting}
}

func (c claim) declared() int { return c.dropped + c.unattributed + c.never }

// claim of a process in all its lives.
func (p *process) claim() (c claim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lives {
		n := func(name string) int { return int(l.counts[name]) }
		one := claim{dropped: n("events_dropped"), unattributed: n("events_unattributed"), never: n("events_capped") + n("facts_set_aside")}
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

// counters lists what is not zero, for whoever has to find out why.
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

// latest is what the running life said last.
func (p *process) latest(name string) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lives[len(p.lives)-1].counts[name]
}

// counter is the sum of one counter over all lives.
func (p *process) counter(name string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lives {
		n += int(l.counts[name])
	}
	return n
}
