package faults

import "testing"

// TestAttribution stores events in sessions where they must not be, and where
// they may be.
func TestAttribution(t *testing.T) {
	// folded is a session of s1's browser that is folded into s1.
	folded := func(s *specimen) *storedEvent {
		s.browsers["s1"].got("s0", "v1")
		r := s.ledger.open(pageView, s.browsers["s1"], false)
		s.ledger.close(r, counted, "s0", "")
		s.stored.events = append(s.stored.events, storedEvent{"f", "s1", pageView, "/page?mark=" + r.mark, "", "v1"})
		s.stored.views["s1"]++
		return &s.stored.events[len(s.stored.events)-1]
	}
	// stored is one more event in the session s2.
	stored := func(s *specimen, o outcome, carried, given string) {
		r := s.ledger.open(addToCart, s.browsers["s2"], false)
		s.ledger.close(r, o, carried, given)
		s.stored.events = append(s.stored.events, storedEvent{"n", "s2", addToCart, "/page?mark=" + r.mark, "", "v2"})
	}
	for _, c := range []struct {
		name   string
		tamper func(*specimen)
		want   int
	}{
		{"nothing", func(*specimen) {}, 0},
		{"an event in somebody else's session", func(s *specimen) { s.stored.events[3].session, s.stored.events[3].visitor = "s1", "v1" }, 1},
		{"an event in a session that nobody was given", func(s *specimen) { s.stored.events[3].session = "s9" }, 1},
		{"an event of another visitor than its session's", func(s *specimen) { s.stored.events[3].visitor = "v1" }, 1},
		{"a session of another visitor than its browser's", func(s *specimen) {
			s.stored.visitors["s1"], s.stored.events[0].visitor, s.stored.events[1].visitor = "v2", "v2", "v2"
		}, 1},
		{"one session for two browsers", func(s *specimen) { s.browsers["s1"].got("s2", "") }, 1},
		{"an order's event in somebody else's session", func(s *specimen) {
			e := &s.stored.events[len(s.stored.events)-1]
			e.session, e.visitor = "s1", "v1"
		}, 1},
		{"an order in somebody else's session", func(s *specimen) { s.stored.orders[0].session = "s1" }, 1},
		{"an order in no session", func(s *specimen) {
			s.stored.orders[0].session, s.stored.events = "", s.stored.events[:len(s.stored.events)-1]
		}, 0},
		{"an event of a session that was folded", func(s *specimen) { folded(s) }, 0},
		{"the same, and the session is there", func(s *specimen) {
			folded(s)
			s.stored.views["s0"], s.stored.visitors["s0"] = 0, "v1"
		}, 1},
		{"the same in somebody else's session", func(s *specimen) {
			e := folded(s)
			e.session, e.visitor = "s2", "v2"
			s.stored.views["s1"]--
			s.stored.views["s2"]++
		}, 1},
		{"a new session came with the answer", func(s *specimen) {
			s.browsers["s2"].got("s0", "v2")
			s.stored.views["s0"], s.stored.visitors["s0"] = 0, "v2"
			stored(s, counted, "s0", "s2")
		}, 0},
		{"a new session came with the answer, the event is in the old", func(s *specimen) {
			s.browsers["s2"].got("s0", "v2")
			s.stored.views["s0"], s.stored.visitors["s0"] = 0, "v2"
			stored(s, counted, "s2", "s0")
		}, 1},
		{"no answer, and nobody was given the session", func(s *specimen) {
			s.stored.views["s0"], s.stored.visitors["s0"] = 0, "v0"
			stored(s, unknown, "", "")
			e := &s.stored.events[len(s.stored.events)-1]
			e.session, e.visitor = "s0", "v0"
		}, 0},
		{"no answer, and it is somebody else's session", func(s *specimen) {
			stored(s, unknown, "s2", "")
			e := &s.stored.events[len(s.stored.events)-1]
			e.session, e.visitor = "s1", "v1"
		}, 1},
		{"an answer without a session, and it is in one", func(s *specimen) { stored(s, optional, "", "") }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSpecimen()
			c.tamper(s)
			found := s.judged()
			if found.count(misattributed) != c.want || len(found) != c.want {
				t.Errorf("%v, want %d misattributed", found, c.want)
			}
		})
	}
}

// TestFollow: an event of a folded session belongs to its host, an event of a
// restored session to the session itself.
func TestFollow(t *testing.T) {
	h := &holdings{
		events: []storedEvent{{id: "e1", session: "s1", visitor: "v1"}, {id: "e2", session: "s2", visitor: "v2"}, {id: "e3", session: "s3", visitor: "v3"}, {id: "e4", session: "s4", visitor: "v4"}},
		views:  map[string]int{"s1": 3, "s2": 1}, visitors: map[string]string{"s1": "v1", "s2": "v2"},
	}
	h.follow(map[string]string{"s2": "s1", "s3": "s1"})
	for i, want := range []string{"s1 v1", "s2 v2", "s1 v1", "s4 v4"} {
		if got := h.events[i].session + " " + h.events[i].visitor; got != want {
			t.Errorf("%s: %s, want %s", h.events[i].id, got, want)
		}
	}
}
