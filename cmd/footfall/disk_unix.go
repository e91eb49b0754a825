//go:build linux || darwin || freebsd

package main

import (
	"os"
	"syscall"
)

// freeSpace returns how many bytes a disk has left for users other than root.
func freeSpace(dir string) (bytes int64, known bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // the types differ between systems
}

// ownerOf returns the number of the user that a file belongs to.
func ownerOf(info os.FileInfo) (uid int, known bool) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), true
	}
	return 0, false
}
