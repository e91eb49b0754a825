// Package bearer admits requests that send one of a few tokens, as in "Authorization:
// Bearer TOKEN".
//
// It owns how a token is compared, by hashes, so that the time it takes says nothing
// about a token, and how often one network may be wrong: past [Tries] wrong tokens in a
// [Window] nothing that the network sends is admitted until the window ends. An address
// that stands for many, such as that of a proxy nobody trusts, and this machine's own,
// from which commands come, are not throttled: strangers would lock operators out.
// It keeps no token, and never admits a request if there are none.
package bearer

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/count"
)

const (
	// Tries is how many wrong tokens one network may send in a Window.
	Tries = 10
	// Window begins with a network's first wrong token.
	Window = time.Minute

	maxNetworks = 10_000 // remembered, which is about 1 MB; a further one takes the place of another
)

var (
	wrong     = count.Process.New("admin_tokens_wrong", "Requests to the admin API, the metrics or the probes that sent a token which is none of ours.")
	throttled = count.Process.Bound("admin_tokens_throttled", "Requests with a token that were refused without regard to it, because their network had sent too many wrong ones within a minute.")
)

// A Door admits who sends one of its tokens. It is safe for concurrent use.
type Door struct {
	tokens  [][sha256.Size]byte
	proxies enrich.Proxies

	mu       sync.Mutex
	networks map[netip.Prefix]tries
}

type tries struct {
	wrong int
	until time.Time
}

// New returns a door for the tokens that are not empty. The proxies say whose address a
// request's is.
func New(proxies enrich.Proxies, tokens ...string) *Door {
	d := &Door{proxies: proxies, networks: map[netip.Prefix]tries{}}
	for _, token := range tokens {
		if token != "" {
			d.tokens = append(d.tokens, sha256.Sum256([]byte(token)))
		}
	}
	return d
}

// Admit reports whether a request sends one of the tokens and may. If its network is
// throttled, it returns for how long.
func (d *Door) Admit(r *http.Request) (admitted bool, wait time.Duration) {
	header := r.Header.Get("Authorization")
	token, ok := strings.CutPrefix(header, "Bearer ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	match := 0
	for i := range d.tokens {
		match |= subtle.ConstantTimeCompare(d.tokens[i][:], sum[:])
	}
	if header == "" { // no guess
		return false, 0
	}
	right := ok && match == 1
	if wait = d.try(r, right); wait > 0 {
		throttled.Add(1)
		return false, wait
	}
	if !right {
		wrong.Add(1)
	}
	return right, 0
}

// try counts a token and returns how long its network has to wait, 0 if the token counts.
func (d *Door) try(r *http.Request, right bool) time.Duration {
	addr, whom := d.proxies.ClientAddr(r)
	if !whom.TellsApart() || addr.IsLoopback() {
		return 0
	}
	network, now := networkOf(addr), time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	t, known := d.networks[network]
	if known && !now.Before(t.until) {
		t, known = tries{}, false
		delete(d.networks, network)
	}
	if t.wrong >= Tries {
		return t.until.Sub(now)
	}
	if right {
		return 0
	}
	if !known {
		t.until = now.Add(Window)
		d.makeRoom(now)
	}
	t.wrong++
	d.networks[network] = t
	return 0
}

// makeRoom makes room for another network: of a few, those whose window has ended go, or any
// one. It looks at a few only, because strangers may send from a new network each time.
// d.mu is held.
func (d *Door) makeRoom(now time.Time) {
	const few = 16
	looked := 0
	for network, t := range d.networks {
		if len(d.networks) < maxNetworks && looked >= 2 || looked >= few {
			break
		}
		looked++
		if !now.Before(t.until) || looked == few && len(d.networks) >= maxNetworks {
			delete(d.networks, network)
		}
	}
}

// networkOf is the range that one client may have: a /24, or the /48 of IPv6.
func networkOf(addr netip.Addr) netip.Prefix {
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	network, err := addr.WithZone("").Prefix(bits)
	if err != nil { // cannot happen: addr is valid
		return netip.Prefix{}
	}
	return network
}

// Refuse writes the header of an answer to a request that is not admitted, and returns
// its status and what to tell the client.
func Refuse(header http.Header, wait time.Duration) (status int, message string) {
	if wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		return http.StatusTooManyRequests, "Too many wrong tokens came from this network: wait"
	}
	header.Set("WWW-Authenticate", `Bearer realm="footfall"`)
	return http.StatusUnauthorized, "Send Authorization: Bearer and the admin token"
}
