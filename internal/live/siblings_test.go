package live

import (
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
)

// family is sessions that began under one key, a while apart.
func family(s *Siblings, n int, apart time.Duration) []*Entry {
	all := make([]*Entry, n)
	for i := range all {
		all[i] = known()
		s.Began(all[i], SiblingKey{Visitor: "v"}, start.Add(time.Duration(i)*apart))
	}
	return all
}

func all(*Entry) bool { return true }

// foldedAt are how many sessions are folded at a time after the start.
func foldedAt(s *Siblings, after time.Duration) (n int) {
	_, folded := s.Due(start.Add(after), time.Hour, all)
	for _, lost := range folded {
		n += len(lost)
	}
	return n
}

func TestSiblings_FoldIntoTheOneWhoseCookieCame(t *testing.T) {
	s := NewSiblings(1<<40, new(count.Set))
	sessions := family(s, 3, 500*time.Millisecond)
	sessions[1].SeeCookie()
	if n := foldedAt(s, siblingWait-time.Millisecond); n != 0 {
		t.Errorf("%d sessions are folded before %v are over: their cookies may still come", n, siblingWait)
	}
	into, folded := s.Due(start.Add(siblingWait), time.Hour, all)
	if len(into) != 1 || into[0] != sessions[1] || len(folded[0]) != 2 || folded[0][0] != sessions[0] || folded[0][1] != sessions[2] {
		t.Errorf("of three sessions with one cookie seen, %v are to be folded into %v: both others belong to the one whose cookie came", folded, into)
	}
	if n := foldedAt(s, time.Minute); n != 0 {
		t.Error("sessions that were folded are folded again")
	}
	if len(s.members) != 0 || len(s.open) != 0 || len(s.waiting) != 0 {
		t.Error("sessions that were folded are still remembered: memory would grow for ever")
	}
}

func TestSiblings_OnlyWithinTheWindow(t *testing.T) {
	s := NewSiblings(1<<40, new(count.Set))
	family(s, 2, siblingWindow)[0].SeeCookie()
	if n := foldedAt(s, time.Minute); n != 0 {
		t.Errorf("%d sessions are folded that began %v apart: those are two visits, not one page's requests", n, siblingWindow)
	}
	family(s, 2, siblingWindow-time.Millisecond)[0].SeeCookie()
	if n := foldedAt(s, time.Minute); n != 1 {
		t.Errorf("%d sessions are folded of two that began within %v, one of which was lost: want 1", n, siblingWindow)
	}
}

func TestSiblings_NoneForOneAloneOrOfAnotherBrowser(t *testing.T) {
	s := NewSiblings(1<<40, new(count.Set))
	family(s, 1, 0)
	other := known()
	other.SeeCookie()
	s.Began(other, SiblingKey{Visitor: "another"}, start)
	if n := foldedAt(s, time.Minute); n != 0 || len(s.waiting) != 0 || len(s.members) != 0 {
		t.Errorf("%d sessions are folded, %d groups wait: a session alone under its key has no siblings", n, len(s.waiting))
	}
}

func TestSiblings_WaitForACookieAndForTheArchiveButNotForEver(t *testing.T) {
	s := NewSiblings(1<<40, new(count.Set))
	sessions := family(s, 2, 0)
	if n := foldedAt(s, time.Minute); n != 0 {
		t.Error("sessions are folded though no cookie was seen: there is none to fold them into")
	}
	sessions[0].SeeCookie()
	none := func(*Entry) bool { return false }
	if into, _ := s.Due(start.Add(time.Minute), time.Hour, none); len(into) != 0 {
		t.Error("a session is folded of which the archive does not hold everything")
	}
	if into, _ := s.Due(start.Add(time.Hour), time.Hour, none); len(into) != 1 || len(s.members) != 0 {
		t.Error("a group still waits after the idle time: it has to be settled then")
	}
	family(s, 2, 0)
	if n := foldedAt(s, time.Hour); n != 0 || len(s.members) != 0 {
		t.Error("two sessions without a cookie are folded or remembered after the idle time: they stay as they are, and are forgotten")
	}
	for _, e := range family(s, 2, 0) {
		e.SeeCookie()
	}
	if into, _ := s.Due(start.Add(time.Minute), time.Hour, all); len(into) != 0 || len(s.members) != 0 {
		t.Error("sessions whose cookies all came are folded or remembered: each is somebody's")
	}
}

func TestSiblings_CameBackKeepsASessionThatLeftTheTable(t *testing.T) {
	s := NewSiblings(1<<40, new(count.Set))
	sessions := family(s, 2, 0)
	s.CameBack(sessions[0].ID())
	s.CameBack(clock.NewID())
	if !sessions[0].CookieSeen() || sessions[1].CookieSeen() {
		t.Error("a session that was read again because of its cookie has to count as one whose cookie came, and no other")
	}
}

func TestSiblings_Bounds(t *testing.T) {
	counts := new(count.Set)
	s := NewSiblings(1<<40, counts)
	skipped := func() uint64 { return counts.All()["fold_skipped"] }
	family(s, maxGroup+1, 0)[0].SeeCookie()
	if n := foldedAt(s, time.Minute); n != 0 || skipped() != 1 || len(s.members) != 0 {
		t.Errorf("a group of %d sessions: %d folded, %d skipped. So many are no page's first requests, but people behind one address", maxGroup+1, n, skipped())
	}
	family(s, maxGroup, 0)[0].SeeCookie()
	if n := foldedAt(s, time.Minute); n != maxGroup-1 || skipped() != 1 {
		t.Errorf("a group of %d sessions: %d folded, %d skipped, want all others folded", maxGroup, n, skipped()-1)
	}
	for i := range maxGroups {
		s.open[SiblingKey{Agent: string(rune(i + 1))}] = &group{began: start}
	}
	s.Began(known(), SiblingKey{Visitor: "v"}, start)
	if len(s.open) != maxGroups || len(s.members) != 0 || skipped() != 2 {
		t.Errorf("there are %d groups at a time, at most %d are allowed", len(s.open), maxGroups)
	}
	clear(s.open)
	e := known()
	for range maxGroupMembers {
		s.members[clock.NewID()] = e
	}
	family(s, 1, 0)
	if len(s.members) > maxGroupMembers || skipped() != 3 {
		t.Errorf("%d sessions are watched, at most %d are allowed", len(s.members), maxGroupMembers)
	}
}

func TestSiblings_AgainFoldsLater(t *testing.T) {
	s := NewSiblings(1<<40, new(count.Set))
	target, lost := known(), known()
	target.SeeCookie()
	s.Again(target, lost, start)
	into, folded := s.Due(start, time.Hour, all)
	if len(into) != 1 || into[0] != target || len(folded[0]) != 1 || folded[0][0] != lost {
		t.Errorf("a session that could not be folded is not tried again: %d are due", len(into))
	}
}

func TestSiblings_AreBoundedByBytes(t *testing.T) {
	const most = 100 << 10
	counts := new(count.Set)
	s := NewSiblings(most, counts)
	key := func(i int) SiblingKey {
		return SiblingKey{Agent: strings.Repeat("<", 512), Page: strings.Repeat("<", i)}
	}
	for i := range 500 {
		s.Began(fat(0), key(2000+i/2), start)
	}
	if s.bytes > most || len(s.members) == 0 || counts.All()["fold_skipped"] != uint64(500-len(s.members)) {
		t.Errorf("%d sessions with long texts wait for siblings in %d bytes of %d, %d are counted as skipped of 500: sessions that left the table stay in memory here", len(s.members), s.bytes, most, counts.All()["fold_skipped"])
	}
	s.Due(start.Add(siblingWindow), time.Hour, func(*Entry) bool { return true })
	s.Due(start.Add(2*time.Hour), time.Hour, func(*Entry) bool { return true })
	if s.bytes != 0 || len(s.members) != 0 {
		t.Errorf("%d sessions and %d bytes are left when all groups are over", len(s.members), s.bytes)
	}
}
