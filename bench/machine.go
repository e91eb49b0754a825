package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine says on what was measured.
func machine(ctx context.Context) string {
	text := fmt.Sprintf("%d cores", runtime.NumCPU())
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, rest, _ := bytes.Cut(info, []byte("model name\t: "))
		name, _, _ := bytes.Cut(rest, []byte("\n"))
		if len(name) > 0 {
			text += " of " + string(name)
		}
	}
	if release, err := exec.CommandContext(ctx, "uname", "-sr").Output(); err == nil {
		text += ", " + strings.TrimSpace(string(release))
	}
	return text + ", " + strings.Replace(runtime.Version(), "go", "Go ", 1)
}

// loadBefore is what the machine had to do when a scenario began: this program's
// own work in the minute before counts too.
var loadBefore string

// loadAverage is that of a minute, "" where there is none.
func loadAverage() string {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(load), " ")
	return ", load average before " + minute
}

// measured begins the line under a table.
func measured() string {
	return time.Now().UTC().Format("2006-01-02") + ", " + machine(context.Background()) + loadBefore
}
