package memory

import (
	"context"
	"math"
	"runtime/debug"
	"syscall"
	"testing"
)

// The kernel counts what is not Go's too: SQLite's pages.
func TestGovern_LeavesRoomForWhatIsNotGos(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	if Limit() < 1<<30 {
		t.Skip("this machine is too small")
	}
	const size = 256 << 20
	mapped, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Munmap(mapped) }()
	for i := 0; i < size; i += 4096 {
		mapped[i] = 1
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for why, operators := range map[string]int64{"no GOMEMLIMIT": math.MaxInt64, "GOMEMLIMIT is all that the kernel grants": Limit()} {
		debug.SetMemoryLimit(operators)
		Govern(ended)
		if got, most := debug.SetMemoryLimit(-1), Limit()/10*9-size/10*9; got > most {
			t.Errorf("%s: %d bytes are in use outside of Go's memory, and the collector's limit is %d, want %d or less", why, size, got, most)
		}
	}
}
