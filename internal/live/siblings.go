package live

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/count"
)

// A page's first requests may leave in parallel, without a cookie, and each begins a
// session. The browser keeps one of the cookies. Sessions that began within
// siblingWindow under one key, and whose cookie was not seen siblingWait after that,
// are siblings of the one whose cookie was.
const (
	siblingWindow = 2 * time.Second
	siblingWait   = 5 * time.Second

	maxGroups       = 10_000 // open at a time
	maxGroup        = 64     // sessions in one; a browser makes six requests at once
	maxGroupMembers = 20_000 // sessions in all groups
)

// A SiblingKey is what sessions of one browser's page have in common. An address and an
// agent are shared by many people; those who are on one page at one moment are fewer.
type SiblingKey struct {
	Visitor string // who is known by a cookie; otherwise:
	Addr    netip.Addr
	Agent   string
	Page    string // with its query, so its campaign too
}

// FoundBy sets the key by which a session that has not been announced will be
// compared with others.
func (e *Entry) FoundBy(key SiblingKey) {
	e.mu.Lock()
	e.siblings = key
	e.mu.Unlock()
}

// A group is sessions that may be one browser's.
type group struct {
	began   time.Time
	members []*Entry
	bytes   int64 // of its members and its key
}

// Siblings watches for sessions that one browser began in parallel. It is safe for
// concurrent use.
type Siblings struct {
	mu      sync.Mutex
	open    map[SiblingKey]*group // younger than siblingWindow
	waiting []*group              // of two or more
	members map[uuid.UUID]*Entry  // of all groups
	bytes   int64                 // of all groups
	most    int64
	skipped *atomic.Uint64 // sessions and groups past a bound
}

// NewSiblings returns an empty watch, whose sessions may take so many bytes.
func NewSiblings(most int64, counts *count.Set) *Siblings {
	return &Siblings{
		most: most,
		open: map[SiblingKey]*group{}, members: map[uuid.UUID]*Entry{},
		skipped: counts.Bound("fold_skipped", "Sessions, or groups of them, that were not examined for parallel first requests because there were too many."),
	}
}

// CameBack records that a session was read from a store because of its cookie,
// after its entry had left the table.
func (s *Siblings) CameBack(id uuid.UUID) {
	s.mu.Lock()
	e := s.members[id]
	s.mu.Unlock()
	if e != nil {
		e.SeeCookie()
	}
}

// Began watches a new session.
func (s *Siblings) Began(e *Entry, key SiblingKey, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.open[key]
	if g != nil && at.Sub(g.began) >= siblingWindow {
		s.close(key, g)
		g = nil
	}
	size := e.Bytes()
	if g == nil {
		size += int64(len(key.Visitor) + len(key.Agent) + len(key.Page))
	}
	if len(s.members) >= maxGroupMembers || s.bytes+size > s.most || g == nil && len(s.open) >= maxGroups {
		s.skipped.Add(1)
		return
	}
	if g == nil {
		g = &group{began: at}
		s.open[key] = g
	}
	g.members = append(g.members, e)
	g.bytes += size
	s.bytes += size
	s.members[e.id] = e
}

// close lets a group wait whose window is over. One session alone has no siblings,
// and very many are no page's first requests. s.mu is held.
func (s *Siblings) close(key SiblingKey, g *group) {
	delete(s.open, key)
	if len(g.members) < 2 || len(g.members) > maxGroup {
		if len(g.members) > 1 {
			s.skipped.Add(1)
		}
		s.forget(g)
		return
	}
	s.waiting = append(s.waiting, g)
}

func (s *Siblings) forget(g *group) {
	for _, e := range g.members {
		delete(s.members, e.id)
	}
	s.bytes -= g.bytes
}

// Due returns, for each group in which a cookie was seen, that session and the
// siblings to fold into it. A group waits while the archive does not hold all of
// its members, but not longer than idle.
func (s *Siblings) Due(at time.Time, idle time.Duration, archived func(*Entry) bool) (into []*Entry, folded [][]*Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, g := range s.open {
		if at.Sub(g.began) >= siblingWindow {
			s.close(key, g)
		}
	}
	waiting := s.waiting[:0]
	for _, g := range s.waiting {
		if at.Sub(g.began) < siblingWait {
			waiting = append(waiting, g)
			continue
		}
		var first *Entry
		var lost []*Entry
		for _, e := range g.members {
			switch seen := e.CookieSeen(); {
			case !seen:
				lost = append(lost, e)
			case first == nil:
				first = e
			}
		}
		ready := first != nil && !slices.ContainsFunc(lost, func(e *Entry) bool { return !archived(e) })
		if !ready && at.Sub(g.began) < idle {
			waiting = append(waiting, g)
			continue
		}
		if first != nil && len(lost) > 0 {
			into, folded = append(into, first), append(folded, lost)
		}
		s.forget(g)
	}
	clear(s.waiting[len(waiting):])
	s.waiting = waiting
	return into, folded
}

// Again schedules another attempt to fold e into another session.
func (s *Siblings) Again(into, e *Entry, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[into.id], s.members[e.id] = into, e
	g := &group{began: at.Add(-siblingWait), members: []*Entry{into, e}, bytes: into.Bytes() + e.Bytes()}
	s.bytes += g.bytes
	s.waiting = append(s.waiting, g)
}
