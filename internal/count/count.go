package count

import (
	"sync"
	"sync/atomic"
)

// A Set is all counters of one tracker. It is safe for concurrent use.
type Set struct {
	mu    sync.Mutex
	reads map[string]func() uint64
}

// New makes a counter.
func (s *Set) New(name string) *atomic.Uint64 {
	counter := new(atomic.Uint64)
	s.Func(name, counter.Load)
	return counter
}

// Func makes a counter of what somebody else counts.
func (s *Set) Func(name string, read func() uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reads == nil {
		s.reads = map[string]func() uint64{}
	}
	if s.reads[name] != nil {
		panic("footfall: two counters are called " + name)
	}
	s.reads[name] = read
}

// All is what every counter says now.
func (s *Set) All() map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]uint64, len(s.reads))
	for name, read := range s.reads {
		all[name] = read()
	}
	return all
}
