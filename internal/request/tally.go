package request

import (
	"sync"
	"time"

	"github.com/footfall-go/footfall/store"
)

// A tally keeps requests as numbers: how many in a minute, of whom, and why. Each
// number becomes one fact. What it has not given out yet is lost if the process is
// killed, so it gives out the running minute's numbers each few seconds too.
type tally struct {
	mu     sync.Mutex
	minute int64
	taken  time.Time // when the running minute's numbers were last given out, or the first was counted
	counts map[tallied]int64
	past   []*store.VisitsUncounted // of minutes that are over
}

type tallied struct {
	bots   bool
	reason string
}

const (
	tallyEvery   = 5 * time.Second // the most that a killed process has not written, but for the loop's second
	tallyReasons = 64              // in a minute, of what a shop's own function may say; further ones count as otherReasons
	otherReasons = "other"
)

// add counts n requests of a reason.
func (t *tally) add(bots bool, reason string, n int64, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(at)
	key := tallied{bots, reason}
	if _, known := t.counts[key]; !known && len(t.counts) >= tallyReasons {
		key.reason = otherReasons
	}
	if len(t.counts) == 0 {
		t.counts, t.taken = map[tallied]int64{}, at
	}
	t.counts[key] += n
}

// turn starts a new minute if it is time. t.mu is held.
func (t *tally) turn(at time.Time) {
	if minute := at.Unix() / 60; minute != t.minute {
		t.end()
		t.minute = minute
	}
}

// end moves the running minute's numbers to those that are over. t.mu is held.
func (t *tally) end() {
	for key, n := range t.counts {
		t.past = append(t.past, &store.VisitsUncounted{
			EventID: newEventID(), Minute: time.Unix(t.minute*60, 0).UTC(), Bots: key.bots, Reason: key.reason, Count: n,
		})
	}
	t.counts = nil
}

// take returns the numbers of minutes that are over, and those of the running minute
// if they have waited for some seconds, or with all. Whoever takes a number records it
// or adds it again.
func (t *tally) take(at time.Time, all bool) []*store.VisitsUncounted {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(at)
	if all || at.Sub(t.taken) >= tallyEvery {
		t.end()
	}
	past := t.past
	t.past = nil
	return past
}
