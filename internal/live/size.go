package live

import (
	"sync/atomic"

	"github.com/footfall-go/footfall/store"
)

// overhead is about what an entry takes besides its texts and values, with its place in
// the table.
const overhead = 1400

// Bytes is about how much memory the entry takes. It takes no lock.
func (e *Entry) Bytes() int64 { return e.size.Load() }

// charge adds what the entry takes to a sum, and from now on each change of it.
func (e *Entry) charge(bytes *atomic.Int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.charged = bytes
	bytes.Add(e.size.Load())
}

// discharge takes the entry out of the sum.
func (e *Entry) discharge() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.charged != nil {
		e.charged.Add(-e.size.Load())
		e.charged = nil
	}
}

// resize counts what the entry takes now. e.mu is held, or nobody else has the entry.
func (e *Entry) resize() {
	size := sizeOf(&e.rec)
	for name, value := range e.unknown {
		size += int64(len(name) + len(value))
	}
	if before := e.size.Swap(size); e.charged != nil {
		e.charged.Add(size - before)
	}
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
