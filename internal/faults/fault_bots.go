package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// botFlood sends requests with long URLs from one address as a tool. All of them have
// to be counted, but the disk must not be filled with them.
var botFlood = fault{name: "bot flood", open: ownWorld(), more: 8 * time.Second, run: func(w *world, _ time.Duration) error {
	const (
		requests = 20_000
		long     = 2000
		disk     = 8 << 20 // by how much database and journal may grow, with what the visitors do
	)
	p := w.processes[0]
	before := sizeOf(p.dataDir)
	var counted atomic.Int64
	w.flood(16, requests, func(n int, _ *rand.Rand) {
		v := newKeeper("198.51.100.7")
		a := v.send(w.crowd.base, "GET", fmt.Sprintf("%s1?n=%d&q=%s", productsAt, n, strings.Repeat("x", long)), nil, "User-Agent", "curl/8.5.0")
		switch {
		case a.err == nil && a.status == http.StatusOK:
			counted.Add(1)
		case a.err == nil:
			w.crowd.register.report(unwell, "bot flood", fmt.Sprintf("a page was answered with %d", a.status))
		}
		if a.set {
			w.crowd.register.report(unwell, "bot flood", "a tool got a cookie")
		}
	})
	w.mustCatchUp()
	grown := sizeOf(p.dataDir) - before
	w.t.Logf("%d requests of %d bytes made the disk grow by %d KiB, of at most %d", counted.Load(), long, grown>>10, disk>>10)
	if grown > disk {
		w.crowd.register.report(unwell, "bot flood", fmt.Sprintf("database and journal grew by %d MiB: one address must not make them grow by more than %d", grown>>20, disk>>20))
	}
	if err := w.mustBeSmall(p); err != nil {
		return err
	}
	if err := w.restart(p); err != nil {
		return err
	}
	views, err := p.botViews()
	if err != nil {
		return err
	}
	if views != counted.Load() {
		w.crowd.register.report(misdeclared, "bot flood", fmt.Sprintf("%d requests of a tool were answered, and %d are in the statistics", counted.Load(), views))
	}
	return nil
}}

// botViews returns how many page views of software the command shows.
func (p *process) botViews() (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.binary, "stats", "--json")
	cmd.Env = p.env
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("footfall stats: %w", err)
	}
	var stats struct{ BotViews int64 }
	err = json.Unmarshal(out, &stats)
	return stats.BotViews, err
}

// sizeOf returns the number of bytes of all files in a directory.
func sizeOf(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			n += size(path)
		}
		return nil // a file that has just gone has no size
	})
	return n
}
