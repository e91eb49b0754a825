package shop

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/footfall-go/footfall/enrich"
)

// Failed logins are counted in two ways: per account and network, and per
// network. The first protects an account without letting a stranger lock its
// owner out; the second stops a machine that tries many accounts. An attempt
// counts before its password is checked, so that parallel attempts count too, and
// the count is taken back if the password is right.
const (
	throttleWindow     = 5 * time.Minute
	attemptsPerAccount = 10
	attemptsPerNetwork = 100
	throttleCapacity   = 100_000
)

type throttle struct {
	mu       sync.Mutex
	attempts map[throttleKey]*attempts
	swept    time.Time
}

type throttleKey struct {
	email   string // "": all accounts of the network
	network netip.Prefix
}

type attempts struct {
	n     int
	since time.Time
}

func newThrottle() *throttle { return &throttle{attempts: map[throttleKey]*attempts{}} }

// A loginAttempt may proceed if wait is zero.
type loginAttempt struct {
	wait time.Duration
	t    *throttle
	keys [2]throttleKey
}

// attempt counts an attempt from an address. If that tells no visitors apart, everybody
// seems to come from it: then there is no limit for all accounts together, with which a
// stranger could lock all customers out.
func (t *throttle) attempt(email string, from netip.Addr, whom enrich.Identity, at time.Time) loginAttempt {
	network := enrich.Subnet(from)
	a := loginAttempt{t: t, keys: [2]throttleKey{{email, network}, {"", network}}}
	limits := [2]int{attemptsPerAccount, attemptsPerNetwork}
	if !whom.TellsApart() {
		a.keys[0].network = netip.Prefix{}
		limits = [2]int{attemptsPerAccount, math.MaxInt}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep(at)
	for i, key := range a.keys {
		if x := t.attempts[key]; x != nil && at.Sub(x.since) < throttleWindow && x.n >= limits[i] {
			a.wait = max(a.wait, x.since.Add(throttleWindow).Sub(at))
		}
	}
	if a.wait > 0 {
		return a
	}
	for _, key := range a.keys {
		x := t.attempts[key]
		if x == nil || at.Sub(x.since) >= throttleWindow {
			x = &attempts{since: at}
			t.attempts[key] = x
		}
		x.n++
	}
	return a
}

// forgive takes back an attempt whose password was right. It also forgets the
// other attempts on that account from that network.
func (a *loginAttempt) forgive() {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	delete(a.t.attempts, a.keys[0])
	if x := a.t.attempts[a.keys[1]]; x != nil && x.n > 0 {
		x.n--
	}
}

// sweep drops counters whose window has passed. It runs once per window, or when
// there are too many counters; if there still are too many then, it drops all of
// them to bound the memory. The caller holds t.mu.
func (t *throttle) sweep(at time.Time) {
	if at.Sub(t.swept) < throttleWindow && len(t.attempts) < throttleCapacity {
		return
	}
	t.swept = at
	for key, x := range t.attempts {
		if at.Sub(x.since) >= throttleWindow {
			delete(t.attempts, key)
		}
	}
	if len(t.attempts) >= throttleCapacity {
		clear(t.attempts)
	}
}
