package live

import (
	"hash/maphash"
	"slices"
	"sync"
)

// maxPrefetched is how many pages that a browser fetched ahead are remembered of a
// session; the oldest goes first.
const maxPrefetched = 8

// prefetched are pages that a browser fetched ahead and has not shown yet, as hashes.
type prefetched struct {
	mu    sync.Mutex
	pages [maxPrefetched]uint64 // zero: none
	next  int
}

// RememberPrefetch records that the browser has fetched a page ahead. The page is its path and
// query as they were sent. It reports whether another page was forgotten for it.
func (e *Entry) RememberPrefetch(page string) (forgot bool) {
	e.ahead.CompareAndSwap(nil, new(prefetched))
	p, hash := e.ahead.Load(), maphash.String(seed, page)
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(p.pages[:], hash) {
		return false
	}
	forgot = p.pages[p.next] != 0
	p.pages[p.next] = hash
	p.next = (p.next + 1) % maxPrefetched
	return forgot
}

// HasPrefetched reports whether pages were ever fetched ahead.
func (e *Entry) HasPrefetched() bool { return e.ahead.Load() != nil }

// IsPrefetched reports whether a page was fetched ahead and not shown since.
func (e *Entry) IsPrefetched(page string) bool {
	p := e.ahead.Load()
	if p == nil {
		return false
	}
	hash := maphash.String(seed, page)
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.pages[:], hash)
}

// TakePrefetch reports whether a page was fetched ahead and not shown since, and
// forgets it.
func (e *Entry) TakePrefetch(page string) bool {
	p := e.ahead.Load()
	if p == nil {
		return false
	}
	hash := maphash.String(seed, page)
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, known := range p.pages {
		if known == hash {
			p.pages[i] = 0
			return true
		}
	}
	return false
}
