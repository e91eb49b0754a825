package memory

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

func TestGovern_KeepsToTheLimitOfWhoSetOne(t *testing.T) {
	set := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(set)
	share := Share(100)
	ended, end := context.WithCancel(t.Context())
	end()
	debug.SetMemoryLimit(math.MaxInt64)
	Govern(ended)
	if got := debug.SetMemoryLimit(-1); got > Limit()/10*9 || got < Limit()/2 || Share(100) != share {
		t.Errorf("the collector's limit is %d, want nine tenths of %d or less, of which shares are still taken", got, Limit())
	}
	debug.SetMemoryLimit(Limit() / 4)
	if Govern(ended); debug.SetMemoryLimit(-1) != Limit()/4 {
		t.Error("a limit that the operator set is replaced, though it leaves room")
	}
}

// A program that says by how much its heap grows, and one of which two parts call Govern.
func TestGovern_OneAtATimeAndNoneAgainstTheProgram(t *testing.T) {
	percent := debug.SetGCPercent(77)
	defer debug.SetGCPercent(percent)
	large := make([]byte, 300<<20)
	debug.FreeOSMemory() // collects
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		Govern(ctx)
		governing <- struct{}{} // somebody else does
		ended, now := context.WithCancel(t.Context())
		now()
		Govern(ended)
		<-governing
	})
	if got := debug.SetGCPercent(77); got != 77 || large[0] != 0 {
		t.Errorf("the program has its heap grow by 77 %%, and it is %d", got)
	}
}

func TestOutside(t *testing.T) {
	for _, c := range []struct {
		statm string
		least int64 // bytes
		err   error
	}{
		{"9999999 1100000 100000 1 0 2 0", int64(1_000_000*os.Getpagesize()) - 1<<30, nil},
		{"", 0, nil},
		{"x y z", 0, nil},
		{"100 10 10", 0, nil},
		{"", 0, os.ErrNotExist},
	} {
		got := outside(func(string) ([]byte, error) { return []byte(c.statm), c.err })
		if got < c.least || c.least == 0 && got != 0 {
			t.Errorf("%q: %d bytes are outside of Go's memory, want %d at least", c.statm, got, c.least)
		}
	}
}

func TestGovern_ALargeHeapGrowsByLess(t *testing.T) {
	percent := debug.SetGCPercent(100)
	defer debug.SetGCPercent(percent)
	large := make([]byte, 300<<20)
	govern := func(t *testing.T) (growth int) {
		synctest.Test(t, func(t *testing.T) {
			ctx, end := context.WithTimeout(t.Context(), time.Minute)
			defer end()
			Govern(ctx)
		})
		growth = debug.SetGCPercent(100)
		return growth
	}
	debug.FreeOSMemory() // collects
	if got := govern(t); got != 60 {
		t.Errorf("with %d MiB in use the heap may grow by %d %%, want 60", len(large)>>20, got)
	}
	t.Setenv("GOGC", "100")
	if got := govern(t); got != 100 {
		t.Errorf("GOGC is set, and the heap may grow by %d %%", got)
	}
	if large[0] != 0 || growth(0) != 100 || growth(1<<30) >= growth(300<<20) {
		t.Error("a larger heap may grow by more")
	}
}
