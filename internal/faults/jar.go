package faults

import (
	"slices"
	"sync"
)

// A jar has every session and every visitor that one browser was ever given.
type jar struct {
	mu                 sync.Mutex
	sessions, visitors map[string]bool
}

func newJar() *jar { return &jar{sessions: map[string]bool{}, visitors: map[string]bool{}} }

// got notes what came with an answer, "" for nothing.
func (j *jar) got(session, visitor string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if session != "" {
		j.sessions[session] = true
	}
	if visitor != "" {
		j.visitors[visitor] = true
	}
}

// An origin says where an event belongs, as far as its browser can tell.
type origin struct {
	browser  *jar
	sessions []string // one of these, if every answer came
	unsure   bool     // an answer did not, and with it perhaps a session
}

// tried notes a request: its event belongs to the session that came with the
// answer, if one did, otherwise to the one whose cookie it carried.
func (o *origin) tried(carried, given string, answered bool) {
	o.unsure = o.unsure || !answered
	if given == "" {
		given = carried
	}
	if given != "" && !slices.Contains(o.sessions, given) {
		o.sessions = append(o.sessions, given)
	}
}

// holds says whether an event may be stored in a session. A session that was
// folded is not stored itself: its events are in another of the same browser.
func (o *origin) holds(session string, owners map[string]*jar, stored map[string]int) bool {
	switch owner := owners[session]; {
	case owner != nil && owner != o.browser:
		return false
	case slices.Contains(o.sessions, session), o.unsure:
		return true
	case owner == nil:
		return false // nobody was ever given it
	}
	return len(o.sessions) > 0 && !slices.ContainsFunc(o.sessions, func(id string) bool {
		_, there := stored[id]
		return there
	})
}
