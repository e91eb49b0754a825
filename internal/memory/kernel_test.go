package memory

import (
	"io/fs"
	"math"
	"testing"
)

// The kernel counts what it holds for the process's connections against the cgroup's
// limit, beside the process's pages.
func TestOutside_CountsWhatTheKernelHoldsForTheCgroup(t *testing.T) {
	const stat = "anon 900\nfile 800\nkernel 50000000\nkernel_stack 4\nsock 70000000\nslab_reclaimable 20000000\nslab_unreclaimable 3\n"
	for _, c := range []struct {
		why   string
		files map[string]string
		want  int64
	}{
		{"sockets count, and of the kernel's own what it cannot give back", map[string]string{"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.stat": stat}, 100_000_000},
		{"a container sees its cgroup as the root", map[string]string{"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.stat": stat}, 100_000_000},
		{"a cgroup above is not the process's own", map[string]string{"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/memory.stat": stat}, 0},
		{"kernels before 5.18 do not say what is their own", map[string]string{"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.stat": "slab_reclaimable 20000000\nsock 70000000\n"}, 70_000_000},
		{"version 1 does not count sockets against memory.limit_in_bytes", map[string]string{"/proc/self/cgroup": "7:memory:/d\n0::/\n", "/sys/fs/cgroup/memory/d/memory.stat": stat}, 0},
		{"what is no number counts nothing", map[string]string{"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.stat": "sock x\nkernel -5\n\nsock\n"}, 0},
		{"no number is so large that it overflows", map[string]string{"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.stat": "sock 9223372036854775807\nkernel 9223372036854775807\n"}, math.MaxInt64},
		{"without cgroups there is nothing to count", nil, 0},
	} {
		read := func(path string) ([]byte, error) {
			if text, ok := c.files[path]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		}
		if got := outside(read); got != c.want {
			t.Errorf("%d bytes are outside of Go's memory, want %d: %s", got, c.want, c.why)
		}
	}
	const statm = "9999999 1100000 100000 1 0 2 0"
	both := func(path string) ([]byte, error) {
		return []byte(map[string]string{"/proc/self/statm": statm, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.stat": stat}[path]), nil
	}
	alone := outside(func(string) ([]byte, error) { return []byte(statm), nil })
	if got := outside(both); got < alone+50_000_000 { // Go's own memory may grow meanwhile
		t.Errorf("with the kernel's %d bytes are outside of Go's memory, and %d without: want 100 MB more", got, alone)
	}
}
