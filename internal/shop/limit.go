package shop

import (
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/count"
)

const (
	ordersPerMinute = 60  // of one network
	ordersInAll     = 100 // of all networks, against that of one
	orderNetworks   = 10_000
)

var ordersRefused = count.Process.Bound("demo_orders_refused", "Orders that the demo shop answered with 429, because too many that belong to no session came from their network, or in all, within a minute.")

// An orderLimit limits the orders in a minute that belong to no session: of software, of
// clients without cookies past the cap of new sessions, and of sessions that have as many
// as they may. In this shop nobody pays before, so that strangers can place as many as
// they like. Orders that belong to a session are limited by it.
type orderLimit struct {
	perNetwork int // negative: no limit

	mu       sync.Mutex
	minute   int64
	networks map[netip.Prefix]int
	total    int

	full, older map[string]bool // sessions of which an order was stored without them: they have as many as they may, or their secret was replaced
}

// fullSessions is how many sessions full has at most, and older as many again.
const fullSessions = 10_000

// noteFull notes that an order of a session was stored without it.
func (l *orderLimit) noteFull(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.full) >= fullSessions || l.full == nil {
		l.full, l.older = map[string]bool{}, l.full
	}
	l.full[session] = true
}

func (l *orderLimit) isFull(session string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.full[session] || l.older[session]
}

// take takes the place of an order that may turn out to belong to no session, or returns
// false if there is none. told means that the network tells visitors apart. likely means
// that the order most likely belongs to a session; for these there are as many places
// again, so that others do not take them. giveBack is called if the order needs no place.
func (l *orderLimit) take(network netip.Prefix, told, likely bool, at time.Time) (giveBack func(), ok bool) {
	if l.perNetwork < 0 {
		return func() {}, true
	}
	most := l.perNetwork
	if likely {
		most *= 2
	}
	minute := at.Unix() / 60
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute != l.minute {
		l.minute, l.total, l.networks = minute, 0, map[netip.Prefix]int{}
	}
	n := l.networks[network]
	told = told && (n > 0 || len(l.networks) < orderNetworks)
	if l.total >= ordersInAll*most || told && n >= most {
		return nil, false
	}
	l.total++
	if told {
		l.networks[network] = n + 1
	}
	return func() { l.giveBack(network, told, minute) }, true
}

func (l *orderLimit) giveBack(network netip.Prefix, told bool, minute int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.minute != minute {
		return
	}
	l.total--
	if told {
		l.networks[network]--
	}
}

// mayOrder asks whether the request may place an order. If not, it sends the answer.
// placed is called with the session of the order that was placed.
func (s *Shop) mayOrder(w http.ResponseWriter, r *http.Request) (giveBack func(), placed func(sessionID string), ok bool) {
	session, has, err := s.tracker.Session(r.Context())
	likely := err != nil || has && !s.limit.isFull(session.SessionID)
	addr, whom := s.proxies.ClientAddr(r)
	at := time.Now()
	giveBack, ok = s.limit.take(enrich.Subnet(addr), whom.TellsApart(), likely, at)
	if !ok {
		ordersRefused.Add(1)
		w.Header().Set("Retry-After", strconv.FormatInt(60-at.Unix()%60, 10))
		fail(w, http.StatusTooManyRequests, "Too many orders", "Please try again in a minute")
	}
	placed = func(sessionID string) {
		if has && sessionID == "" {
			s.limit.noteFull(session.SessionID)
		}
	}
	return giveBack, placed, ok
}
