package main

import (
	"strings"
	"testing"

	"github.com/footfall-go/footfall/bench/serve"
)

// soaked returns samples of a server with 100,000 events between two of them,
// changed by edit.
func soaked(n int, edit func(i int, s *sample)) []sample {
	samples := make([]sample, n)
	for i := range samples {
		samples[i] = sample{
			serve.State{Goroutines: 300, Files: 280, HeapLive: 40 << 20, RSS: 200 << 20, JournalBytes: 8 << 20, LiveSessions: 20_000, DatabaseBytes: int64(i+1) * 100_000 * 300},
			serve.Stored{Views: int64(i+1) * 100_000},
		}
		edit(i, &samples[i])
	}
	return samples
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name    string
		samples []sample
		grows   string
	}{
		{"flat", soaked(40, func(int, *sample) {}), ""},
		{"a cache that fills first", soaked(40, func(i int, s *sample) { s.RSS -= int64(max(10-i, 0)) * 10 << 20 }), ""},
		{"a goroutine a minute", soaked(40, func(i int, s *sample) { s.Goroutines += i * 3 }), "goroutines"},
		{"files", soaked(40, func(i int, s *sample) { s.Files += i * 2 }), "open files"},
		{"heap", soaked(40, func(i int, s *sample) { s.HeapLive += int64(i) << 20 }), "heap"},
		{"sessions that stay", soaked(40, func(i int, s *sample) { s.LiveSessions += int64(i) * 500 }), "live sessions"},
		{"a journal that is not emptied", soaked(40, func(i int, s *sample) { s.JournalBytes += int64(i) << 20 }), "journal"},
		{"a database that grows by itself", soaked(40, func(i int, s *sample) { s.DatabaseBytes += int64(i*i) * 1_000_000 }), "database, bytes an event"},
	} {
		growing, text := verdict(c.samples)
		if growing != (c.grows != "") {
			t.Errorf("%s: growing is %v\n%s", c.name, growing, text)
		}
		for line := range strings.Lines(text) {
			if strings.Contains(line, "growing") && !strings.HasPrefix(line, "| "+c.grows+" |") {
				t.Errorf("%s: %s", c.name, line)
			}
		}
	}
}
