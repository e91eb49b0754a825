package live

import (
	"sync/atomic"

	"github.com/footfall-go/footfall/store"
)

// overhead is about what an entry takes besides its texts and values, with its place in
// the table.
const overhead = 1400

// charge counts what the entry takes, and from now on each change of it.
func (e *Entry) charge(bytes *atomic.Int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.charged = bytes
	e.recharge()
}

// discharge counts the entry no more.
func (e *Entry) discharge() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.charged != nil {
		e.charged.Add(-e.size)
	}
	e.charged, e.size = nil, 0
}

// recharge counts what the entry takes now. e.mu is held.
func (e *Entry) recharge() {
	if e.charged == nil {
		return
	}
	size := sizeOf(&e.rec)
	for name, value := range e.unknown {
		size += int64(len(name) + len(value))
	}
	e.charged.Add(size - e.size)
	e.size = size
}

func sizeOf(rec *store.Record) int64 {
	size := overhead
	for _, text := range [...]string{
		rec.CustomerID, rec.IPAddress, rec.UserAgent, rec.Country, rec.City, rec.LandingPage, rec.Referrer,
		rec.UTMSource, rec.UTMMedium, rec.UTMCampaign, rec.UTMTerm, rec.UTMContent, rec.OrderID,
	} {
		size += len(text)
	}
	for key, value := range rec.Values {
		size += 100 + len(key) + len(value.JSON)
	}
	return int64(size)
}
