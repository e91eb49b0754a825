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

// machine describes the machine that the measurement ran on.
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

// loadBefore is the load of the machine when a scenario began. It includes this
// program's own work in the minute before.
var loadBefore string

// loadAverage returns the load average of one minute, "" where there is none.
func loadAverage() string {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(load), " ")
	return ", load average before " + minute
}

// measured returns the beginning of the line under a table.
func measured() string {
	return time.Now().UTC().Format("2006-01-02") + ", " + machine(context.Background()) + loadBefore
}
