package outbox

import (
	"hash/maphash"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/footfall-go/footfall/internal/jsontext"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// What pages longer than [live.ShortPage] may take in a minute. Each takes up to twice its
// bytes in SQLite, and visitors with sessions enough for it could fill the disk with them
// within an hour. People have such pages when they come from an advertisement: 16 MiB are
// 30,000 of these.
const (
	longPages          = 16 << 20 // bytes in all
	longPagesOfNetwork = longPages / 4
	pageNetworks       = 1 << 12 // told apart, by hash
)

// longPageBudget says which long pages are kept whole. The zero value is ready for use, and
// it is safe for concurrent use.
type longPageBudget struct {
	mu     sync.Mutex
	seed   maphash.Seed
	minute int64
	all    int
	of     []int32 // by network
}

// take asks to keep so many bytes of a page of a network's.
func (l *longPageBudget) take(bytes int, network string, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of, l.seed = make([]int32, pageNetworks), maphash.MakeSeed()
	}
	if minute := at.Unix() / 60; minute != l.minute {
		l.minute, l.all = minute, 0
		clear(l.of)
	}
	of := &l.of[maphash.String(l.seed, network)%pageNetworks]
	if l.all+bytes > longPages || int(*of)+bytes > longPagesOfNetwork {
		return false
	}
	l.all += bytes
	*of += int32(bytes)
	return true
}

// FitPage cuts the page of an event if it is long and may not be: short says that its
// session has had many, otherwise those of all sessions count, and those of its network.
// An event whose page is cut is another one: the caller may still read its own.
func (b *Outbox) FitPage(event *store.EventRecorded, short bool, network string) *store.EventRecorded {
	if len(event.Page) <= live.ShortPage || !short && b.longPages.take(len(event.Page), network, time.Now()) {
		return event
	}
	cut := *event
	begin := cut.Page[:min(len(cut.Page), live.ShortPage+utf8.UTFMax)] // measuring the rest would take longer than all else
	cut.Page = jsontext.Cut(begin, live.ShortPage)
	b.shortened.Add(1)
	return &cut
}
