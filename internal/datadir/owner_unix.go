//go:build unix

package datadir

import (
	"os"
	"syscall"
)

// giveToOwnerOf gives a file that root has created the owner of its directory: the
// server there usually runs as another user.
func giveToOwnerOf(dir, file string) {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(file, int(owner.Uid), int(owner.Gid)) // the server says so if it cannot open the file
	}
}
