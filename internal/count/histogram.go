package count

import (
	"sync/atomic"
	"time"
)

// bounds are the upper ends of the buckets of every histogram: from what a request
// costs that waits for nobody, to the time that a logout may take.
var bounds = [...]time.Duration{
	5 * time.Microsecond, 10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond,
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond,
}

// A Histogram counts how long something took, in fixed buckets. [Histogram.Observe]
// makes two atomic additions, takes no lock and allocates nothing.
type Histogram struct {
	name, help string
	labels     []Label
	sum        atomic.Int64
	buckets    [len(bounds) + 1]atomic.Uint64 // the last one is of all that took longer
}

// Histogram makes a histogram. Several may have one name and one help text if their
// labels differ.
func (s *Set) Histogram(name, help string, labels ...Label) *Histogram {
	h := &Histogram{name: name, help: help, labels: labels}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.histograms = append(s.histograms, h)
	return h
}

// Observe counts a time. Times that a clock reports as negative count as none.
func (h *Histogram) Observe(took time.Duration) {
	i := 0
	for i < len(bounds) && took > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(max(0, took)))
}

// A Bucket is how often something took so long at most.
type Bucket struct {
	Seconds float64
	Count   uint64
}

func (h *Histogram) measure() Measure {
	m := Measure{Name: h.name, Help: h.help, Labels: h.labels, Buckets: make([]Bucket, len(bounds))}
	for i, most := range bounds {
		m.Count += h.buckets[i].Load()
		m.Buckets[i] = Bucket{most.Seconds(), m.Count}
	}
	m.Count += h.buckets[len(bounds)].Load()
	m.Seconds = time.Duration(h.sum.Load()).Seconds()
	return m
}

var started = time.Now()

// Clock reads the monotonic clock: the difference of two readings is how long
// something took. It costs half of what time.Now does.
func Clock() time.Duration { return time.Since(started) }
