package request

import (
	"net/netip"
	"sync"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/store"
)

// A botBudget bounds how many bytes of what software asked for are kept view by view,
// of one network and in all. Past that its views are only counted, by reason and minute.
//
// The bounds are those of an hour: a crawler that reads a catalogue of some hundred pages
// within ten minutes is kept whole, and a day of flood, from however many networks, adds
// at most 24 times botBytesInAll to the archive: 48 MiB. One network gets an eighth of
// it, so that one program does not hide the others.
type botBudget struct {
	mu       sync.Mutex
	hour     int64
	networks map[netip.Prefix]int // bytes; bounded by inAll, because each kept view has at least botRowBytes
	inAll    int
}

const (
	botBytesInAll      = 2 << 20
	botBytesPerNetwork = botBytesInAll / 8
	botRowBytes        = 200 // what an archive needs for a view beside its strings

	// What is kept of one view. An agent names itself in the first bytes; a longer path
	// is mostly one that was made to be long.
	maxBotAgent = 256
	maxBotPage  = 512
)

// allow reports whether a view is kept in detail, which takes so many bytes of strings.
// If the address tells no visitors apart, only the bound of all networks counts.
func (b *botBudget) allow(addr netip.Addr, whom enrich.Identity, bytes int, at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if hour := at.Unix() / 3600; hour != b.hour || b.networks == nil {
		b.hour, b.inAll, b.networks = hour, 0, map[netip.Prefix]int{}
	}
	bytes += botRowBytes
	if b.inAll+bytes > botBytesInAll {
		return false
	}
	if whom.TellsApart() {
		network := enrich.Subnet(addr)
		if b.networks[network]+bytes > botBytesPerNetwork {
			return false
		}
		b.networks[network] += bytes
	}
	b.inAll += bytes
	return true
}

// recordBot records what software asked for, apart from what people do.
func (r *Request) recordBot(at time.Time) {
	r.q.botViews.Add(1)
	view := &store.BotSeen{
		EventID: newEventID(), Reason: r.bot, UserAgent: enrich.Text(r.r.UserAgent(), maxBotAgent),
		IPAddress: r.q.Describe.Address(r.r), Page: enrich.Text(enrich.Requested(r.r), maxBotPage), At: at,
	}
	addr, whom := r.q.Describe.Proxies.ClientAddr(r.r)
	bytes := len(view.Reason) + len(view.UserAgent) + len(view.IPAddress) + len(view.Page)
	if !r.q.bots.allow(addr, whom, bytes, at) {
		r.q.botsTallied.Add(1)
		r.q.tally.add(true, r.bot, 1, at)
		return
	}
	_, _ = r.q.Out.Append(nil, view)
}
