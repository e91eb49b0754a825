package request

import (
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/store"
)

// A beginCap caps how many sessions begin in a minute, from one network and in all, and
// how many bytes they take in all.
type beginCap struct {
	perNetwork int // negative: no cap
	inAll      int
	untold     *atomic.Uint64

	mu       sync.Mutex
	minute   int64
	networks map[netip.Prefix]int
	total    int
	bytes    int // of all sessions
	nobodys  int // bytes of those whose address tells no visitors apart
}

const (
	allNetworks = 100     // the cap of all networks together, against that of one
	maxNetworks = 100_000 // remembered in a minute; past that only the cap of all counts

	// The caps in bytes hold beside those of sessions, because a session may have ten
	// times the text of another: 64 MiB are some 40,000 usual sessions, or 13,000 of the
	// largest. Behind a proxy that nobody trusts there is no cap of a network, and one
	// stranger can begin all that may begin: there it is a quarter, so that half an hour
	// of it fits into 512 MiB.
	bytesInAll     = 64 << 20
	bytesOfNobodys = bytesInAll / 4
	sessionBytes   = 1 << 10 // what a session takes in memory and in stores, beside its texts
)

// Why no session begins.
const (
	tooMany      = "new_sessions_per_minute"
	tooManyBytes = "new_session_bytes_per_minute"
)

func newBeginCap(perNetwork int, counts *count.Set) *beginCap {
	inAll := min(perNetwork, math.MaxInt/allNetworks) * allNetworks
	return &beginCap{perNetwork: perNetwork, inAll: inAll, networks: map[netip.Prefix]int{},
		untold: counts.Bound("networks_untold", "Sessions that began without a cap of their network, because sessions of too many networks began within a minute."),
	}
}

// refuse says why no session may begin for an address, "" if one may; that then counts.
// If the address tells no visitors apart, only the caps of all networks count.
func (c *beginCap) refuse(addr netip.Addr, whom enrich.Identity, at time.Time) string {
	if c.perNetwork < 0 {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(at)
	if c.total >= c.inAll {
		return tooMany
	}
	if c.bytes >= bytesInAll || !whom.TellsApart() && c.nobodys >= bytesOfNobodys {
		return tooManyBytes
	}
	if whom.TellsApart() {
		network := enrich.Subnet(addr)
		n := c.networks[network]
		if n >= c.perNetwork {
			return tooMany
		}
		if n > 0 || len(c.networks) < maxNetworks {
			c.networks[network] = n + 1
		} else {
			c.untold.Add(1)
		}
	}
	c.total++
	return ""
}

// began counts the bytes of a session that has begun.
func (c *beginCap) began(s *store.Session, whom enrich.Identity, at time.Time) {
	bytes := bytesOf(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(at)
	c.bytes += bytes
	if !whom.TellsApart() {
		c.nobodys += bytes
	}
}

// withdrawn takes back a session that has begun, if its minute is not over. counted says
// that refuse had counted it.
func (c *beginCap) withdrawn(s *store.Session, addr netip.Addr, whom enrich.Identity, counted bool) {
	bytes := bytesOf(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.perNetwork < 0 || s.StartedAt.Unix()/60 != c.minute {
		return
	}
	c.bytes = max(c.bytes-bytes, 0)
	if !whom.TellsApart() {
		c.nobodys = max(c.nobodys-bytes, 0)
	}
	if !counted {
		return
	}
	c.total--
	if network := enrich.Subnet(addr); whom.TellsApart() && c.networks[network] > 0 {
		c.networks[network]--
	}
}

// bytesOf is how many bytes of the cap a session takes.
func bytesOf(s *store.Session) int {
	bytes := sessionBytes
	for _, text := range [...]*string{
		&s.IPAddress, &s.UserAgent, &s.Country, &s.City, &s.Device, &s.Browser, &s.OS, &s.LandingPage, &s.Referrer, &s.Channel,
		&s.UTMSource, &s.UTMMedium, &s.UTMCampaign, &s.UTMTerm, &s.UTMContent,
	} {
		bytes += len(*text)
	}
	return bytes
}

// turn starts a new minute if it is time. c.mu is held.
func (c *beginCap) turn(at time.Time) {
	minute := at.Unix() / 60
	if minute == c.minute {
		return
	}
	c.minute, c.total, c.bytes, c.nobodys = minute, 0, 0, 0
	clear(c.networks)
}
