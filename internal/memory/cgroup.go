package memory

import (
	"path/filepath"
	"strings"
)

// A cgroup is this process's own in one of the hierarchies that may limit its memory.
type cgroup struct {
	root, dir string
	version1  bool
}

func cgroups(read func(string) ([]byte, error)) (all []cgroup) {
	text, err := read("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) != 3:
		case strings.Contains(","+parts[1]+",", ",memory,"):
			all = append(all, cgroup{"/sys/fs/cgroup/memory", filepath.Join("/", parts[2]), true})
		case parts[1] == "":
			all = append(all, cgroup{"/sys/fs/cgroup", filepath.Join("/", parts[2]), false})
		}
	}
	return all
}

// limitFiles are the files that may hold a limit: of this process's cgroup, and of
// each above it, in versions 2 and 1.
func limitFiles(read func(string) ([]byte, error)) (paths []string) {
	for _, c := range cgroups(read) {
		file := "memory.max"
		if c.version1 {
			file = "memory.limit_in_bytes"
		}
		for dir := c.dir; ; dir = filepath.Dir(dir) {
			paths = append(paths, filepath.Join(c.root, dir, file))
			if dir == "/" {
				break
			}
		}
	}
	return paths
}
