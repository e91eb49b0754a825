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
	bots     int
	dropped  int64 // visits of this minute that were served without a session
	past     []uncountedMinute
	overall  uint64
}

type uncountedMinute struct {
	minute time.Time
	count  int64
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

// allowBot says whether another view by a bot is recorded one by one.
func (c *beginCap) allowBot(at time.Time) bool {
	if c.perNetwork < 0 {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(at)
	c.bots++
	return c.bots <= c.inAll
}

// uncounted counts a visit that got no session because of a cap.
func (c *beginCap) uncounted(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(at)
	c.dropped++
	c.overall++
}

// turn starts a new minute if it is time. c.mu is held.
func (c *beginCap) turn(at time.Time) {
	minute := at.Unix() / 60
	if minute == c.minute {
		return
	}
	if c.dropped > 0 {
		c.past = append(c.past, uncountedMinute{time.Unix(c.minute*60, 0).UTC(), c.dropped})
	}
	c.minute, c.total, c.bots, c.dropped = minute, 0, 0, 0
	clear(c.networks)
}

// take returns the minutes that are over and had uncounted visits; with all
// also the running one.
func (c *beginCap) take(at time.Time, all bool) []uncountedMinute {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(at)
	past := c.past
	c.past = nil
	if all && c.dropped > 0 {
		past = append(past, uncountedMinute{time.Unix(c.minute*60, 0).UTC(), c.dropped})
		c.dropped = 0
	}
	return past
}

// uncountedTotal is how many visits were served without a session because of a cap,
// since the start.
func (c *beginCap) uncountedTotal() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.overall
}
