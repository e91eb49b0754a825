package memory

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
)

// kernels is how many bytes the kernel holds for this process's cgroup that count
// against its limit: what connections have not taken or sent yet, and of the kernel's
// own memory what it cannot give back. 0 if the operating system does not say. Version 1
// does not count sockets against memory.limit_in_bytes.
func kernels(read func(string) ([]byte, error)) (bytes int64) {
	for _, c := range cgroups(read) {
		if c.version1 {
			continue
		}
		text, err := read(filepath.Join(c.root, c.dir, "memory.stat"))
		if err != nil {
			continue
		}
		var sockets, own, reclaimable int64
		for line := range strings.Lines(string(text)) {
			name, rest, _ := strings.Cut(line, " ")
			n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			if err != nil || n < 0 {
				continue
			}
			switch name {
			case "sock":
				sockets = n
			case "kernel": // since Linux 5.18, without sockets
				own = n
			case "slab_reclaimable": // a part of it, files' names mostly
				reclaimable = n
			}
		}
		bytes = sum(bytes, sum(sockets, max(own-reclaimable, 0)))
	}
	return bytes
}

// sum adds numbers above or equal to zero.
func sum(a, b int64) int64 { return a + min(b, math.MaxInt64-a) }
