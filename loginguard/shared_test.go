package loginguard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/redisstore"
	"github.com/footfall-go/footfall/store"
)

// documents are those of a hot store.
type documents struct{ hot store.HotStore }

func (d documents) Read(ctx context.Context, id string) (doc []byte, version int64, err error) {
	doc, version, _, err = d.hot.Read(ctx, id)
	return doc, version, err
}

func (d documents) Put(ctx context.Context, id string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	return d.hot.Put(ctx, id, "login", doc, previous, version, ttl)
}

var secret = []byte("a secret of all instances")

// onBoth runs a test with a store in memory and with Redis.
func onBoth(t *testing.T, test func(t *testing.T, s Store)) {
	t.Run("memstore", func(t *testing.T) { test(t, documents{memstore.New(0)}) })
	t.Run("Redis", func(t *testing.T) { test(t, documents{openRedis(t, testserver.Redis(t).URL())}) })
}

func openRedis(t *testing.T, url string) store.HotStore {
	t.Helper()
	hot, err := redisstore.Open(url, redisstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hot.Close() })
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, _, _, err = hot.Read(t.Context(), "x"); err == nil {
			return hot
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// instances are guards with one store, which they wait for as long as the machine needs.
func instances(s Store) [2]*Guard {
	c := Config{Checks: 1000, Shared: s, SharedWait: time.Minute, SharedSecret: secret}
	return [2]*Guard{New(c), New(c)}
}

func networkOf(i int) string { return fmt.Sprintf("2001:db8:%x::1", i) }

// failing fails if a guard did without the store.
func failing(t *testing.T, guards ...*Guard) {
	t.Helper()
	for i, g := range guards {
		if n := g.Stats().Unshared; n > 0 {
			t.Errorf("guard %d did without the store %d times", i, n)
		}
	}
}

func TestShared_OneBudgetOverAllInstances(t *testing.T) {
	for name, c := range map[string]struct {
		account func(i int) string
		device  string
		from    func(i int) string
		want    int
	}{
		"of an account":             {func(int) string { return owner }, "", networkOf, ofAccount.free},
		"of an account and network": {func(int) string { return owner }, "", always("192.0.2.7"), ofPair.free},
		"of a known device":         {func(int) string { return owner }, laptop, networkOf, ofDevice.free},
		"of a /24":                  {func(i int) string { return fmt.Sprint("account ", i) }, "", always("192.0.2.7"), of24.free},
		"of a /64":                  {func(i int) string { return fmt.Sprint("account ", i) }, "", always("2001:db8::1"), of64.free},
	} {
		onBoth(t, func(t *testing.T, s Store) {
			guards := instances(s)
			if c.device != "" {
				guards[0].Trust(owner, c.device)
			}
			checked := 0
			for i := range 3 * c.want {
				if try(t, guards[i%2], c.account(i), c.device, c.from(i), false) == nil {
					checked++
				}
			}
			if checked > c.want+c.want/10 || checked < c.want { // a network's budget fills in seconds
				t.Errorf("the budget %s: two instances checked %d guesses, one would have %d", name, checked, c.want)
			}
			failing(t, guards[:]...)
		})
	}
}

func TestShared_ADeviceIsKnownOnAllInstances(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		guards := instances(s)
		if err := try(t, guards[0], owner, laptop, "192.0.2.7", true); err != nil {
			t.Fatal(err)
		}
		guess(t, guards[1], 30, owner, "", networkOf)
		if err := try(t, guards[1], owner, "a stranger's", "192.0.2.7", true); err == nil {
			t.Fatal("the account is not paused for strangers")
		}
		if err := try(t, guards[1], owner, laptop, "192.0.2.7", true); err != nil {
			t.Errorf("a browser that has logged in on one instance is a stranger on the other: %v", err)
		}
		for i := range devicesPerAccount {
			guards[0].Trust(owner, fmt.Sprint("device ", i))
		}
		if third := instances(s)[0]; third.attempt(t.Context(), Login{Account: owner, Device: laptop}).known {
			t.Errorf("the store keeps more than the latest %d devices of an account", devicesPerAccount)
		}
		failing(t, guards[:]...)
	})
}

func TestShared_ParallelAttemptsLoseNoFailure(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		guards := instances(s)
		var wg sync.WaitGroup
		var mu sync.Mutex
		checked := 0
		release := make(chan struct{})
		for i := range 100 {
			wg.Go(func() {
				<-release
				_, _ = guards[i%2].Check(t.Context(), Login{Account: owner}, func() (bool, error) {
					mu.Lock()
					defer mu.Unlock()
					checked++
					return false, nil
				})
			})
		}
		close(release)
		wg.Wait()
		if checked != ofAccount.free {
			t.Errorf("of 100 parallel guesses on two instances %d were checked, want %d", checked, ofAccount.free)
		}
		failing(t, guards[:]...)
	})
}

func TestShared_WhatIsTakenBackIsTakenBackForAll(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		guards := instances(s)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for i := range 100 { // right passwords of a browser without a cookie; clients that go away; checks that fail
			if err := try(t, guards[i%2], owner, "", nowhere, true); err != nil {
				t.Fatalf("login %d: %v: a right password counts for nothing", i+1, err)
			}
			_, _ = guards[i%2].Check(gone, Login{Account: owner}, func() (bool, error) { return false, nil })
			_, _ = guards[i%2].Check(t.Context(), Login{Account: owner}, func() (bool, error) { return false, errors.New("no database") })
		}
		if doc, _, err := s.Read(t.Context(), guards[0].shared.id("account", digest(owner))); doc != nil || err != nil {
			t.Errorf("after attempts that were all taken back the store has %s, %v: a whole budget needs no document", doc, err)
		}
		guards[0].Trust(owner, laptop)
		for i := range 5 { // a right password on one gives the device its budget back on both
			if n := guess(t, guards[i%2], ofDevice.free-1, owner, laptop, always(nowhere)); n != ofDevice.free-1 {
				t.Errorf("round %d: a known browser had %d attempts after a right password, want %d", i, n, ofDevice.free-1)
			}
			if err := try(t, guards[i%2], owner, laptop, nowhere, true); err != nil {
				t.Fatal(err)
			}
		}
		failing(t, guards[:]...)
	})
}

func TestShared_AStoreThatFailsRefusesNobodyAndGivesNoGuess(t *testing.T) {
	server := testserver.Redis(t)
	s := documents{openRedis(t, server.URL())}
	for i, breakIt := range []func(){server.Freeze, server.Stop} {
		name := []string{"frozen", "stopped"}[i]
		g := New(Config{Shared: s, SharedWait: 10 * time.Millisecond, SharedSecret: secret})
		other := name + owner
		if n := guess(t, g, 5, other, "", networkOf); n != 5 {
			t.Fatalf("%d guesses were checked before the store failed", n)
		}
		breakIt()
		if n := guess(t, g, 30, other, "", func(i int) string { return networkOf(5 + i) }); n != ofAccount.free-5 {
			t.Errorf("%s: %d more guesses were checked, want %d: the budget of this process holds, with what it counted before", name, n, ofAccount.free-5)
		}
		if err := try(t, g, "another@example.com", laptop, nowhere, true); err != nil {
			t.Errorf("%s: a right password: %v: the store's failure refuses nobody", name, err)
		}
		if err := try(t, g, "another@example.com", laptop, nowhere, true); err != nil || !g.look(Login{Account: "another@example.com", Device: laptop}).known {
			t.Errorf("%s: %v: a browser that logged in is not known", name, err)
		}
		if n := g.Stats().Unshared; n == 0 {
			t.Errorf("%s: what counted in this process only is not counted in Stats.Unshared", name)
		}
		if name == "frozen" {
			server.Thaw()
			if _, _, err := s.Read(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestShared_ADocumentLocksNobodyOutForLongerThanAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UnixMilli()
		year, longest := int64(365*24*time.Hour/time.Millisecond), ofAccount.longest.Milliseconds()
		for i, doc := range []string{
			fmt.Sprintf(`{"failures":2147483647,"at":%d,"until":%d}`, now, now+longest),
			fmt.Sprintf(`{"failures":2147483647,"at":%d,"until":%d}`, now+year, now+year),
			fmt.Sprintf(`{"failures":2147483647,"at":%d,"until":%d}`, int64(math.MaxInt64), int64(math.MaxInt64)),
			fmt.Sprintf(`{"failures":-2147483648,"at":%d,"until":%d}`, int64(math.MinInt64), int64(math.MinInt64)),
			fmt.Sprintf(`{"failures":99999999999999999999,"at":0,"until":%d}`, now+longest),
			`{"failures":"all","at":[],"until":{}}`, `{"failures":1e99}`, `{}`, `{"failures":null}`, `null`, `[]`, `{"until`, "",
			strings.Repeat("[", maxDocument), `{"until":1,"x":"` + strings.Repeat("x", 1<<20) + `"}`,
		} {
			hot := memstore.New(0)
			g := instances(documents{hot})[0]
			if ok, err := hot.Put(t.Context(), g.shared.id("account", digest(owner)), "x", []byte(doc), 0, 1, 1000*time.Hour); !ok || err != nil {
				t.Fatal(ok, err)
			}
			waited := time.Duration(0)
			for {
				var pause *PausedError
				err := try(t, g, owner, "", nowhere, true)
				if errors.As(err, &pause) {
					waited += pause.Wait
					time.Sleep(pause.Wait)
				}
				if err == nil || waited > ofAccount.longest {
					break
				}
			}
			if waited > ofAccount.longest {
				t.Errorf("document %d, %.80s: the right password was refused for %v, the longest pause is %v", i, doc, waited, ofAccount.longest)
			}
			if n := guess(t, g, 100, owner, "", always(nowhere)); n > ofAccount.free {
				t.Errorf("document %d, %.80s: %d guesses, want at most %d", i, doc, n, ofAccount.free)
			}
			failing(t, g)
			for range 3 * beyond { // what it says is forgotten like any failures
				time.Sleep(ofAccount.refill)
			}
			if n := guess(t, g, 100, owner, "", always(nowhere)); n != ofAccount.free {
				t.Errorf("document %d, %.80s: hours later %d guesses were checked, want the whole budget of %d", i, doc, n, ofAccount.free)
			}
		}
	})
}

func TestShared_ADocumentOfAnotherProgramIsLeftAlone(t *testing.T) {
	server := testserver.Redis(t)
	s := documents{openRedis(t, server.URL())}
	g := instances(s)[0]
	server.Do(t, "SET", "session:"+g.shared.id("account", digest(owner)), `{"until":99999999999999}`)
	server.Do(t, "SET", "footfall:session:"+g.shared.id("account", digest(owner)), `{"until":99999999999999}`)
	if n := guess(t, g, 30, owner, "", networkOf); n != ofAccount.free {
		t.Errorf("%d guesses were checked, want %d: the budget of this process holds", n, ofAccount.free)
	}
	if g.Stats().Unshared == 0 {
		t.Error("that the account's failures are not shared is not counted")
	}
}

func TestShared_DocumentsNameNobodyAndEnd(t *testing.T) {
	server := testserver.Redis(t)
	guards := instances(documents{openRedis(t, server.URL())})
	guards[0].Trust(owner, laptop)
	for i := range 30 {
		_ = try(t, guards[i%2], owner, "", networkOf(i), false)
		_ = try(t, guards[i%2], owner, laptop, networkOf(i), false)
	}
	keys := server.Do(t, "KEYS", "*")
	if len(keys) < 10 {
		t.Fatalf("the store has only %q", keys)
	}
	plain := New(Config{Shared: guards[0].shared.store})
	for _, key := range keys {
		text := key + server.Get(t, key)
		for _, name := range []string{owner, "owner", laptop, "2001:db8", plain.shared.digest("account", digest(owner)), fmt.Sprintf("%x", digest(owner))} {
			if strings.Contains(text, name) {
				t.Errorf("%s names %q", text, name)
			}
		}
		if !strings.Contains(key, "session:login-") {
			t.Errorf("%s could be the key of a session", key)
		}
		ttl := time.Duration(0)
		_, _ = fmt.Sscan(server.Do(t, "PTTL", key)[0], &ttl)
		if ttl *= time.Millisecond; ttl <= 0 || ttl > devicesKept {
			t.Errorf("%s lives %v longer", key, ttl)
		}
	}
}

// counted is a store that counts its calls.
type counted struct {
	Store
	calls *atomic.Int64
}

func (c counted) Read(ctx context.Context, id string) ([]byte, int64, error) {
	c.calls.Add(1)
	return c.Store.Read(ctx, id)
}

func (c counted) Put(ctx context.Context, id string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	c.calls.Add(1)
	return c.Store.Put(ctx, id, doc, previous, version, ttl)
}

// A flood finds all places taken. What nobody checks costs the store nothing, which
// sessions share, and leaves no document in it.
func TestShared_WhatFindsNoPlaceCostsTheStoreNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		g := New(Config{Checks: 1, Queue: 2, Wait: time.Minute, Shared: counted{documents{memstore.New(0)}, &calls}})
		release := make(chan struct{})
		for i := range 3 {
			_ = held(t, g, Login{Account: fmt.Sprint(i), From: netip.MustParseAddr(networkOf(i))}, release)
		}
		calls.Store(0)
		for i := range 1000 {
			if err := try(t, g, fmt.Sprint("account ", i), "", networkOf(i), false); !errors.Is(err, ErrBusy) {
				t.Fatalf("a login that finds no place: %v", err)
			}
		}
		if n := calls.Load(); n > 0 {
			t.Errorf("1000 logins that found no place took the store %d calls", n)
		}
		if s := g.Stats(); s.Busy != 1000 {
			t.Errorf("%d are counted as busy, want 1000", s.Busy)
		}
		close(release)
		synctest.Wait()
	})
}

// A store that calls the guard finds no lock of it held.
type callingBack struct {
	Store
	guard **Guard
}

func (c callingBack) Read(ctx context.Context, id string) ([]byte, int64, error) {
	(*c.guard).Stats()
	return c.Store.Read(ctx, id)
}

func (c callingBack) Put(ctx context.Context, id string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	(*c.guard).Stats()
	return c.Store.Put(ctx, id, doc, previous, version, ttl)
}

func TestShared_NoLockIsHeldDuringACallOfTheStore(t *testing.T) {
	var g *Guard
	g = New(Config{Shared: callingBack{documents{memstore.New(0)}, &g}})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 30 {
			_, _ = g.Check(t.Context(), Login{Account: owner, Device: laptop}, func() (bool, error) { return i%2 == 0, nil })
			_, _ = g.Check(t.Context(), Login{Account: owner}, func() (bool, error) { return false, nil })
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("a call of the store waits for the guard's lock")
	}
}
