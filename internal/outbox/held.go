package outbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/footfall-go/footfall/store"
)

const (
	holdTries  = 3           // that failed, before a held fact is set aside, and at least
	holdTime   = time.Minute // since the first
	holdRetry  = 30 * time.Second
	maxHeld    = 64     // subjects; at more, what fails waits for holdRetry before it is held too
	maxWaiting = 20_000 // facts of all held subjects; at more, each part waits as long
)

// A held fact is one that the archive answers with an error while it takes others. It
// is tried again, and when it has failed three times within a minute or more it is set
// aside. Until then the facts of the same subject wait behind it, so that their order
// stays, and the journal keeps all of them.
//
// A fact that fails is held before it is known whether the archive takes others. If
// the next ones fail too, the archive is away, or takes none of these: so the ones
// behind them are tried as well, slowly, until it takes one. At no bound does
// everything wait for the facts that are held, because they would never be decided.
type held struct {
	subject string
	facts   []store.Fact // the first is the one that failed
	err     error
	proven  bool      // the archive has taken others since it failed
	tries   int       // that failed while the archive took others
	first   time.Time // when it failed for the first time while the archive took others
	retryAt time.Time
	took    uint64 // Appends that the archive had taken when it failed last
}

// holdings are what is held, in the order in which it failed.
type holdings struct {
	all     []*held
	waiting int // facts
}

func (h *holdings) none() bool { return len(h.all) == 0 }

// isAway reports whether a fact has failed and the archive has taken no other since.
func (h *holdings) isAway() bool {
	return slices.ContainsFunc(h.all, func(x *held) bool { return !x.proven })
}

// due returns when a held fact is to be tried again.
func (h *holdings) due() (at time.Time, some bool) {
	for _, x := range h.all {
		if !some || x.retryAt.Before(at) {
			at, some = x.retryAt, true
		}
	}
	return at, some
}

// join puts those of some facts whose subject is held behind the held one, and returns
// the others. It calls noted for each fact that it takes.
func (h *holdings) join(facts []store.Fact, noted func(store.Fact)) []store.Fact {
	if h.none() {
		return facts
	}
	return slices.DeleteFunc(slices.Clone(facts), func(fact store.Fact) bool {
		about := subjects(fact)
		i := slices.IndexFunc(h.all, func(x *held) bool { return slices.Contains(about, x.subject) })
		if i < 0 {
			return false
		}
		h.all[i].facts = append(h.all[i].facts, fact)
		h.waiting++
		noted(fact)
		return true
	})
}

// hold begins to hold a fact that failed alone. It returns false if too many are held,
// unless the fact has been tried for holdRetry.
func (h *holdings) hold(fact store.Fact, err error, took uint64, tried time.Duration, noted func(store.Fact)) bool {
	if len(h.all) >= maxHeld && tried < holdRetry {
		return false
	}
	now := time.Now()
	h.all = append(h.all, &held{subject: subjects(fact)[0], facts: []store.Fact{fact}, err: err, first: now, retryAt: now.Add(minArchiveRetry), took: took})
	h.waiting++
	noted(fact)
	return true
}

// othersWereTaken says that the archive took facts that are not held.
func (h *holdings) othersWereTaken() {
	for _, x := range h.all {
		if !x.proven {
			x.proven, x.tries, x.first, x.retryAt = true, 1, time.Now(), time.Now()
			if errors.Is(x.err, errTimeout) { // what takes too long is never set aside
				x.tries = 0
			}
		}
	}
}

func (h *holdings) remove(x *held) {
	h.all = slices.DeleteFunc(h.all, func(y *held) bool { return y == x })
	h.waiting -= len(x.facts)
}

// retryHeld tries those held facts again whose time has come. It returns false if ctx
// ended first.
func (p *projector) retryHeld(ctx context.Context) bool {
	for _, x := range slices.Clone(p.held.all) {
		if time.Now().Before(x.retryAt) || !slices.Contains(p.held.all, x) { // decided meanwhile, while others were stored
			continue
		}
		others := p.took > x.took
		err := p.try(ctx, x.facts[:1])
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil:
			p.held.remove(x)
			if !p.store(ctx, x.facts[1:]) {
				return false
			}
			continue
		case errors.Is(err, store.ErrRejected):
			if !p.giveUp(ctx, x, err) {
				return false
			}
			continue
		}
		if x.err, x.took = err, p.took; others && x.proven && !errors.Is(err, errTimeout) {
			x.tries++
		}
		if x.proven && x.tries >= holdTries && time.Since(x.first) >= holdTime {
			if !p.giveUp(ctx, x, err) {
				return false
			}
			continue
		}
		x.retryAt = time.Now().Add(holdRetry)
		if !x.proven {
			x.retryAt = time.Now().Add(p.wait * time.Duration(1+len(p.held.all)/8)) // so that many are not tried more often than a few
			p.wait = min(2*p.wait, maxArchiveRetry)
		}
	}
	return true
}

// giveUp sets a held fact aside, and with it the facts behind it that need it: what
// belongs to a session whose beginning cannot be stored, and what strangers' software
// did. It carries the others on.
func (p *projector) giveUp(ctx context.Context, x *held, reason error) bool {
	p.held.remove(x)
	needed := 1
	if _, begins := x.facts[0].(*store.SessionBegun); begins || x.subject == ofStrangers {
		needed = len(x.facts)
	}
	for _, fact := range x.facts[:needed] {
		if !p.setFactAside(ctx, fact, reason) {
			return false
		}
	}
	return p.store(ctx, x.facts[needed:])
}

// ofStrangers is the subject of all facts about what software did, and what was not
// counted.
const ofStrangers = "strangers"

// subjects returns what a fact is about: facts of one subject are stored in order.
func subjects(fact store.Fact) []string {
	switch f := fact.(type) {
	case *store.SessionBegun:
		return []string{"session " + f.SessionID}
	case *store.EventRecorded:
		return []string{"session " + f.SessionID}
	case *store.SessionSeen:
		return []string{"session " + f.SessionID}
	case *store.CredentialsChanged:
		return []string{"session " + f.SessionID}
	case *store.ValueSet:
		return []string{"session " + f.SessionID}
	case *store.SessionsFolded:
		return []string{"session " + f.Folded, "session " + f.Into}
	case *store.OrderPlaced:
		return []string{"order " + f.OrderID}
	case *store.OrderRefunded:
		return []string{"order " + f.OrderID}
	case *store.CustomerRevoked:
		return []string{"customer " + f.CustomerID}
	}
	return []string{ofStrangers}
}
