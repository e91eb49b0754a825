package loginguard

import (
	"context"
	"errors"
)

// countShared counts an attempt here and in the store, or nowhere if it has to wait, or if
// its password would not be checked anyway: what is counted takes the store ten commands, and
// taking it back as many. What the store does not take, or not in time, counts here alone.
func (g *Guard) countShared(ctx context.Context, a *attempt, login Login) {
	ctx, cancel := g.shared.within(ctx)
	defer cancel()
	err := g.learn(ctx, a, login)
	if g.checks.refuses(a.known, a.whose) {
		a.busy = true
		g.note(err)
		return
	}
	if err != nil { // the store is not asked once more
		g.note(err)
		g.count(a)
		return
	}
	if a.shared, a.wait, err = g.shared.budgets(ctx, a.counts); a.wait == 0 {
		g.count(a)
	}
	if a.wait == 0 {
		var also error
		a.wait, also = g.shared.count(ctx, a.shared)
		err = errors.Join(err, also)
		if a.wait > 0 {
			g.uncount(a)
			err = errors.Join(err, g.shared.takeBack(ctx, a.shared, false))
		}
	}
	g.note(err)
}

// learn makes a device known that has logged in to the account on another instance.
func (g *Guard) learn(ctx context.Context, a *attempt, login Login) error {
	if a.known || login.Device == "" {
		return nil
	}
	account, device := digest(login.Account), digest(login.Account, login.Device)
	known, err := g.shared.knows(ctx, account, device)
	if err == nil && known {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.devices.add(account, device, g.now())
		*a = g.places(login)
	}
	return err
}

// after has f call the store, if there is one, for a bounded time.
func (g *Guard) after(ctx context.Context, f func(ctx context.Context)) {
	if g.shared != nil {
		var cancel context.CancelFunc
		ctx, cancel = g.shared.within(ctx)
		defer cancel()
	}
	f(ctx)
}

// note counts an error of the store.
func (g *Guard) note(err error) {
	if err != nil {
		g.mu.Lock()
		g.stats.Unshared++
		g.mu.Unlock()
	}
}
