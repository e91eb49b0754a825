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
// itself, until ctx ends. Of several calls at a time one does.
//
// From nine tenths of what the kernel grants the process on, less what is in use outside of
// Go's memory, the collector works harder: otherwise the heap may grow to twice what is in
// use, and the kernel ends the process at the limit of its cgroup. SQLite has its pages
// outside, some 100 MB of them, and the kernel what it keeps of connections. A lower
// GOMEMLIMIT holds; one that leaves no room for what is outside does not.
// And the more is in use, the smaller is the part by which the heap may grow, unless GOGC
// or the program says by how much: most of a large heap are the documents of the hot store,
// which cost the collector nothing.
func Govern(ctx context.Context) {
	Limit() // of which everybody takes shares, before and after
	if !take(ctx) {
		return
	}
	defer func() { <-governing }()
	const every = 2 * time.Second // a flood can use up a small machine's memory within 15 s
	grows := mayGrow()
	for ticks := time.NewTicker(every); ; {
		setLimit()
		select {
		case <-ctx.Done():
			ticks.Stop()
			return
		case <-ticks.C:
		}
		if next := growth(inUse()); grows && next != percent() {
			debug.SetGCPercent(next)
			set.percent = next
		}
	}
}

var (
	governing = make(chan struct{}, 1) // has an element while somebody governs

	// set is what was set last, and in whose place. Who governs has it.
	set struct {
		limit, operators int64
		percent          int
	}
)

// take waits until nobody else governs, and says whether it came to that before ctx ended.
func take(ctx context.Context) bool {
	select {
	case governing <- struct{}{}:
		return true
	default:
	}
	select {
	case governing <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// setLimit sets the collector's limit to what is left for Go's memory, or to the
// operator's if that is less.
func setLimit() {
	const little = 4 << 20 // setting a limit stops the program for a moment
	now := debug.SetMemoryLimit(-1)
	if now != set.limit {
		set.operators = now
	}
	most := granted()
	if most == math.MaxInt64 {
		most = Unknown
		if set.operators != math.MaxInt64 {
			return
		}
	}
	next := min(set.operators, max(most/10*9-outside(os.ReadFile), most/2))
	if next < now-little || next > now+little {
		debug.SetMemoryLimit(next)
		set.limit = next
	}
}

// mayGrow reports whether nobody else said by how much the heap grows.
func mayGrow() bool {
	now := percent()
	return os.Getenv("GOGC") == "" && (now == growth(0) || now == set.percent)
}

// percent is by how much a heap may grow now before the next collection.
func percent() int {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return int(min(sample[0].Value.Uint64(), math.MaxInt32)) //nolint:gosec // it is small
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
