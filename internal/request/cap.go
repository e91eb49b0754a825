package request

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/footfall-go/footfall/enrich"
)

// A beginCap caps how many sessions begin in a minute, from one network and in
// all.
type beginCap struct {
	perNetwork int // negative: no cap
	inAll      int

	mu       sync.Mutex
	minute   int64
	networks map[netip.Prefix]int
	total    int
}

const (
	allNetworks = 100     // the cap of all networks together, against that of one
	maxNetworks = 100_000 // remembered in a minute; past that only the cap of all counts
)

func newBeginCap(perNetwork int) *beginCap {
	inAll := min(perNetwork, math.MaxInt/allNetworks) * allNetworks
	return &beginCap{perNetwork: perNetwork, inAll: inAll, networks: map[netip.Prefix]int{}}
}

// allow reports whether a session may begin for an address. If that tells no visitors
// apart, only the cap of all networks counts.
func (c *beginCap) allow(addr netip.Addr, whom enrich.Identity, at time.Time) bool {
	if c.perNetwork < 0 {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(at)
	if c.total >= c.inAll {
		return false
	}
	if whom.TellsApart() {
		network := enrich.Subnet(addr)
		n := c.networks[network]
		if n >= c.perNetwork {
			return false
		}
		if n > 0 || len(c.networks) < maxNetworks {
			c.networks[network] = n + 1
		}
	}
	c.total++
	return true
}

// turn starts a new minute if it is time. c.mu is held.
func (c *beginCap) turn(at time.Time) {
	minute := at.Unix() / 60
	if minute == c.minute {
		return
	}
	c.minute, c.total = minute, 0
	clear(c.networks)
}
