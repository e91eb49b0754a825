// Package memory says how much memory this process may use.
//
// It owns where that is read: GOMEMLIMIT, the cgroup's limit, the machine's memory.
// It promises a figure above zero, read once.
// It never measures what is in use.
package memory

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
)

// Unknown is what is assumed where the operating system is not asked, 2 GiB: on systems
// other than Linux without GOMEMLIMIT.
const Unknown = 2 << 30

// Limit is how many bytes this process may use: the least of GOMEMLIMIT, the limits of
// its cgroup and of those above it, and the machine's memory.
var Limit = sync.OnceValue(func() int64 { return limit(debug.SetMemoryLimit(-1), granted()) })

// Share is a part of [Limit] in percent.
func Share(percent int64) int64 { return Limit() / 100 * percent }

func limit(goLimit, granted int64) int64 {
	if goLimit <= 0 {
		goLimit = math.MaxInt64
	}
	if least := min(goLimit, granted); least < math.MaxInt64 {
		return least
	}
	return Unknown
}

// granted is how many bytes the kernel lets this process have, whatever GOMEMLIMIT says.
var granted = sync.OnceValue(func() int64 { return kernelLimit(os.ReadFile) })

// kernelLimit is the least limit of the process's cgroups and of the machine,
// [math.MaxInt64] if none can be read.
func kernelLimit(read func(string) ([]byte, error)) int64 {
	least := int64(math.MaxInt64)
	if total, ok := machine(read); ok {
		least = total
	}
	for _, path := range limitFiles(read) {
		text, err := read(path)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 { // "max": none
			least = min(least, n)
		}
	}
	return least
}

// machine is the machine's memory.
func machine(read func(string) ([]byte, error)) (int64, bool) {
	text, err := read("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, "MemTotal:")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		return n << 10, err == nil && n > 0
	}
	return 0, false
}
