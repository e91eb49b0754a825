package loginguard

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	owner   = "owner@example.com"
	laptop  = "the owner's laptop"
	nowhere = "" // an address that tells visitors not apart
)

// try makes one attempt. from is an address or nowhere.
func try(t *testing.T, g *Guard, account, device, from string, right bool) error {
	t.Helper()
	login := Login{Account: account, Device: device}
	if from != nowhere {
		login.From = netip.MustParseAddr(from)
	}
	got, err := g.Check(t.Context(), login, func() (bool, error) { return right, nil })
	if err == nil && got != right {
		t.Fatalf("a password that is right: %v, was called right: %v", right, got)
	}
	return err
}

// guess makes wrong attempts and returns how many were checked.
func guess(t *testing.T, g *Guard, n int, account, device string, from func(i int) string) (checked int) {
	t.Helper()
	for i := range n {
		if try(t, g, account, device, from(i), false) == nil {
			checked++
		}
	}
	return checked
}

func always(from string) func(int) string { return func(int) string { return from } }

// paused is how long an attempt with the right password is refused.
func paused(t *testing.T, g *Guard, account, device, from string) time.Duration {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	login := Login{Account: account, Device: device}
	if from != nowhere {
		login.From = netip.MustParseAddr(from)
	}
	wait := time.Duration(0)
	for _, c := range g.places(login).counts {
		wait = max(wait, c.in.pausedUntil(c.key)-g.now())
	}
	return wait
}

func TestAccount_HasOneBudgetOverAllNetworks(t *testing.T) {
	for name, from := range map[string]func(int) string{
		"as many /24":         func(i int) string { return fmt.Sprintf("198.51.%d.7", i) },
		"as many /48":         func(i int) string { return fmt.Sprintf("2001:db8:%x::1", i) },
		"addresses of nobody": always(nowhere),
	} {
		g := New(Config{})
		if n := guess(t, g, 200, owner, "", from); n != ofAccount.free {
			t.Errorf("of 200 guesses of one account from %s %d were checked, want %d: its password can be guessed", name, n, ofAccount.free)
		}
		if paused(t, g, "another@example.com", "", nowhere) > 0 {
			t.Errorf("guesses of one account from %s pause another account", name)
		}
	}
}

func TestAccount_NetworksOfOneSiteAreOne(t *testing.T) {
	g := New(Config{})
	n := guess(t, g, 30, owner, "", func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i) })
	if n != ofPair.free {
		t.Errorf("of 30 guesses from as many /64 of one /48 %d were checked, want %d", n, ofPair.free)
	}
	if paused(t, g, owner, "", "2001:db8:2::1") > 0 {
		t.Error("guesses from one network lock the owner out on all others")
	}
}

func TestAccount_PausesGrowAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{})
		guess(t, g, ofAccount.free, owner, "", always(nowhere))
		last := time.Duration(0)
		for i := range 20 {
			wait := paused(t, g, owner, "", nowhere)
			if wait < last || wait <= 0 || wait > ofAccount.longest {
				t.Fatalf("pause %d is %v after %v: pauses grow up to %v", i+1, wait, last, ofAccount.longest)
			}
			time.Sleep(wait - time.Nanosecond)
			var pause *PausedError
			if err := try(t, g, owner, "", nowhere, true); !errors.As(err, &pause) || pause.Wait != time.Nanosecond {
				t.Fatalf("an attempt before the pause is over: %v, want one that waits 1ns more", err)
			}
			time.Sleep(time.Nanosecond)
			if err := try(t, g, owner, "", nowhere, false); err != nil {
				t.Fatalf("an attempt after the pause of %v: %v: attempts during a pause must not prolong it", wait, err)
			}
			last = min(wait, ofAccount.longest/2) // one failure is forgotten meanwhile
		}
		time.Sleep(time.Duration(ofAccount.free+10) * ofAccount.refill)
		if n := guess(t, g, 100, owner, "", always(nowhere)); n != ofAccount.free {
			t.Errorf("hours later %d guesses were checked, want the whole budget of %d", n, ofAccount.free)
		}
	})
}

func TestAccount_GuessesOfADayAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := New(Config{}), 0
		for i := range 24 * 60 * 6 {
			n += guess(t, g, 1, owner, "", func(int) string { return fmt.Sprintf("2001:db8:%x::1", i) })
			time.Sleep(10 * time.Second)
		}
		if n > 130 {
			t.Errorf("strangers on 8,640 networks had %d guesses of one account in a day", n)
		}
	})
}

func TestKnownDevice_IsNotLockedOutByStrangers(t *testing.T) {
	g := New(Config{})
	if err := try(t, g, owner, laptop, "192.0.2.7", true); err != nil {
		t.Fatal(err)
	}
	guess(t, g, 200, owner, "", func(i int) string { return fmt.Sprintf("198.51.%d.7", i) })
	for i := range 300 { // the network too is paused
		_ = try(t, g, fmt.Sprint(i), "", "192.0.2.8", false)
	}
	if paused(t, g, owner, "", "192.0.2.7") == 0 || paused(t, g, "x", "", "192.0.2.7") == 0 {
		t.Fatal("neither account nor network are paused for strangers")
	}
	if err := try(t, g, owner, laptop, "192.0.2.7", true); err != nil {
		t.Errorf("the owner's browser, which has logged in before: %v: strangers have spent its budget", err)
	}
	if paused(t, g, "another@example.com", laptop, "192.0.2.7") == 0 {
		t.Error("a browser that is known to one account is let through to another")
	}
}

func TestKnownDevice_HasABudgetOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{})
		g.Trust(owner, laptop)
		if n := guess(t, g, 100, owner, laptop, func(i int) string { return fmt.Sprintf("198.51.%d.7", i) }); n != ofDevice.free {
			t.Errorf("a known browser had %d guesses at once, want %d", n, ofDevice.free)
		}
		if paused(t, g, owner, "", "192.0.2.7") > 0 || paused(t, g, owner, "another", "192.0.2.7") > 0 {
			t.Error("what a known browser did is counted for others")
		}
		time.Sleep(ofDevice.first)
		if err := try(t, g, owner, laptop, "192.0.2.7", true); err != nil {
			t.Errorf("after the pause: %v", err)
		}
		if n := guess(t, g, 100, owner, laptop, always(nowhere)); n != ofDevice.free {
			t.Errorf("after a right password a known browser had %d attempts, want %d", n, ofDevice.free)
		}
	})
}

func TestKnownDevice_OnlyARightPasswordMakesOne(t *testing.T) {
	g := New(Config{})
	_ = try(t, g, owner, "a stranger's", "192.0.2.7", false)
	g.Trust(owner, "")
	_, _ = g.Check(t.Context(), Login{Account: owner, Device: "a stranger's"}, func() (bool, error) { return true, errors.New("no database") })
	if n := g.Stats().Accounts; n != 0 {
		t.Errorf("after a wrong password, a failed check and a login without a device %d accounts know a device", n)
	}
}

func TestNetworks_EachLengthHasABudget(t *testing.T) {
	for _, c := range []struct {
		name  string
		from  func(i int) string
		other string
		want  int
	}{
		{"/24", func(i int) string { return fmt.Sprintf("192.0.2.%d", i%256) }, "192.0.3.1", of24.free},
		{"mapped /24", func(i int) string { return fmt.Sprintf("::ffff:192.0.2.%d", i%256) }, "192.0.3.1", of24.free},
		{"/64", func(i int) string { return fmt.Sprintf("2001:db8:1:1::%x", i) }, "2001:db8:1:2::1", of64.free},
		{"/56", func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i%256) }, "2001:db8:1:100::1", of56.free},
		{"/48", func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i*256) }, "2001:db8:2::1", of48.free},
	} {
		g := New(Config{})
		checked := 0
		for i := range 250 {
			if try(t, g, fmt.Sprint("account ", i), "", c.from(i), false) == nil {
				checked++
			}
		}
		if checked != c.want {
			t.Errorf("a %s had %d guesses of as many accounts, want %d", c.name, checked, c.want)
		}
		if paused(t, g, "x", "", c.other) > 0 {
			t.Errorf("guesses from a %s pause its neighbour", c.name)
		}
	}
}

func TestNetworks_AnAddressOfEverybodyPausesNobodyElse(t *testing.T) {
	g := New(Config{})
	for i := range 1000 {
		if err := try(t, g, fmt.Sprint("account ", i), "", nowhere, false); err != nil {
			t.Fatalf("guess %d, on another account each: %v: a stranger would lock all customers out", i+1, err)
		}
	}
}

func TestAttempt_AbortedCountsForNothing(t *testing.T) {
	g := New(Config{})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	login := Login{Account: owner, From: netip.MustParseAddr("192.0.2.7")}
	for range 100 {
		if right, err := g.Check(gone, login, func() (bool, error) { t.Error("a password was checked for nobody"); return true, nil }); right || !errors.Is(err, context.Canceled) {
			t.Fatalf("a login whose client is gone: %v %v", right, err)
		}
		down := errors.New("no database")
		if right, err := g.Check(t.Context(), login, func() (bool, error) { return true, down }); right || !errors.Is(err, down) {
			t.Fatalf("a login whose check fails: %v %v", right, err)
		}
	}
	if n := guess(t, g, 100, owner, "", always("192.0.2.7")); n != ofPair.free {
		t.Errorf("after logins that were not checked %d attempts are left, want %d", n, ofPair.free)
	}
	if s := g.Stats(); s.Abandoned != 200 || s.Wrong != uint64(ofPair.free) || s.Paused != uint64(100-ofPair.free) {
		t.Errorf("counters: %+v", s)
	}
}

func TestAttempt_TheOwnersSuccessForgivesNobodyElse(t *testing.T) {
	g := New(Config{})
	checked := 0
	for i := range 100 { // the owner logs in with new browsers, from the guesser's own network too
		checked += guess(t, g, 1, owner, "", always("192.0.2.7"))
		_ = try(t, g, owner, fmt.Sprint("browser ", i), "192.0.2.8", true)
		_ = try(t, g, owner, laptop, "192.0.2.8", true)
	}
	if checked != ofPair.free {
		t.Errorf("a guesser had %d guesses while the owner logged in again and again, want %d", checked, ofPair.free)
	}
}

func TestAttempt_CountsBeforeItsCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Checks: 1000})
		begun, release := 0, make(chan struct{})
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				_, _ = g.Check(t.Context(), Login{Account: owner}, func() (bool, error) {
					mu.Lock()
					begun++
					mu.Unlock()
					<-release
					return false, nil
				})
			})
		}
		synctest.Wait()
		if begun != ofAccount.free {
			t.Errorf("of 500 parallel guesses %d were checked, want %d", begun, ofAccount.free)
		}
		close(release)
		wg.Wait()
	})
}
