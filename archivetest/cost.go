package archivetest

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/footfall-go/footfall/store"
)

// The cost rules: the work that a fact makes is bounded by a constant, whatever was
// stored before it of the same session, visitor, customer or order. Otherwise whoever
// sends enough makes a batch that takes longer than its timeout, and the archive takes
// nothing of anybody any more.
//
// They compare two subjects in the same archive, one with few facts and one with many.
// Only the ratio of the two counts, so the speed of the machine does not.
var costRules = []rule{
	{"work_per_fact_does_not_grow", func(t *tester) {
		few, many := newSubject(t, 1, fewEarlier), newSubject(t, 1_000_000, t.of(earlier(), 500))
		for _, k := range costKinds {
			least := [2]time.Duration{math.MaxInt64, math.MaxInt64}
			for round := range costRounds {
				for i, s := range []*subject{few, many} {
					k.prepare(s)
					facts := k.facts(s)
					began := time.Now()
					t.append(facts...)
					least[i] = min(least[i], time.Since(began))
				}
				if round >= 2 && least[1] <= tolerated(least[0]) {
					break
				}
			}
			if least[1] > tolerated(least[0]) {
				t.Errorf("%d facts, each %s, take %v after %d others of the same subject, and %v after %d: the work of a fact must not grow with what was stored before it",
					costFacts, k.name, least[1], many.earlier, least[0], few.earlier)
			}
		}
	}},
}

const (
	fewEarlier = 20
	costFacts  = 10 // in a measured batch
	costBatch  = 200
	costRounds = 9 // at most; the quickest counts
)

// tolerated is the longest time that the subject with many facts may take. Work that
// grows takes hundreds of times as long; deeper indexes and a busy machine do not.
func tolerated(few time.Duration) time.Duration { return 6*few + 10*time.Millisecond }

// A subject is a session with its visitor, customer and orders, of which so many facts
// of each kind were stored.
type subject struct {
	t       *tester
	base    int // numbers of its sessions and events begin here
	earlier int
	n       int // numbers that were used
	guests  []int
	spare   []int // sessions of its visitor that nothing was done with yet
}

func (s *subject) next() int { s.n++; return s.base + s.n }

func (s *subject) customer() string { return fmt.Sprintf("customer-%d", s.base) }
func (s *subject) order() string    { return fmt.Sprintf("order-%d", s.base) }
func (s *subject) awaited() string  { return fmt.Sprintf("awaited-%d", s.base) }

// begin is the beginning of another session of the subject's visitor.
func (s *subject) begin() (int, *store.SessionBegun) {
	n := s.next()
	f := begun(n, 1)
	f.VisitorID = vid(s.base)
	return n, f
}

func newSubject(t *tester, base, earlier int) *subject {
	s := &subject{t: t, base: base, earlier: earlier}
	t.append(begun(s.base, 0), order(s.order(), s.base, 1_000_000, 5))
	for _, k := range costKinds {
		var facts []store.Fact
		for made := 0; made < earlier; made += costFacts {
			k.prepare(s)
			if facts = append(facts, k.facts(s)...); len(facts) >= costBatch || made+costFacts >= earlier {
				t.append(facts...)
				facts = nil
			}
		}
	}
	return s
}

// earlier is how many facts of each kind are stored before: 3,000, or what the
// environment says, for a measurement.
func earlier() int {
	if n, err := strconv.Atoi(os.Getenv("FOOTFALL_EARLIER_FACTS")); err == nil && n > 0 {
		return n
	}
	return 3000
}

// A costKind makes facts of one kind: costFacts of them, after some that are not
// measured.
type costKind struct {
	name    string
	prepare func(s *subject)
	facts   func(s *subject) []store.Fact
}

func nothing(*subject) {}

func repeated(one func(s *subject) store.Fact) func(*subject) []store.Fact {
	return func(s *subject) (facts []store.Fact) {
		for range costFacts {
			facts = append(facts, one(s))
		}
		return facts
	}
}

var costKinds = []costKind{
	{"a page view", nothing, repeated(func(s *subject) store.Fact { return view(s.base, s.next(), 10) })},
	{"activity", nothing, repeated(func(s *subject) store.Fact { return seen(s.base, s.next()%1000) })},
	{"a value of another key", nothing, repeated(func(s *subject) store.Fact {
		n := s.next()
		return value(s.base, fmt.Sprint("key-", n%50), "1", n%1000)
	})},
	{"a value that is set and removed, each of a key of its own", nothing, func(s *subject) (facts []store.Fact) {
		for range costFacts / 2 {
			n := s.next()
			facts = append(facts, value(s.base, fmt.Sprint("once-", n), "1", n), value(s.base, fmt.Sprint("once-", n), "", n))
		}
		return facts
	}},
	{"a session of the same visitor", nothing, repeated(func(s *subject) store.Fact { _, f := s.begin(); return f })},
	{"an order of the same session", nothing, repeated(func(s *subject) store.Fact { n := s.next(); return order(fmt.Sprint("o-", n), s.base, 100, n%1000) })},
	{"a refund of the same order", nothing, repeated(func(s *subject) store.Fact { return refund(fmt.Sprint("r-", s.next()), s.order(), s.base, 1, 20) })},
	{"a refund of an order that is not there", nothing, repeated(func(s *subject) store.Fact { return refund(fmt.Sprint("w-", s.next()), s.awaited(), s.base, 1, 20) })},
	{"a login of the same customer", begunSpare, repeated(func(s *subject) store.Fact {
		n := s.spare[0]
		s.spare = s.spare[1:]
		return login(n, 30, s.customer(), 29)
	})},
	{"a session folded into the same one", begunSpare, repeated(func(s *subject) store.Fact {
		n := s.spare[0]
		s.spare, s.guests = s.spare[1:], append(s.guests, n)
		f := fold(s.base, n)
		f.Visitor = vid(s.base)
		return f
	})},
	{"a session taken out of the same one", nothing, repeated(func(s *subject) store.Fact {
		if len(s.guests) == 0 {
			return seen(s.base, 40)
		}
		n := s.guests[0]
		s.guests = s.guests[1:]
		return view(n, s.next(), 40)
	})},
	{"a bot's view", nothing, repeated(func(s *subject) store.Fact { return bot(s.next(), 50, "user_agent") })},
}

// begunSpare begins sessions that have an event each.
func begunSpare(s *subject) {
	var facts []store.Fact
	for len(s.spare) < costFacts {
		n, f := s.begin()
		s.spare = append(s.spare, n)
		facts = append(facts, f, view(n, s.next(), 2))
	}
	if len(facts) > 0 {
		s.t.append(facts...)
	}
}
