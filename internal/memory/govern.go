package memory

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Govern sets the garbage collector's limits for a program that has its process to
// itself, until ctx ends, unless GOMEMLIMIT or GOGC do.
//
// From nine tenths of [Limit] on, less what is in use outside of Go's memory, the
// collector works harder: otherwise the heap may grow to twice what is in use, and the
// kernel ends the process at the limit of its cgroup. SQLite has its pages outside, some
// 100 MB of them, and the kernel what connections have not taken yet. However much that
// is, the collector's limit is half of [Limit] at least.
// And the more is in use, the smaller is the part by which the heap may grow: most of a
// large heap are the documents of the hot store, which cost the collector nothing.
func Govern(ctx context.Context) {
	before := Limit() // of which everybody takes shares, before and after
	limits, grows := debug.SetMemoryLimit(-1) == math.MaxInt64, os.Getenv("GOGC") == ""
	const every = 2 * time.Second // a flood can use up a small machine's memory within 15 s
	const little = 4 << 20        // setting a limit stops the program for a moment
	now, limit := growth(0), int64(0)
	for ticks := time.NewTicker(every); ; {
		if limits {
			next := max(before/10*9-outside(os.ReadFile), before/2)
			if next < limit-little || next > limit+little {
				debug.SetMemoryLimit(next)
				limit = next
			}
		}
		select {
		case <-ctx.Done():
			ticks.Stop()
			return
		case <-ticks.C:
		}
		if next := growth(inUse()); grows && next != now {
			debug.SetGCPercent(next)
			now = next
		}
	}
}

// outside is how many bytes are in use that are not Go's: of this process, and of the
// kernel for its cgroup.
func outside(read func(string) ([]byte, error)) int64 { return sum(mapped(read), kernels(read)) }

// mapped is how many bytes of this process's memory are not Go's, 0 if the operating
// system does not say.
func mapped(read func(string) ([]byte, error)) int64 {
	text, err := read("/proc/self/statm")
	if err != nil {
		return 0
	}
	var pages, resident, shared int64
	if _, err := fmt.Sscan(string(text), &pages, &resident, &shared); err != nil {
		return 0
	}
	of := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(of)
	ours := of[0].Value.Uint64() - of[1].Value.Uint64()
	return max((resident-shared)*int64(os.Getpagesize())-int64(min(ours, math.MaxInt64)), 0)
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
