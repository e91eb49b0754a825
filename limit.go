package footfall

import (
	"net/netip"
	"sync"
	"time"

	"github.com/footfall-go/footfall/enrich"
)

// beginLimit caps how many sessions begin in a minute, from one network and in
// all.
type beginLimit struct {
	perNetwork int // negative: no cap

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

const maxNetworks = 100_000 // remembered in a minute; past that only the cap of all counts

func newBeginLimit(perNetwork int) *beginLimit {
	return &beginLimit{perNetwork: perNetwork, networks: map[netip.Prefix]int{}}
}

// allow says whether a session may begin for an address. For a proxy that
// somebody forgot to trust only the cap of all counts: it stands for everybody.
func (l *beginLimit) allow(addr netip.Addr, forgottenProxy bool, at time.Time) bool {
	if l.perNetwork < 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(at)
	if l.total >= globalCapFactor*l.perNetwork {
		return false
	}
	if !forgottenProxy {
		network := enrich.Subnet(addr)
		n := l.networks[network]
		if n >= l.perNetwork {
			return false
		}
		if n > 0 || len(l.networks) < maxNetworks {
			l.networks[network] = n + 1
		}
	}
	l.total++
	return true
}

// allowBot says whether another view by a bot is noted one by one.
func (l *beginLimit) allowBot(at time.Time) bool {
	if l.perNetwork < 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(at)
	l.bots++
	return l.bots <= globalCapFactor*l.perNetwork
}

// uncounted notes a visit that was served past a cap.
func (l *beginLimit) uncounted(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(at)
	l.dropped++
	l.overall++
}

// turn starts a new minute if it is time. l.mu is held.
func (l *beginLimit) turn(at time.Time) {
	minute := at.Unix() / 60
	if minute == l.minute {
		return
	}
	if l.dropped > 0 {
		l.past = append(l.past, uncountedMinute{time.Unix(l.minute*60, 0).UTC(), l.dropped})
	}
	l.minute, l.total, l.bots, l.dropped = minute, 0, 0, 0
	clear(l.networks)
}

// take returns the minutes that are over and had uncounted visits; with all
// also the running one.
func (l *beginLimit) take(at time.Time, all bool) []uncountedMinute {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(at)
	past := l.past
	l.past = nil
	if all && l.dropped > 0 {
		past = append(past, uncountedMinute{time.Unix(l.minute*60, 0).UTC(), l.dropped})
		l.dropped = 0
	}
	return past
}
