package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// build builds the command as it is shipped.
func build(ctx context.Context, into string, flags ...string) error {
	args := append(append([]string{"build"}, flags...), "-o", into, "github.com/footfall-go/footfall/cmd/footfall")
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// buildSkewed builds the same command with a wall clock that can be changed. Go
// reads the kernel's clock without a system call, so nothing outside of the
// process could change it, except by changing the machine's clock. time.Now adds
// an offset; the monotonic clock, and with it timers and measured durations, are
// unchanged. This compiles the standard library anew, which takes minutes the
// first time.
func buildSkewed(ctx context.Context, dir string) (binary string, err error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(source), now) != 1 {
		return "", fmt.Errorf("%s: time.Now is not as it was: the clock cannot be put", original)
	}
	patched := strings.Replace(string(source), now, patchedNow, 1)
	module, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "github.com/footfall-go/footfall/cmd/footfall").Output()
	if err != nil {
		return "", err
	}
	replaced := map[string]string{
		original: filepath.Join(dir, "time.go"),
		filepath.Join(strings.TrimSpace(string(module)), "clock_skew.go"): filepath.Join(dir, "clock_skew.go"),
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	for name, content := range map[string]string{"time.go": patched, "clock_skew.go": skewReader, "overlay.json": string(overlay)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	binary = filepath.Join(dir, "footfall-skewed")
	return binary, build(ctx, binary, "-overlay", filepath.Join(dir, "overlay.json"))
}

const patchedNow = `//go:linkname wallOffset
var wallOffset int64

func Now() Time {
	sec, nsec, mono := runtimeNow()
	sec += wallOffset
`

// clockVariable names the file that holds the offset in seconds.
const clockVariable = "FAULTS_CLOCK"

const skewReader = `package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	_ "unsafe"
)

//go:linkname wallOffset time.wallOffset
var wallOffset int64

func init() {
	name := os.Getenv("FAULTS_CLOCK")
	if name == "" {
		return
	}
	look := func() {
		b, err := os.ReadFile(name)
		if err != nil {
			return
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		if err == nil {
			atomic.StoreInt64(&wallOffset, n)
		}
	}
	look()
	go func() {
		for {
			time.Sleep(50 * time.Millisecond)
			look()
		}
	}()
}
`
