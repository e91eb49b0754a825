package loginguard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

// ErrBusy means that a password was not checked because too many others are being
// checked: answer 503 with Retry-After. The attempt counts for nothing.
var ErrBusy = errors.New("loginguard: too many password checks at once: try again in a moment, or raise Config.Checks")

// A PausedError means that a password was not checked because of failed attempts before:
// answer 429 with Retry-After.
type PausedError struct {
	Wait time.Duration // how long an attempt will be refused
}

func (e *PausedError) Error() string {
	return fmt.Sprintf("loginguard: too many failed attempts: try again in %v", e.Wait)
}

// Config holds the settings of a Guard. The zero value has defaults for all of them.
type Config struct {
	Checks  int           // password checks at once. Default: half of the processors, at least 1
	Queue   int           // checks that wait, of known devices and of strangers each. Default: 32
	Wait    time.Duration // how long a check may wait. Default: 2 s
	Entries int           // bound of each table, see the package's comment. Default: 65,536

	// Shared is where the guards of several instances share budgets and known devices.
	// Default: none, and each process has budgets of its own.
	Shared Store
	// SharedWait is how long the store is waited for: before a password is checked, and
	// again after it. When that has passed, or the store fails, the budgets of this process
	// alone hold. Default: 50 ms
	SharedWait time.Duration
	// SharedSecret keys the names of the documents, so that who reads the store cannot
	// find out which accounts they belong to. It is the same for all instances. Default:
	// none, and the names of accounts can be guessed
	SharedSecret []byte
}

// A Login is who tries to log in.
type Login struct {
	// Account is the account's name in the form in which the shop looks it up (for an
	// address that is compared without case, in lower case), whether or not there is such
	// an account.
	Account string
	// Device is the id in a signed cookie of the browser: what [footfall.Visitor] returns.
	// Empty if there is none. A value that the client can choose must not stand here.
	//
	// [footfall.Visitor]: https://pkg.go.dev/github.com/footfall-go/footfall#Visitor
	Device string
	// From is the client's address. It is the zero Addr if the address does not tell
	// visitors apart (on a Unix socket, behind a proxy that is not trusted): then only the
	// account's budgets count, since those of the network would be everybody's.
	From netip.Addr
}

// Stats are a guard's counters since it was made, and how many entries it has.
type Stats struct {
	Paused         uint64 // attempts that were refused because of a pause
	Busy           uint64 // attempts that were refused because of too many checks
	Abandoned      uint64 // attempts whose client went away, or whose check failed, before the password was checked
	Wrong          uint64 // wrong passwords
	DroppedBudgets uint64 // budgets that were forgotten early because a table was full
	DroppedDevices uint64 // known devices that were forgotten, because their account had too many or there were too many accounts
	Unshared       uint64 // times that the store failed or was slow, so that something counted in this process only
	Budgets        int    // entries of all tables of failed attempts
	Accounts       int    // accounts that have a known device
}

// A Guard counts failed logins and limits password checks. All methods are safe for
// concurrent use.
type Guard struct {
	start  time.Time
	checks *queue
	shared *shared // nil without a store; no call of it holds mu

	mu       sync.Mutex
	accounts *table // by account, over all networks
	pairs    *table // by account and network
	networks *table // by network, over all accounts
	own      *table // by account and a device that it knows
	devices  *devices
	stats    Stats
}

// New makes a guard.
func New(c Config) *Guard {
	if c.Checks <= 0 {
		c.Checks = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if c.Queue <= 0 {
		c.Queue = 32
	}
	if c.Wait <= 0 {
		c.Wait = 2 * time.Second
	}
	if c.Entries <= 0 {
		c.Entries = 1 << 16
	}
	if c.SharedWait <= 0 {
		c.SharedWait = 50 * time.Millisecond
	}
	g := &Guard{
		start:    time.Now(),
		checks:   newQueue(c.Checks, c.Queue, c.Wait),
		accounts: newTable("account", c.Entries),
		pairs:    newTable("pair", c.Entries),
		networks: newTable("network", c.Entries),
		own:      newTable("device", c.Entries),
		devices:  newDevices(c.Entries),
	}
	if c.Shared != nil {
		g.shared = &shared{store: c.Shared, secret: bytes.Clone(c.SharedSecret), wait: c.SharedWait}
	}
	return g
}

// Check asks check whether the password of a login is right, unless the login is paused
// (a [*PausedError]), too many checks are running ([ErrBusy]) or ctx, the request's, is
// done. A right password makes the device known to the account. An error of check, or one
// of those, means that the password was not checked: then right is false, and the attempt
// counts for nothing. Once check has begun to compare the password, it must not give up,
// even if the client goes away; otherwise guesses would be free.
func (g *Guard) Check(ctx context.Context, login Login, check func() (right bool, err error)) (right bool, err error) {
	a := g.attempt(ctx, login)
	if a.busy {
		g.mu.Lock()
		g.stats.Busy++
		g.mu.Unlock()
		return false, ErrBusy
	}
	if a.wait > 0 {
		return false, &PausedError{a.wait}
	}
	if err := g.checks.enter(ctx, a.known, a.whose); err != nil {
		g.after(ctx, func(ctx context.Context) { g.takeBack(ctx, &a, err) })
		return false, err
	}
	if right, err = g.run(check); err == nil && !right {
		g.mu.Lock()
		g.stats.Wrong++
		g.mu.Unlock()
		return false, nil
	}
	g.after(ctx, func(ctx context.Context) {
		g.takeBack(ctx, &a, err)
		if err == nil {
			g.trust(ctx, login.Account, login.Device)
		}
	})
	return right && err == nil, err
}

// run makes room for the next check when check returns or panics.
func (g *Guard) run(check func() (bool, error)) (bool, error) {
	defer g.checks.leave()
	return check()
}

// Trust makes a device known to an account, as a right password does. Call it when the
// owner of the account was proved in another way.
func (g *Guard) Trust(account, device string) {
	g.after(context.Background(), func(ctx context.Context) { g.trust(ctx, account, device) })
}

func (g *Guard) trust(ctx context.Context, account, device string) {
	if device == "" {
		return
	}
	a, d := digest(account), digest(account, device)
	g.mu.Lock()
	g.devices.add(a, d, g.now())
	g.mu.Unlock()
	if g.shared != nil {
		g.note(g.shared.trust(ctx, a, d))
	}
}

// Stats returns the guard's counters.
func (g *Guard) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.stats
	s.DroppedDevices = g.devices.dropped
	s.Accounts = len(g.devices.of)
	for _, t := range []*table{g.accounts, g.pairs, g.networks, g.own} {
		s.DroppedBudgets += t.dropped
		s.Budgets += len(t.entries)
	}
	return s
}

// now is the time since the guard was made, on the monotonic clock.
func (g *Guard) now() time.Duration { return time.Since(g.start) }
