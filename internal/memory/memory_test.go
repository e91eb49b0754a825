package memory

import (
	"io/fs"
	"math"
	"testing"
)

func TestLimit_IsTheLeastThatBindsTheProcess(t *testing.T) {
	const meminfo = "MemTotal:        8388608 kB\nMemFree: 1 kB\n"
	for _, c := range []struct {
		why     string
		goLimit int64
		files   map[string]string
		want    int64
	}{
		{"GOMEMLIMIT is what the operator said", 1 << 28, map[string]string{"/proc/meminfo": meminfo}, 1 << 28},
		{"GOMEMLIMIT cannot be more than what the kernel grants", 1 << 30, map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		{"without a limit the machine's memory binds", math.MaxInt64, map[string]string{"/proc/meminfo": meminfo}, 8 << 30},
		{"a cgroup without a limit changes nothing", math.MaxInt64, map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "max\n"}, 8 << 30},
		{"the cgroup's limit binds", math.MaxInt64, map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		{"the limit of a cgroup above binds too", math.MaxInt64, map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/memory.max": "536870912\n", "/sys/fs/cgroup/a/b/memory.max": "max\n"}, 512 << 20},
		{"cgroups of version 1 bind too", math.MaxInt64, map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "3:cpu:/x\n7:memory:/d\n", "/sys/fs/cgroup/memory/d/memory.limit_in_bytes": "268435456\n"}, 256 << 20},
		{"a cgroup of version 1 without a limit says a large number", math.MaxInt64, map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "7:memory:/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8 << 30},
		{"where nothing can be read, a figure is assumed", math.MaxInt64, nil, Unknown},
	} {
		read := func(path string) ([]byte, error) {
			if text, ok := c.files[path]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		}
		if got := limit(c.goLimit, kernelLimit(read)); got != c.want {
			t.Errorf("limit = %d, want %d: %s", got, c.want, c.why)
		}
	}
	if Limit() <= 0 || Share(25) > Limit()/4 {
		t.Errorf("Limit() = %d, Share(25) = %d", Limit(), Share(25))
	}
}
