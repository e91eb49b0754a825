package memory

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Govern sets the garbage collector's limits for a program that has its process to
// itself, until ctx ends, unless GOMEMLIMIT or GOGC do.
//
// From nine tenths of [Limit] on the collector works harder: otherwise the heap may grow
// to twice what is in use, and the kernel ends the process at the limit of its cgroup.
// And the more is in use, the smaller is the part by which the heap may grow: most of a
// large heap are the documents of the hot store, which cost the collector nothing.
func Govern(ctx context.Context) {
	before := Limit() // of which everybody takes shares, before and after
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(before / 10 * 9)
	}
	if os.Getenv("GOGC") != "" {
		return
	}
	const every = 5 * time.Second
	now := growth(0)
	for ticks := time.NewTicker(every); ; {
		select {
		case <-ctx.Done():
			ticks.Stop()
			return
		case <-ticks.C:
		}
		if next := growth(inUse()); next != now {
			debug.SetGCPercent(next)
			now = next
		}
	}
}

// growth is by how many percent a heap may grow before the next collection, of which so
// many bytes are in use.
func growth(bytes uint64) int {
	switch {
	case bytes < 256<<20:
		return 100
	case bytes < 640<<20:
		return 60
	}
	return 35
}

// inUse is how many bytes of the heap the latest collection found in use.
func inUse() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
