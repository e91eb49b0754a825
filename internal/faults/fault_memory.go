package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// smallMemoryWorld has one instance that may use little memory.
func smallMemoryWorld(p *plan) (*world, error) {
	return openLocal(p.t, p.binary, "", p.scale(p.local), "GOMEMLIMIT=64MiB", "NEW_SESSIONS_PER_MINUTE=0")
}

const (
	fatVisits = 6000
	// mostMemory is what a process with GOMEMLIMIT=64MiB may take after that many
	// sessions with the longest texts, with SQLite and the runtime. At 22 KB in the hot
	// store and as much in the tracker's table they alone would take 260 MiB.
	mostMemory = 230 << 20
)

// fatSessions begins sessions with the longest texts from ever new networks: the
// memory that they take is bounded in bytes.
var fatSessions = fault{name: "fat sessions", open: smallMemoryWorld, run: func(w *world, length time.Duration) error {
	p := w.processes[0]
	var sent, failed atomic.Int64
	for began := time.Now(); sent.Load() < fatVisits || time.Since(began) < length; {
		w.beside(4, time.Second, func(int, *rand.Rand, <-chan struct{}) {
			n := sent.Add(1)
			v := newFlooder(fmt.Sprintf("198.%d.%d.7", 18+n>>8&1, n&255))
			r := w.crowd.open(v, pageView)
			a := v.send(w.crowd.base, "GET", fmt.Sprintf("%s%d?mark=%s%s", productsAt, 1+n%200, r.mark, worstQuery), nil)
			w.crowd.close(r, a, a.floodOutcome(), "")
			w.crowd.meet(a)
			if a.err != nil || a.status != http.StatusOK {
				failed.Add(1)
			}
		})
	}
	took, err := residentBytes(p.cmd.Process.Pid)
	switch {
	case err != nil:
		return err
	case took > mostMemory:
		return fmt.Errorf("after %d sessions with the longest texts the process takes %d MiB: memory has a bound in bytes", sent.Load(), took>>20)
	case failed.Load() > 0:
		return fmt.Errorf("%d of %d visits with long texts were not answered with 200", failed.Load(), sent.Load())
	}
	return nil
}}

// residentBytes is how much memory a process takes.
func residentBytes(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no VmRSS", pid)
}
