package shop

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/footfall-go/footfall/enrich"
)

var (
	home    = netip.MustParseAddr("192.0.2.7")
	nextTo  = netip.MustParseAddr("192.0.2.8") // the same /24
	abroad  = netip.MustParseAddr("198.51.100.7")
	noon    = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	someone = "customer@example.com"
)

// guess makes n attempts and returns how long the last has to wait.
func guess(t *throttle, n int, email string, from netip.Addr, at time.Time) (wait time.Duration) {
	for range n {
		a := t.attempt(email, from, enrich.OneVisitor, at)
		wait = a.wait
	}
	return wait
}

func TestThrottle_TenGuessesOfOneAccountFromOneNetwork(t *testing.T) {
	th := newThrottle()
	if wait := guess(th, attemptsPerAccount, someone, home, noon); wait != 0 {
		t.Fatalf("the tenth guess waits %v", wait)
	}
	if wait := guess(th, 1, someone, nextTo, noon.Add(time.Minute)); wait != throttleWindow-time.Minute {
		t.Errorf("the eleventh guess waits %v, want the rest of the window", wait)
	}
	if wait := guess(th, 1, someone, abroad, noon); wait != 0 {
		t.Errorf("a stranger's guesses lock the owner out for %v", wait)
	}
	if wait := guess(th, 1, "second@example.com", home, noon); wait != 0 {
		t.Errorf("another account waits %v", wait)
	}
	if wait := guess(th, 1, someone, home, noon.Add(throttleWindow)); wait != 0 {
		t.Errorf("after the window a guess waits %v", wait)
	}
}

func TestThrottle_AttemptsPastTheLimitDoNotProlongIt(t *testing.T) {
	th := newThrottle()
	guess(th, 1000, someone, home, noon)
	if wait := guess(th, 1, someone, home, noon.Add(throttleWindow-time.Second)); wait != time.Second {
		t.Errorf("a guess waits %v, want 1s", wait)
	}
}

func TestThrottle_ManyAccountsFromOneNetwork(t *testing.T) {
	th := newThrottle()
	for i := range attemptsPerNetwork {
		if wait := guess(th, 1, strconv.Itoa(i), home, noon); wait != 0 {
			t.Fatalf("guess %d waits %v", i+1, wait)
		}
	}
	if wait := guess(th, 1, "one more", nextTo, noon); wait == 0 {
		t.Error("a hundred guesses of a hundred accounts, and no end")
	}
	if wait := guess(th, 1, "one more", abroad, noon); wait != 0 {
		t.Errorf("another network waits %v", wait)
	}
}

func TestThrottle_RightPasswordForgives(t *testing.T) {
	th := newThrottle()
	guess(th, attemptsPerAccount-1, someone, home, noon)
	a := th.attempt(someone, home, enrich.OneVisitor, noon)
	if a.wait != 0 {
		t.Fatal("the tenth attempt waits")
	}
	a.forgive()
	if wait := guess(th, attemptsPerAccount, someone, home, noon); wait != 0 {
		t.Errorf("after a right password a guess waits %v", wait)
	}
	// Whoever owns one account does not get unlimited guesses of others for it.
	th = newThrottle()
	for i := range attemptsPerNetwork {
		guess(th, 1, "victim"+strconv.Itoa(i), home, noon)
	}
	if a := th.attempt(someone, home, enrich.OneVisitor, noon); a.wait == 0 {
		t.Error("the network's limit does not hold")
	}
}

func TestThrottle_IsBounded(t *testing.T) {
	th := newThrottle()
	for i := range 2 * throttleCapacity {
		th.attempt(strconv.Itoa(i), netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1}), enrich.OneVisitor, noon)
		if len(th.attempts) > throttleCapacity+2 {
			t.Fatalf("%d entries after %d attempts", len(th.attempts), i+1)
		}
	}
	th.attempt("later", home, enrich.OneVisitor, noon.Add(throttleWindow))
	if n := len(th.attempts); n > 4 {
		t.Errorf("%d entries are left after the window", n)
	}
}

// Behind a Unix socket or a proxy that nobody trusts, everybody has one address.
func TestThrottle_AnAddressOfManyLocksNobodyElseOut(t *testing.T) {
	for _, whom := range []enrich.Identity{enrich.Nobody, enrich.ForgottenProxy} {
		th := newThrottle()
		for i := range 1000 {
			if a := th.attempt(strconv.Itoa(i)+"@example.com", netip.Addr{}, whom, noon); a.wait > 0 {
				t.Fatalf("attempt %d, on another account each, is throttled: a stranger would lock all customers out", i+1)
			}
		}
		for range attemptsPerAccount {
			th.attempt("a@example.com", netip.Addr{}, whom, noon)
		}
		if a := th.attempt("a@example.com", netip.Addr{}, whom, noon); a.wait == 0 {
			t.Errorf("more than %d attempts on one account are let through: its password can be guessed", attemptsPerAccount)
		}
	}
}
