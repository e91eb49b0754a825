package main

import (
	"fmt"
	"strings"

	"github.com/footfall-go/footfall/bench/serve"
)

// A sample is the state of the server at one time of a soak.
type sample struct {
	serve.State
	Stored serve.Stored
}

// A gauge is a value that must not grow. It grows if it is higher by more than a
// tenth and by more than its bit.
type gauge struct {
	name  string
	of    func(sample) float64
	slack float64
	show  func(float64) string
}

func count(n float64) string { return fmt.Sprintf("%.0f", n) }

var gauges = []gauge{
	{"goroutines", func(s sample) float64 { return float64(s.Goroutines) }, 10, count},
	{"open files", func(s sample) float64 { return float64(s.Files) }, 8, count},
	{"live sessions", func(s sample) float64 { return float64(s.LiveSessions) }, 1000, count},
	{"heap", func(s sample) float64 { return float64(s.HeapLive) }, 8 << 20, mebibytes},
	{"RSS", func(s sample) float64 { return float64(s.RSS) }, 16 << 20, mebibytes},
	{"journal", func(s sample) float64 { return float64(s.JournalBytes) }, 16 << 20, mebibytes},
}

const growth = 0.10

// verdict compares the second quarter of a soak with the last; caches fill during
// the first. The database grows as expected, so its size per event is compared.
func verdict(samples []sample) (growing bool, text string) {
	if len(samples) < 8 {
		return false, "too short for a verdict: fewer than eight samples\n"
	}
	quarter := len(samples) / 4
	second, last := samples[quarter:2*quarter], samples[len(samples)-quarter:]
	var b strings.Builder
	row(&b, []string{"", "second quarter", "last quarter", ""})
	row(&b, []string{"---", "---", "---", "---"})
	judge := func(name string, before, after, slack float64, show func(float64) string) {
		says := "flat"
		if after > before*(1+growth)+slack {
			says, growing = "**growing**", true
		}
		row(&b, []string{name, show(before), show(after), says})
	}
	for _, g := range gauges {
		judge(g.name, mean(second, g.of), mean(last, g.of), g.slack, g.show)
	}
	judge("database, bytes an event", perEvent(samples[quarter-1], second), perEvent(samples[len(samples)-quarter-1], last), 20, count)
	return growing, b.String()
}

func mean(samples []sample, of func(sample) float64) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += of(s)
	}
	return sum / float64(len(samples))
}

// perEvent returns by how much the database grew for each event.
func perEvent(before sample, samples []sample) float64 {
	after := samples[len(samples)-1]
	return float64(after.DatabaseBytes-before.DatabaseBytes) / float64(max(after.Stored.Views-before.Stored.Views, 1))
}
