package enrich

import (
	"net/http"
	"strings"
	"sync/atomic"
)

// A Shadow is a rule that is not enforced yet: whom it matches is taken for a person, and
// counted. It is safe for concurrent use.
type Shadow struct {
	pattern string
	parts   []string
	visits  atomic.Uint64
}

// A ShadowCount is how many visits of people a shadow rule would have taken for
// software's.
type ShadowCount struct {
	Pattern string `json:"pattern"` // as it was written
	Visits  uint64 `json:"visits"`
}

// Pattern is the rule's pattern, as it was written.
func (s *Shadow) Pattern() string { return s.pattern }

func (r *Rules) newShadows() []*Shadow {
	all := make([]*Shadow, len(r.shadows))
	for i, pattern := range r.shadows {
		all[i] = &Shadow{pattern: pattern, parts: newAgentPatterns([]string{pattern})[0]}
	}
	return all
}

// Shadow returns the shadow rule that would make software of who made the request with
// these headers: nil if there is none, or if they are software as it is.
func (a *Agents) Shadow(h http.Header) *Shadow { return a.look(h).shadow }

// Visited counts a visit of a person.
func (a *Agents) Visited(h http.Header) {
	if s := a.look(h).shadow; s != nil {
		s.visits.Add(1)
	}
}

// Shadows are the counts of all shadow rules, in the order of the rules.
func (a *Agents) Shadows() []ShadowCount {
	all := make([]ShadowCount, len(a.shadow))
	for i, s := range a.shadow {
		all[i] = ShadowCount{s.pattern, s.visits.Load()}
	}
	return all
}

func (a *Agents) shadowOf(ua string) *Shadow {
	if len(a.shadow) == 0 || a.rules.own.match(ua) {
		return nil
	}
	lower := strings.ToLower(ua)
	for _, s := range a.shadow {
		if containsAll(lower, s.parts) {
			return s
		}
	}
	return nil
}
