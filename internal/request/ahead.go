package request

import (
	"hash/maphash"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/count"
)

// A browser may fetch a page ahead from another site, a search engine's results say,
// when it has no cookie of the shop yet. No session begins then. If the page is shown,
// its first request of its own says so by its Referer: its session landed there.

const (
	aheadFor     = 10 * time.Minute // browsers keep what they fetched ahead for a few minutes
	maxAhead     = 4096             // pages remembered
	maxAheadFrom = 512              // bytes of a referrer that is remembered
)

// landings are the pages that browsers without a session fetched ahead, with where
// they fetched them from. It is safe for concurrent use.
type landings struct {
	seed      maphash.Seed
	forgotten *atomic.Uint64

	mu         sync.Mutex
	turned     time.Time
	young, old map[uint64]string // the older half goes every aheadFor/2, or when the younger is full
}

func newLandings(counts *count.Set) *landings {
	return &landings{seed: maphash.MakeSeed(), forgotten: counts.Bound("prefetches_forgotten", "Pages that browsers fetched ahead and that were forgotten because there were too many, in all or of one session; if they are shown, they are not counted."), young: map[uint64]string{}, old: map[uint64]string{}}
}

func (l *landings) key(addr netip.Addr, agent, page string) uint64 {
	var h maphash.Hash
	h.SetSeed(l.seed)
	b := addr.As16()
	_, _ = h.Write(b[:])
	_, _ = h.WriteString(agent)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(page)
	return h.Sum64()
}

// turn forgets the older half if it is time. l.mu is held.
func (l *landings) turn(at time.Time) {
	full := len(l.young) >= maxAhead/2
	if !full && at.Sub(l.turned) < aheadFor/2 {
		return
	}
	if full {
		l.forgotten.Add(uint64(len(l.old)))
	}
	if at.Sub(l.turned) >= aheadFor {
		clear(l.young)
	}
	l.young, l.old, l.turned = l.old, l.young, at
	clear(l.young)
}

// remember keeps that a browser fetched a page ahead, from a referrer.
func (l *landings) remember(addr netip.Addr, agent, page, referrer string, at time.Time) {
	if len(referrer) > maxAheadFrom {
		referrer = ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(at)
	l.young[l.key(addr, agent, page)] = strings.Clone(referrer)
}

// take returns the referrer from which a browser fetched a page ahead, and forgets it.
func (l *landings) take(addr netip.Addr, agent, page string, at time.Time) (referrer string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(at)
	key := l.key(addr, agent, page)
	for _, half := range [...]map[uint64]string{l.young, l.old} {
		if referrer, ok = half[key]; ok {
			delete(half, key)
			return referrer, true
		}
	}
	return "", false
}
