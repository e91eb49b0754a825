package notices

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/footfall-go/footfall/enrich"
)

// A Notice says what is probably wrong and what to do about it.
type Notice struct {
	Name   string `json:"name"`   // one_address, untrusted_proxy, own_referrer, mostly_bots or cookies_lost
	Says   string `json:"says"`   // what was seen
	Remedy string `json:"remedy"` // what to do
}

// Names are those of all notices.
var Names = [...]string{"one_address", "untrusted_proxy", "own_referrer", "mostly_bots", "cookies_lost"}

const (
	sessionsSeen = 64   // the latest sessions that are looked at
	enough       = 50   // of them, before anything is said
	fewAgents    = 5    // as many agents at one address are more than one visitor
	viewsSeen    = 1000 // page views of a generation; the running one and the one before count
	enoughViews  = 100
)

// Notices watches a shop's requests. It is safe for concurrent use.
type Notices struct {
	mu         sync.Mutex
	seed       maphash.Seed
	sessions   [sessionsSeen]begun
	n          int // sessions that began
	host       string
	publicHost string // as browsers know the shop, where that is not the host of requests

	views [2]generation // the running one and the one before
	turn  sync.Mutex
}

// begun is what is known of a session that began.
type begun struct {
	addr  netip.Addr
	whom  enrich.Identity
	agent uint64
}

// generation counts page views; people and those who came back share one number, so that a
// page view costs one addition.
type generation struct {
	people atomic.Uint64 // in the upper half those whose session cookie came back
	bots   atomic.Uint64
	// rewritten are page views that showed publicHost.
	rewritten atomic.Uint64
}

// New returns a watch that has seen nothing.
func New() *Notices { return &Notices{seed: maphash.MakeSeed()} }

// Began records that a session began.
func (w *Notices) Began(addr netip.Addr, whom enrich.Identity, agent string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions[w.n%sessionsSeen] = begun{addr, whom, maphash.String(w.seed, agent)}
	w.n++
}

// Viewed records a person's page view; returned says that their session's cookie had come
// with the request.
func (w *Notices) Viewed(returned bool) {
	one := uint64(1)
	if returned {
		one |= 1 << 32
	}
	if g := &w.views[0]; uint32(g.people.Add(one)) >= viewsSeen {
		w.next()
	}
}

// ViewedByBot records a page view by software.
func (w *Notices) ViewedByBot() {
	if w.views[0].bots.Add(1) >= viewsSeen {
		w.next()
	}
}

// next begins a generation. Page views beside it may count for either.
func (w *Notices) next() {
	if !w.turn.TryLock() {
		return
	}
	defer w.turn.Unlock()
	w.views[1].people.Store(w.views[0].people.Swap(0))
	w.views[1].bots.Store(w.views[0].bots.Swap(0))
	w.views[1].rewritten.Store(w.views[0].rewritten.Swap(0))
}

// Rewritten records that a page view which the browser calls same-origin came from a page
// of another host than the one that the request names.
func (w *Notices) Rewritten(publicHost, host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.publicHost, w.host = enrich.Text(publicHost, 253), enrich.Text(host, 253)
	w.views[0].rewritten.Add(1)
}

// Current are the notices of this moment, in the order of [Names].
func (w *Notices) Current() (all []Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	say := func(name, remedy, format string, args ...any) {
		all = append(all, Notice{name, fmt.Sprintf(format, args...), remedy})
	}
	n := min(w.n, sessionsSeen)
	one, agents, untrusted, proxy := w.addresses(n)
	people, returned, bots := w.counted()
	rewritten := w.views[0].rewritten.Load() + w.views[1].rewritten.Load()
	if n >= enough && one && agents >= fewAgents {
		say("one_address", "if a proxy is in front, set TRUSTED_PROXIES to its network, or to unix for a Unix socket; if it is, have the proxy send X-Forwarded-For",
			"the latest %d sessions, with %d user agents, began from one address (%s): no visitor can be told from another by it", n, agents, proxyName(w.sessions[0].addr))
	}
	if n >= enough && untrusted*2 >= n {
		say("untrusted_proxy", "set TRUSTED_PROXIES to the proxy's network, or to unix for a Unix socket",
			"%d of the latest %d sessions began behind a proxy that nobody trusts (%s): their addresses are the proxy's", untrusted, n, proxyName(proxy))
	}
	if rewritten >= 3 && rewritten*20 >= people { // a stranger may make up a few
		say("own_referrer", "have the proxy pass the Host header on, or set OWN_HOSTS="+w.publicHost,
			"a proxy writes %q as the host of requests that visitors make to %q: browsers that send no Fetch metadata then seem to come from the shop itself, and their visits have the shop as referrer", w.host, w.publicHost)
	}
	if total := people + bots; total >= enoughViews && bots*10 >= total*9 {
		say("mostly_bots", "have the proxy pass the User-Agent header on (CloudFront sends its own by default), and set OWN_AGENTS for the shop's own apps",
			"%d of the latest %d page views were taken for software's", bots, total)
	}
	if n >= enough && people >= enough && returned*50 < people {
		say("cookies_lost", "if the shop is reached by plain HTTP, browsers drop Secure cookies: use HTTPS, or APP_ENV=development on your own machine; otherwise look for a proxy or cache that removes Set-Cookie or Cookie",
			"%d of the latest %d page views came with the session's cookie: nearly every page view begins a session", returned, people)
	}
	return all
}

// addresses looks at the n latest sessions: whether all have one address, how many
// agents they have, and how many began behind a proxy that nobody trusts. w.mu is held.
func (w *Notices) addresses(n int) (one bool, agents, untrusted int, proxy netip.Addr) {
	seen := map[uint64]bool{}
	one = true
	for i := range n {
		s := &w.sessions[i]
		one = one && s.addr == w.sessions[0].addr
		seen[s.agent] = true
		if s.whom == enrich.ForgottenProxy || s.whom == enrich.Forwarder || s.whom == enrich.Nobody && !s.addr.IsValid() {
			untrusted, proxy = untrusted+1, s.addr
		}
	}
	return one, len(seen), untrusted, proxy
}

func (w *Notices) counted() (people, returned, bots uint64) {
	for i := range w.views {
		p := w.views[i].people.Load()
		people += p & (1<<32 - 1)
		returned += p >> 32
		bots += w.views[i].bots.Load()
	}
	return people, returned, bots
}

func proxyName(addr netip.Addr) string {
	if !addr.IsValid() {
		return "a Unix socket, or unknown"
	}
	return addr.String()
}
