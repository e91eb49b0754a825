package serve

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"
)

// A State is how a server process is doing.
type State struct {
	CPU            time.Duration `json:"cpu"`     // user and system, since the start
	Mallocs        uint64        `json:"mallocs"` // heap objects allocated since the start
	HeapLive       int64         `json:"heapLive"`
	RSS            int64         `json:"rss"`
	PeakRSS        int64         `json:"peakRss"` // since the start
	Goroutines     int           `json:"goroutines"`
	Files          int           `json:"files"` // open descriptors
	JournalBytes   int64         `json:"journalBytes"`
	JournalPending uint64        `json:"journalPending"`
	DatabaseBytes  int64         `json:"databaseBytes"` // with its write-ahead log
	LiveSessions   int64         `json:"liveSessions"`
	Counts         Counts        `json:"counts"`
}

// Counts are Footfall's own.
type Counts map[string]uint64

// CPUTime is what this process has used.
func CPUTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0 // cannot happen: the arguments are right
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Memory is this process's, resident now and at its peak.
func Memory() (rss, peak int64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	return StatusBytes(status, "VmRSS:"), StatusBytes(status, "VmHWM:")
}

// StatusBytes reads a line of /proc/PID/status, which says kB and means KiB.
func StatusBytes(status []byte, field string) int64 {
	_, rest, _ := bytes.Cut(status, []byte(field))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return n << 10
}

// HeapLive is what the last garbage collection found alive.
func HeapLive() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

func (s *shopServer) state(ctx context.Context) State {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	state := State{CPU: CPUTime(), Mallocs: mem.Mallocs, HeapLive: HeapLive(), Goroutines: runtime.NumGoroutine()}
	state.RSS, state.PeakRSS = Memory()
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		state.Files = len(files) - 1 // without the directory itself
	}
	if t := s.footfall; t != nil {
		status := t.tracker.Status(ctx)
		state.JournalBytes, state.JournalPending, state.LiveSessions = status.JournalBytes, status.JournalPending, status.LiveSessions
		state.Counts = status.Counts
		for _, suffix := range []string{"", "-wal"} {
			if info, err := os.Stat(t.database + suffix); err == nil {
				state.DatabaseBytes += info.Size()
			}
		}
	}
	return state
}
