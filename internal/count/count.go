package count

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A Set is all counters and histograms of one tracker. It is safe for concurrent use.
type Set struct {
	mu         sync.Mutex
	counters   map[string]counter
	histograms []*Histogram
}

// Process is what belongs to the process and to no tracker, such as its connections and
// its log. Package admin shows it among the metrics.
var Process = new(Set)

type counter struct {
	help  string
	read  func() uint64
	bound bool
}

// New makes a counter. The help text says in a plain sentence what is counted.
func (s *Set) New(name, help string) *atomic.Uint64 {
	n := new(atomic.Uint64)
	s.Func(name, help, n.Load)
	return n
}

// Bound is New for a counter of what was left out, forgotten or refused at a bound of
// what strangers can make longer. docs/reliability.md has a line for each of them.
func (s *Set) Bound(name, help string) *atomic.Uint64 {
	n := new(atomic.Uint64)
	s.BoundFunc(name, help, n.Load)
	return n
}

// BoundFunc is Bound for what somebody else counts.
func (s *Set) BoundFunc(name, help string, read func() uint64) {
	s.add(name, counter{help: help, read: read, bound: true})
}

// Func makes a counter of what somebody else counts.
func (s *Set) Func(name, help string, read func() uint64) {
	s.add(name, counter{help: help, read: read})
}

func (s *Set) add(name string, c counter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counters == nil {
		s.counters = map[string]counter{}
	}
	if s.counters[name].read != nil {
		panic("footfall: two counters are called " + name)
	}
	s.counters[name] = c
}

// All is what every counter says now.
func (s *Set) All() map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]uint64, len(s.counters))
	for name, c := range s.counters {
		all[name] = c.read()
	}
	return all
}

// A Measure is what a counter, or a histogram, says now.
type Measure struct {
	Name, Help string
	Count      uint64 // of a counter; of a histogram, how often something was measured
	Bound      bool   // a counter made by [Set.Bound] or [Set.BoundFunc]

	// Of a histogram; nil for a counter.
	Labels  []Label
	Buckets []Bucket
	Seconds float64 // the sum of what was measured
}

// A Label tells histograms of one name apart.
type Label struct{ Name, Value string }

// Measures is what every counter and every histogram says now, ordered by name.
func (s *Set) Measures() []Measure {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Measure, 0, len(s.counters)+len(s.histograms))
	for name, c := range s.counters {
		all = append(all, Measure{Name: name, Help: c.help, Count: c.read(), Bound: c.bound})
	}
	for _, h := range s.histograms {
		all = append(all, h.measure())
	}
	slices.SortStableFunc(all, func(a, b Measure) int { return strings.Compare(a.Name, b.Name) })
	return all
}
