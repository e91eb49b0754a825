package loginguard

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"
)

// An attempt has been counted, unless it has to wait.
type attempt struct {
	wait   time.Duration
	known  bool // the account knows the device
	busy   bool // its password would not be checked, so it was not counted
	whose  key  // of the account for a device that it knows, otherwise of the network, if that tells anything
	counts []count
	shared []sharedCount // in the order of counts; none without a store
}

// A count is one place where an attempt counts.
type count struct {
	in     *table
	key    key
	budget budget
	before time.Duration // the end of the pause before the attempt
	after  time.Duration // the end of the pause since the attempt
}

// attempt counts an attempt wherever it counts, or nowhere if it has to wait.
func (g *Guard) attempt(ctx context.Context, login Login) attempt {
	a := g.look(login)
	if g.shared == nil {
		g.count(&a)
	} else {
		g.countShared(ctx, &a, login)
	}
	if a.wait > 0 {
		g.mu.Lock()
		g.stats.Paused++
		g.mu.Unlock()
	}
	return a
}

// look says where an attempt would count.
func (g *Guard) look(login Login) attempt {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.places(login)
}

// count counts an attempt in the tables, or nowhere if it has to wait.
func (g *Guard) count(a *attempt) {
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range a.counts {
		a.wait = max(a.wait, c.in.pausedUntil(c.key)-now)
	}
	if a.wait > 0 {
		return
	}
	for i := range a.counts {
		c := &a.counts[i]
		c.before, c.after = c.in.count(c.key, c.budget, now)
	}
}

// uncount takes an attempt out of the tables again.
func (g *Guard) uncount(a *attempt) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range a.counts {
		c.in.takeBack(c.key, c.before, c.after)
	}
}

// places lists where an attempt counts: for a device that the account knows in the
// device's own budget only, otherwise in those of the account and the networks.
func (g *Guard) places(login Login) (a attempt) {
	account := digest(login.Account)
	a.whose = account
	if login.Device != "" {
		device := digest(login.Account, login.Device)
		if g.devices.knows(account, device) {
			a.known = true
			a.counts = []count{{in: g.own, key: device, budget: ofDevice}}
			return a
		}
	}
	a.counts = append(make([]count, 0, 5), count{in: g.accounts, key: account, budget: ofAccount})
	for i, n := range networks(login.From) {
		if i == 0 {
			a.whose = digest(n.prefix.String())
			a.counts = append(a.counts, count{in: g.pairs, key: digest(login.Account, n.prefix.String()), budget: ofPair})
		}
		a.counts = append(a.counts, count{in: g.networks, key: digest(n.prefix.String()), budget: n.budget})
	}
	return a
}

// takeBack takes back an attempt whose password was right, or was not checked because of
// err. A right password also gives the device its whole budget back.
func (g *Guard) takeBack(ctx context.Context, a *attempt, err error) {
	forget := err == nil && a.known
	if forget {
		g.mu.Lock()
		delete(g.own.entries, a.counts[0].key)
		g.mu.Unlock()
	} else {
		g.uncount(a)
	}
	if g.shared != nil {
		g.note(g.shared.takeBack(ctx, a.shared, forget))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case errors.Is(err, ErrBusy):
		g.stats.Busy++
	case err != nil:
		g.stats.Abandoned++
	}
}

// A network of an address, with its budget.
type network struct {
	prefix netip.Prefix
	budget budget
}

// networks lists the networks of an address, the widest first, or none for the zero Addr.
func networks(a netip.Addr) []network {
	a = a.Unmap().WithZone("")
	switch {
	case a.Is4():
		return []network{{netip.PrefixFrom(a, 24).Masked(), of24}}
	case a.Is6():
		return []network{
			{netip.PrefixFrom(a, 48).Masked(), of48},
			{netip.PrefixFrom(a, 56).Masked(), of56},
			{netip.PrefixFrom(a, 64).Masked(), of64},
		}
	}
	return nil
}

// A key stands for an account, a network or both, however long their names are.
type key [16]byte

// digest makes a key of texts. Each is preceded by its length, so that no two lists of
// texts have the same key.
func digest(texts ...string) key {
	h := sha256.New()
	var n [8]byte
	for _, t := range texts {
		binary.BigEndian.PutUint64(n[:], uint64(len(t)))
		h.Write(n[:])
		h.Write([]byte(t))
	}
	return key(h.Sum(nil))
}
