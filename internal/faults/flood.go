package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A flood ends when it has sent all its requests. If that takes longer than
// floodPatience it ends too: the shop, or the machine, is slow then, and the fault
// goes on with what was sent.
const floodPatience = 40 * time.Second

// keeping is the client of floods. It keeps connections open, because a flood that
// makes one for each request is slow. No process may be stopped while it sends: then
// net/http repeats requests by itself.
var keeping = &http.Client{
	Timeout:       answerPatience,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 2000, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// newKeeper is a stranger who keeps connections open.
func newKeeper(address string) *visitor {
	v := newStranger(address)
	v.client = keeping
	return v
}

// flood does something so many times, on several connections at once and as quickly
// as answers come. It returns how often it did.
func (w *world) flood(connections, times int, do func(n int, random *rand.Rand)) (done int) {
	defer keeping.CloseIdleConnections()
	until := time.Now().Add(floodPatience)
	var next, did atomic.Int64
	var all sync.WaitGroup
	for i := range connections {
		random := rand.New(rand.NewPCG(w.random.Uint64(), uint64(i)))
		all.Go(func() {
			for n := int(next.Add(1)); n <= times && time.Now().Before(until); n = int(next.Add(1)) {
				do(n-1, random)
				did.Add(1)
			}
		})
	}
	all.Wait()
	return int(did.Load())
}

// fell kills a process with kill -9 and starts it again.
func (w *world) fell(p *process) error {
	p.kill()
	return p.start()
}

// mustCatchUp waits until what a flood left in the journals is stored, and reports a shop
// that does not get there. What is left is about a second's facts of a shop of that rate.
func (w *world) mustCatchUp() { w.mustCatchUpTo(3 * w.load.rate) }

func (w *world) mustCatchUpTo(facts float64) {
	if err := w.caughtUp(facts, recovery); err != nil {
		w.crowd.register.report(unwell, "flood", err.Error())
	}
}

// floodMemory is the most that a process may hold, in bytes, during a flood. The floods
// are short: this shows requests that wait in memory, or that each take much of it, but
// not what stays of each for ever.
const floodMemory = 384 << 20

// peak returns the most memory that the running process has held, in bytes.
func (p *process) peak() (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if text, ours := strings.CutPrefix(line, "VmHWM:"); ours {
			kilobytes, err := strconv.ParseInt(strings.Fields(text)[0], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no VmHWM", p.cmd.Process.Pid)
}

// mustBeSmall reports a process that held more memory than it may.
func (w *world) mustBeSmall(p *process) error {
	held, err := p.peak()
	if err != nil {
		return err
	}
	w.t.Logf("the process held %d MiB, of at most %d", held>>20, floodMemory>>20)
	if held > floodMemory {
		w.crowd.register.report(unwell, p.addr, fmt.Sprintf("the process held %d MiB: strangers must not make it hold more than %d", held>>20, floodMemory>>20))
	}
	return nil
}
