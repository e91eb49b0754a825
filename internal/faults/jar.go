package faults

import (
	"slices"
	"sync"
)

// A jar has every session and every visitor id that one browser was ever given.
type jar struct {
	mu                 sync.Mutex
	sessions, visitors map[string]bool
}

func newJar() *jar { return &jar{sessions: map[string]bool{}, visitors: map[string]bool{}} }

// got records the ids that came with an answer, "" for none.
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

// An origin tells where an event may be stored, as far as its browser can know.
type origin struct {
	browser  *jar
	sessions []string // if every answer arrived, the event is in one of these
	unsure   bool     // an answer was lost, and perhaps with it a new session
}

// tried records a request. Its event belongs to the session that came with the
// answer or, if none did, to the session whose cookie the request carried.
func (o *origin) tried(carried, given string, answered bool) {
	o.unsure = o.unsure || !answered
	if given == "" {
		given = carried
	}
	if given != "" && !slices.Contains(o.sessions, given) {
		o.sessions = append(o.sessions, given)
	}
}

// holds reports whether an event may be stored in a session. The expected session
// may have been folded: then its events are in another session of the same
// browser.
func (o *origin) holds(session string, owners map[string]*jar, stored map[string]int) bool {
	switch owner := owners[session]; {
	case owner != nil && owner != o.browser:
		return false
	case slices.Contains(o.sessions, session), o.unsure:
		return true
	case owner == nil:
		return false // no browser was ever given this session
	}
	return len(o.sessions) > 0 && !slices.ContainsFunc(o.sessions, func(id string) bool {
		_, there := stored[id]
		return there
	})
}
