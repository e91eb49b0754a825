//go:build linux || darwin || freebsd

package oserror

import (
	"os"
	"path/filepath"
	"syscall"
)

// access reports whether this process has rights to a file, as the bits of a mode.
func access(path string, bits uint32) bool { return syscall.Access(path, bits) == nil }

// leastRoom is how many bytes a disk has to have left for a file to be opened for writing
// and locked.
const leastRoom = 128 << 10

// Probe returns the error that opening a file for reading and writing would return, and
// making another beside it. It opens nothing.
func Probe(file string) error {
	if info, err := os.Stat(file); err != nil {
		return err
	} else if info.IsDir() {
		return &os.PathError{Op: "open", Path: file, Err: syscall.EISDIR}
	}
	const execute, write, read = 1, 2, 4
	for _, c := range []struct {
		path string
		bits uint32
	}{{file, read | write}, {filepath.Dir(file), read | write | execute}} {
		if err := syscall.Access(c.path, c.bits); err != nil {
			return &os.PathError{Op: "open", Path: c.path, Err: err}
		}
	}
	var s syscall.Statfs_t
	if syscall.Statfs(file, &s) == nil && int64(s.Bavail)*int64(s.Bsize) < leastRoom { //nolint:unconvert // the types differ between systems
		return &os.PathError{Op: "write", Path: file, Err: syscall.ENOSPC}
	}
	return nil
}

// ownerOf returns the number of the user that a file belongs to.
func ownerOf(info os.FileInfo) (uid int, known bool) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), true
	}
	return 0, false
}
