//go:build unix

package connection

import (
	"math"
	"syscall"
)

// openFiles is how many files this process may have open. Go has raised that to the most
// that it may ask for.
func openFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur <= 0 || uint64(limit.Cur) > math.MaxInt32 { //nolint:unconvert // it is signed on FreeBSD
		return math.MaxInt32
	}
	return int(limit.Cur) //nolint:gosec // it is small
}
