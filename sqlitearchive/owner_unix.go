//go:build unix

package sqlitearchive

import (
	"os"
	"syscall"
)

// likeOwnerOf gives a file the owner of a directory if root runs this: the process
// that serves the directory usually runs as another user.
func likeOwnerOf(dir, file string) {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(file, int(owner.Uid), int(owner.Gid)) // the process says so if it cannot open the file
	}
}
