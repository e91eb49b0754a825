package loginguard

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBounds_AFloodGivesNoBudgetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Entries: 500})
		guess(t, g, 100, owner, "", always(nowhere))
		for i := range 20_000 {
			_ = try(t, g, fmt.Sprint("account ", i), "", fmt.Sprintf("2001:db8:%x:%x::1", i/100, i%100), false)
		}
		if paused(t, g, owner, "", nowhere) == 0 {
			t.Error("a flood of other accounts gave the budget of a guessed account back")
		}
		s := g.Stats()
		if s.Budgets > 3*500 {
			t.Errorf("%d entries, want at most 500 in each of three tables", s.Budgets)
		}
		if s.DroppedBudgets == 0 {
			t.Error("dropped budgets are not counted")
		}
	})
}

func TestBounds_WhatSaysNothingAnyMoreGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{})
		for i := range 1000 {
			_ = try(t, g, fmt.Sprint("account ", i), "", nowhere, false)
		}
		time.Sleep(2 * ofAccount.refill)
		for i := range 2000 {
			_ = try(t, g, fmt.Sprint("later ", i), "", nowhere, true)
		}
		if n := g.Stats().Budgets; n > 100 {
			t.Errorf("%d entries are left, long after all failures are forgotten", n)
		}
		if n := g.Stats().DroppedBudgets; n > 0 {
			t.Errorf("%d forgotten budgets are called dropped", n)
		}
	})
}

func TestBounds_LoginsToOneAccountForgetNoOtherAccountsDevices(t *testing.T) {
	g := New(Config{Entries: 100})
	g.Trust(owner, laptop)
	for i := range 10_000 {
		g.Trust("mallory@example.com", fmt.Sprint("device ", i))
	}
	if !g.attempt(t.Context(), Login{Account: owner, Device: laptop}).known {
		t.Error("who logs in to an account of their own again and again makes another account forget its owner's device")
	}
	if g.attempt(t.Context(), Login{Account: "mallory@example.com", Device: "device 9989"}).known || !g.attempt(t.Context(), Login{Account: "mallory@example.com", Device: "device 9990"}).known {
		t.Errorf("an account knows its latest %d devices", devicesPerAccount)
	}
	if s := g.Stats(); s.DroppedDevices != 10_000-devicesPerAccount || s.Accounts != 2 {
		t.Errorf("counters: %+v", s)
	}
}

func TestBounds_OfAccountsTheLatestLoginsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Entries: 100})
		for i := range 1000 {
			time.Sleep(time.Second)
			g.Trust(fmt.Sprint("account ", i), laptop)
			g.Trust(owner, laptop)
		}
		if s := g.Stats(); s.Accounts != 100 || s.DroppedDevices != 1001-100 {
			t.Errorf("%d accounts, %d dropped, want 100 and 901", s.Accounts, s.DroppedDevices)
		}
		if !g.attempt(t.Context(), Login{Account: owner, Device: laptop}).known {
			t.Error("the account of the latest login is forgotten")
		}
	})
}

// held starts a check that lasts until release is closed.
func held(t *testing.T, g *Guard, login Login, release chan struct{}) (result chan error) {
	result = make(chan error, 1)
	go func() {
		_, err := g.Check(t.Context(), login, func() (bool, error) { <-release; return true, nil })
		result <- err
	}()
	synctest.Wait()
	return result
}

func TestChecks_AreBoundedAndWaitBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Checks: 2, Queue: 3, Wait: time.Second})
		release := make(chan struct{})
		var running, waiting []chan error
		for i := range 5 {
			r := held(t, g, Login{Account: fmt.Sprint(i)}, release)
			if i < 2 {
				running = append(running, r)
			} else {
				waiting = append(waiting, r)
			}
		}
		began := time.Now()
		if err := try(t, g, "one more", "", nowhere, true); !errors.Is(err, ErrBusy) || time.Since(began) > 0 {
			t.Errorf("a check that finds the queue full: %v after %v, want ErrBusy at once", err, time.Since(began))
		}
		for _, r := range waiting {
			if err := <-r; !errors.Is(err, ErrBusy) || time.Since(began) != time.Second {
				t.Errorf("a check that waited: %v after %v, want ErrBusy after 1s", err, time.Since(began))
			}
		}
		close(release)
		for _, r := range running {
			if err := <-r; err != nil {
				t.Error(err)
			}
		}
		if s := g.Stats(); s.Busy != 4 {
			t.Errorf("%d busy, want 4", s.Busy)
		}
		if n := guess(t, g, 100, "one more", "", always(nowhere)); n != ofAccount.free {
			t.Errorf("after ErrBusy %d attempts are left, want %d: it counts for nothing", n, ofAccount.free)
		}
	})
}

func TestChecks_AFloodOfStrangersDoesNotKeepKnownDevicesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Checks: 1, Queue: 32, Wait: 2 * time.Second})
		g.Trust(owner, laptop)
		check := func() (bool, error) { time.Sleep(100 * time.Millisecond); return false, nil }
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() { _, _ = g.Check(t.Context(), Login{Account: fmt.Sprint(i)}, check) })
		}
		synctest.Wait()
		began := time.Now()
		right, err := g.Check(t.Context(), Login{Account: owner, Device: laptop}, func() (bool, error) { return true, nil })
		if !right || err != nil || time.Since(began) > 200*time.Millisecond {
			t.Errorf("the owner's login during a flood: %v %v after %v", right, err, time.Since(began))
		}
		wg.Wait()
	})
}

// A right password counts for nothing, so whoever has one account could come again and again,
// from browsers that it knows.
func TestChecks_OneAccountDoesNotKeepOthersOut(t *testing.T) {
	for _, known := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g := New(Config{Checks: 1, Queue: 32, Wait: 15 * time.Second})
			device, from := func(int) string { return "" }, func(int) string { return "198.51.100.1" }
			account := func(i int) string { return fmt.Sprint("mallory", i%5, "@example.com") }
			if known {
				account, device = always("mallory@example.com"), func(i int) string { return fmt.Sprint("device ", i%devicesPerAccount) }
				for i := range devicesPerAccount {
					g.Trust(account(i), device(i))
				}
				g.Trust(owner, laptop)
			}
			var ended atomic.Bool
			var wg sync.WaitGroup
			for i := range 100 {
				login := Login{Account: account(i), Device: device(i), From: netip.MustParseAddr(from(i))}
				wg.Go(func() {
					for !ended.Load() {
						_, _ = g.Check(t.Context(), login, func() (bool, error) { time.Sleep(50 * time.Millisecond); return true, nil })
						time.Sleep(time.Millisecond)
					}
				})
			}
			time.Sleep(2 * time.Second)
			for range 10 {
				login := Login{Account: owner, From: netip.MustParseAddr("192.0.2.7")}
				if known {
					login.Device = laptop
				}
				began := time.Now()
				if right, err := g.Check(t.Context(), login, func() (bool, error) { return true, nil }); !right || err != nil || time.Since(began) > 4*time.Second {
					t.Errorf("known browsers %v: beside others who log in again and again the owner's login is %v, %v after %v: want one turn of the line at most", known, right, err, time.Since(began))
				}
				time.Sleep(time.Second)
			}
			ended.Store(true)
			wg.Wait()
			if q := g.checks; q.free != 1 || len(q.lines[0])+len(q.lines[1]) > 0 {
				t.Errorf("afterwards %d checks are free and %v wait", q.free, q.lines)
			}
		})
	}
}

func TestChecks_WhoLeavesTheQueueHoldsNoPlace(t *testing.T) {
	g := New(Config{Checks: 2, Queue: 50, Wait: 20 * time.Millisecond})
	var wg sync.WaitGroup
	for i := range 2000 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%10)*time.Millisecond)
			defer cancel()
			_, _ = g.Check(ctx, Login{Account: fmt.Sprint(i), Device: "d"}, func() (bool, error) { time.Sleep(100 * time.Microsecond); return i%2 == 0, nil })
		})
	}
	wg.Wait()
	q := g.checks
	if q.free != 2 || len(q.lines[0])+len(q.lines[1]) > 0 {
		t.Errorf("afterwards %d of 2 checks are free and %v wait", q.free, q.lines)
	}
}

func TestChecks_APanicGivesItsPlaceBack(t *testing.T) {
	g := New(Config{Checks: 1})
	func() {
		defer func() { _ = recover() }()
		_, _ = g.Check(t.Context(), Login{Account: owner}, func() (bool, error) { panic("a driver's") })
	}()
	if err := try(t, g, owner, "", nowhere, true); err != nil {
		t.Errorf("a check after one that panicked: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(owner, laptop, []byte{192, 0, 2, 7}, true)
	f.Add("", "", []byte(nil), false)
	f.Add("a", "\x00", netip.MustParseAddr("2001:db8::1").AsSlice(), false)
	f.Fuzz(func(t *testing.T, account, device string, from []byte, right bool) {
		g := New(Config{Entries: 3})
		addr, _ := netip.AddrFromSlice(from)
		login := Login{Account: account, Device: device, From: addr}
		got, err := g.Check(t.Context(), login, func() (bool, error) { return right, nil })
		if err != nil || got != right {
			t.Fatalf("the first attempt ever: %v %v, want %v", got, err, right)
		}
		if a := g.attempt(t.Context(), login); a.known != (right && device != "") {
			t.Fatalf("known: %v; the password was right: %v", a.known, right)
		}
		if device != "" && g.attempt(t.Context(), Login{Account: account + device, Device: ""}).known || g.attempt(t.Context(), Login{Account: device, Device: account}).known && account != device {
			t.Fatal("another account or device is known")
		}
		for _, n := range networks(addr) {
			if !n.prefix.Contains(addr.Unmap().WithZone("")) {
				t.Fatalf("%v is not in %v", addr, n.prefix)
			}
		}
	})
}
