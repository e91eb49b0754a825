package loginguard

import (
	"context"
	"encoding/json"
	"time"
)

// A sharedCount is one place where an attempt counts, for all guards with the same store.
type sharedCount struct {
	document
	budget  budget
	read    bool
	counted bool
	before  time.Duration // the end of the pause before the attempt, since 1970
	after   time.Duration // the end of the pause since the attempt
}

// budgetDocument is the form of failures in the store. Times are Unix milliseconds.
type budgetDocument struct {
	Failures int32 `json:"failures"`
	At       int64 `json:"at"`
	Until    int64 `json:"until"`
}

// beyond is how many failures more than a budget's free ones a document can say. The
// longest pause is reached before, so more of them would mean nothing else.
const beyond = 16

// readFailures reads a document. Whoever can write to the store can lock nobody out for
// longer than the budget's longest pause: no time is later than now but the end of a
// pause, and a pause that ends later than one that began now does not count. A damaged
// document is none.
func readFailures(body []byte, b budget, now time.Duration) failures {
	var d budgetDocument
	if len(body) == 0 || json.Unmarshal(body, &d) != nil {
		d = budgetDocument{}
	}
	at := min(max(d.At, 0), now.Milliseconds())
	until := max(d.Until, 0)
	if until > (now + b.longest).Milliseconds() {
		until = 0
	}
	return failures{
		n:      min(max(d.Failures, 0), int32(b.free+beyond)),
		free:   int32(b.free),
		refill: b.refill,
		at:     time.Duration(at) * time.Millisecond,
		until:  time.Duration(until) * time.Millisecond,
	}
}

// write returns the failures as a document, and after what time it says nothing any more.
func (f failures) write(now time.Duration) (body []byte, ttl time.Duration) {
	body, _ = json.Marshal(budgetDocument{f.n, f.at.Milliseconds(), f.until.Milliseconds()})
	if f.n > 0 {
		ttl = f.at + time.Duration(f.n)*f.refill - now
	}
	return body, max(ttl, f.until-now)
}

// budgets reads the documents of all places where an attempt counts. It returns how long
// the attempt has to wait because of them.
func (s *shared) budgets(ctx context.Context, places []count) (counts []sharedCount, wait time.Duration, err error) {
	counts = make([]sharedCount, len(places))
	err = each(len(places), func(i int) (err error) {
		c := &counts[i]
		c.budget = places[i].budget
		c.document, err = s.read(ctx, s.id(places[i].in.kind, places[i].key))
		c.read = err == nil
		return err
	})
	now := time.Duration(time.Now().UnixNano())
	for _, c := range counts {
		wait = max(wait, readFailures(c.body, c.budget, now).until-now)
	}
	return counts, wait, err
}

// count counts a failure in each document that could be read. It returns how long the attempt has to wait
// because others have used a budget up since the documents were read.
func (s *shared) count(ctx context.Context, counts []sharedCount) (wait time.Duration, err error) {
	waits := make([]time.Duration, len(counts))
	err = each(len(counts), func(i int) error {
		c := &counts[i]
		if !c.read {
			return nil
		}
		err := s.update(ctx, c.document, func(body []byte, now time.Duration) ([]byte, time.Duration, bool) {
			f := readFailures(body, c.budget, now)
			if waits[i] = f.until - now; waits[i] > 0 {
				return nil, 0, false
			}
			c.before, c.after = f.count(c.budget, now)
			body, ttl := f.write(now)
			return body, ttl, true
		})
		c.counted = err == nil && waits[i] <= 0
		return err
	})
	for _, w := range waits {
		wait = max(wait, w)
	}
	return wait, err
}

// takeBack takes an attempt back wherever it was counted. forget gives back the whole
// budget.
func (s *shared) takeBack(ctx context.Context, counts []sharedCount, forget bool) error {
	return each(len(counts), func(i int) error {
		c := counts[i]
		if !c.counted {
			return nil
		}
		d, err := s.read(ctx, c.id)
		if err != nil || d.version == 0 {
			return err
		}
		return s.update(ctx, d, func(body []byte, now time.Duration) ([]byte, time.Duration, bool) {
			f := readFailures(body, c.budget, now)
			if f.takeBack(c.before.Truncate(time.Millisecond), c.after.Truncate(time.Millisecond)); forget {
				f.n, f.until = 0, 0
			}
			body, ttl := f.write(now)
			return body, ttl, true
		})
	})
}
