package live

import (
	"strings"
	"sync"
)

// maxTallied is of how many sessions a [Tally] knows something.
const maxTallied = 10_000

// A Tally counts what sessions got though no store could be asked for them in time, so
// that no [Entry] admitted it. Past a number of sessions all begin anew. The zero value
// is ready for use, and it is safe for concurrent use.
type Tally struct {
	mu sync.Mutex
	of map[string]int
}

// Add counts one more of a session, and returns how many it got before.
func (t *Tally) Add(sessionID string) (before int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, known := t.of[sessionID]
	if !known && len(t.of) >= maxTallied || t.of == nil {
		t.of = map[string]int{}
	}
	if !known {
		sessionID = strings.Clone(sessionID) // because it may be a part of a whole record
	}
	t.of[sessionID] = before + 1
	return before
}
