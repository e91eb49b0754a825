package faults

import (
	"testing"
	"time"
)

// lose removes this many page views from the specimen's first session.
func (s *specimen) lose(n int) {
	s.stored.events = s.stored.events[n:]
	s.stored.views["s1"] -= n
}

// TestVerdict_Declared: declared events are not lost, and events that are not
// missing must not be declared. One request of the specimen was not answered.
func TestVerdict_Declared(t *testing.T) {
	for _, c := range []struct {
		cost                price
		gone                int
		claim               claim
		lost, wrong, hidden int
	}{
		{noRoom, 2, claim{dropped: 2}, 0, 0, 1},
		{noRoom, 2, claim{dropped: 1}, 1, 0, 1},
		{noRoom, 2, claim{}, 2, 0, 0},
		{noRoom, 2, claim{dropped: 3}, 0, 0, 0},
		{noRoom, 2, claim{dropped: 4}, 0, 1, 0},
		{noRoom, 0, claim{dropped: 1}, 0, 0, 0},
		{noRoom, 0, claim{dropped: 2}, 0, 1, 0},
		{noRoom, 2, claim{unattributed: 2}, 2, 1, 0},
		{noRoom, 2, claim{never: 2}, 2, 1, 0},
		{nothing, 2, claim{dropped: 2}, 2, 1, 0},
		{nothing, 0, claim{unattributed: 1}, 0, 1, 0},
		{nothing, 0, claim{}, 0, 0, 0},
		{endedOnes, 2, claim{unattributed: 2}, 2, 1, 0}, // their session was alive
		{nothing, 2, claim{waiting: 1}, 1, 0, 0},
		{nothing, 2, claim{waiting: 5}, 0, 0, 0},
		{noRoom, 2, claim{dropped: 1, waiting: 1}, 0, 0, 1},
	} {
		s := newSpecimen()
		s.lose(c.gone)
		a := s.ledger.compare(s.stored)
		toll := a.judge(c.cost, c.claim)
		if a.findings.count(lost) != c.lost || a.findings.count(misdeclared) != c.wrong || len(a.findings) != c.lost+c.wrong || toll.hidden != c.hidden {
			t.Errorf("%+v: %v, %+v", c, a.findings, toll)
		}
	}
}

// TestVerdict_EndedOnes: while no store can tell whether a session has ended,
// only events of sessions that have ended may be missing.
func TestVerdict_EndedOnes(t *testing.T) {
	for _, ended := range []bool{true, false} {
		s := newSpecimen()
		s.ledger.close(s.ledger.open(pageView, s.browsers["s1"], ended), counted, "s1", "")
		a := s.ledger.compare(s.stored)
		toll := a.judge(endedOnes, claim{unattributed: 1})
		if fine := len(a.findings) == 0; fine != ended || toll.hidden != 0 {
			t.Errorf("ended %v: %v, %+v", ended, a.findings, toll)
		}
	}
}

// lived is a process with one life.
func lived(killed bool, polls ...map[string]float64) *process {
	p := &process{}
	p.lived(killed, polls...)
	return p
}

// lived adds a life, with a poll every 200 ms.
func (p *process) lived(killed bool, polls ...map[string]float64) {
	l := &life{killed: killed, counts: map[string]float64{}}
	at := time.Now()
	for _, counts := range polls {
		if _, said := counts[journalUp]; !said {
			counts[journalUp] = 1
		}
		at = at.Add(200 * time.Millisecond)
		l.note(counts, at)
	}
	p.lives = append(p.lives, l)
}

// TestClaim_LateLost: late events that the disk refused are among the declared
// events; other late facts excuse nothing.
func TestClaim_LateLost(t *testing.T) {
	s := newSpecimen()
	s.lose(2)
	p := lived(false, map[string]float64{"journal_late_lost": 2, stalledCount: 2})
	a := s.ledger.compare(s.stored)
	a.judge(noRoom, p.claim())
	if a.findings.count(lost) != 2 || len(a.findings) != 2 {
		t.Errorf("%v", a.findings)
	}
}

// TestClaim_Waiting: the facts waiting in memory at a kill are those that became
// late since the journal was last seen in order.
func TestClaim_Waiting(t *testing.T) {
	poll := func(stalled, up float64) map[string]float64 {
		return map[string]float64{stalledCount: stalled, journalUp: up}
	}
	for name, c := range map[string]struct {
		polls []map[string]float64
		want  int
	}{
		"nothing was late":             {[]map[string]float64{poll(0, 1), poll(0, 1)}, 0},
		"late long ago, and written":   {[]map[string]float64{poll(7, 0), poll(7, 1), poll(7, 1)}, 0},
		"late, and still stalled":      {[]map[string]float64{poll(7, 0), poll(7, 0), poll(7, 0)}, 7},
		"late since the poll before":   {[]map[string]float64{poll(7, 0), poll(7, 1), poll(7, 1), poll(10, 1)}, 3},
		"late again while it recovers": {[]map[string]float64{poll(7, 0), poll(9, 1)}, 9},
	} {
		if got := lived(true, c.polls...).claim().waiting; got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
		if got := lived(false, c.polls...).claim().waiting; got != 0 {
			t.Errorf("%s, and ended by itself: %d, want 0", name, got)
		}
	}
}

// TestClaim_OfEarlierFaults: facts that waited at a kill during one fault, and
// events declared during it, excuse nothing in the next.
func TestClaim_OfEarlierFaults(t *testing.T) {
	s := newSpecimen()
	p := lived(true, map[string]float64{stalledCount: 5, journalUp: 0, "events_dropped": 5})
	a := s.ledger.compare(s.stored)
	a.judge(noRoom, claim{})
	before := p.claim()
	if before.waiting != 5 || before.dropped != 5 || len(a.findings) != 0 {
		t.Fatalf("%+v, %v", before, a.findings)
	}
	p.lived(false, map[string]float64{stalledCount: 3, journalUp: 0})
	s.ledger.begin(1)
	s.ledger.close(s.ledger.open(pageView, s.browsers["s1"], false), counted, "s1", "")
	a = s.ledger.compare(s.stored)
	a.judge(noRoom, p.claim().since(before))
	if a.findings.count(lost) != 1 || len(a.findings) != 1 {
		t.Errorf("%v", a.findings)
	}
}

// TestVerdict_SameTwice: the same counts in two faults are two findings, but a
// finding of an earlier audit is not repeated.
func TestVerdict_SameTwice(t *testing.T) {
	s := newSpecimen()
	var found findings
	for fault := range 2 {
		s.ledger.begin(fault)
		a := s.ledger.compare(s.stored)
		a.judge(nothing, claim{never: 1})
		found = append(found, a.findings...)
	}
	if len(found) != 2 || found[0] == found[1] {
		t.Errorf("%v", found)
	}
}

// TestCompare_EarlierFaults: whatever a later fault declares, an event stored
// after a fault must stay stored, and a missing one stays missing.
func TestCompare_EarlierFaults(t *testing.T) {
	s := newSpecimen()
	first := s.stored.events[0]
	s.lose(1)
	a := s.ledger.compare(s.stored)
	a.judge(noRoom, claim{dropped: 1})
	if len(a.findings) != 0 {
		t.Fatal(a.findings)
	}
	s.ledger.begin(1)
	a = s.ledger.compare(s.stored)
	a.judge(nothing, claim{})
	if len(a.findings) != 0 {
		t.Errorf("nothing has changed: %v", a.findings)
	}
	s.lose(1)
	a = s.ledger.compare(s.stored)
	a.judge(noRoom, claim{dropped: 1}) // misdeclared: nothing of this fault is missing
	if a.findings.count(lost) != 1 || a.findings.count(misdeclared) != 1 {
		t.Errorf("a stored view is gone: %v", a.findings)
	}
	s.stored.events = append(s.stored.events, first)
	s.stored.views["s1"]++
	a = s.ledger.compare(s.stored)
	if a.findings.count(misdeclared) != 1 {
		t.Errorf("a missing view is there: %v", a.findings)
	}
}

// TestCheckCalm: a customer who is refused while nothing is broken is a finding.
func TestCheckCalm(t *testing.T) {
	for name, c := range map[string]struct {
		asked, answered int64
		status, want    int
	}{
		"calm":                             {1, 1, 503, 1},
		"calm, answered":                   {1, 1, 200, 0},
		"calm, refused":                    {1, 1, 401, 0},
		"during the fault":                 {0, 0, 503, 0},
		"asked before it, answered in it":  {1, 0, 503, 0},
		"asked in it, answered after it":   {0, 2, 503, 0},
		"asked before it, answered after":  {1, 2, 503, 0},
		"calm, and nobody behind the door": {2, 2, 502, 1},
	} {
		crowd := &crowd{register: newRegister()}
		crowd.calm.Store(c.answered)
		crowd.checkCalm(c.asked, "cookie", &answer{status: c.status})
		if got := crowd.register.take(); got.count(unwell) != c.want || len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
