package blackbox

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

// An embedding is a shop's own program, testdata/shop, that runs as a process.
type embedding struct {
	shop
	program string
	how     string
}

func openEmbedding(t *testing.T, how string) *embedding {
	t.Helper()
	program := filepath.Join(t.TempDir(), "shop")
	build := exec.Command("go", append(append([]string{"build"}, buildFlags...), "-o", program, "./testdata/shop")...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	dir := filepath.Join(t.TempDir(), "data")
	e := &embedding{program: program, how: how}
	e.instance = &instance{t: t, dataDir: dir, env: environment(dir), out: &output{}, errs: &output{}}
	t.Cleanup(e.finish)
	e.launch()
	return e
}

// launch runs the program and waits until it serves.
func (e *embedding) launch() {
	e.t.Helper()
	printed := len(e.out.String())
	e.process = exec.Command(e.program, e.dataDir, e.how)
	e.process.Env, e.process.Stdout, e.process.Stderr = e.env, e.out, e.errs
	if err := testserver.Launch(e.process); err != nil {
		e.t.Fatal(err)
	}
	ended := make(chan struct{})
	e.ended = ended
	go func() {
		e.err = e.process.Wait()
		close(ended)
	}()
	eventually(e.t, "the shop serves", func() (bool, string) {
		e.url = strings.TrimSpace(e.out.String()[printed:])
		return e.url != "", e.errs.String()
	})
}

// A shop that embeds the library is to the command what footfall serve is.
func TestEmbedded_TheCommandFindsAShopsOwnProgram(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"mount", "listen"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			e := openEmbedding(t, how)
			file := filepath.Join(e.dataDir, "admin.json")
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Fatalf("admin.json: %v %v", info, err)
			}
			b := e.browser()
			b.view("/products/1")
			eventually(t, "footfall doctor finds it, with an empty journal", func() (bool, string) {
				r := e.run("doctor")
				return r.code == 0 && strings.Contains(r.out, "server: journal") && strings.Contains(r.out, " 0 records wait"), r.out + r.errors
			})
			if r := e.run("session", b.session()); r.code != 0 || !strings.Contains(r.out, "remaining") || !strings.Contains(r.out, "44m5") && !strings.Contains(r.out, "45m") {
				t.Errorf("footfall session does not use the idle timeout of the shop's program, 45 minutes: %d\n%s%s", r.code, r.out, r.errors)
			}
			var stats statsJSON
			if e.runJSON(&stats, "stats"); stats.PageViews != 1 || stats.Sessions != 1 {
				t.Errorf("footfall stats shows %+v, want one page view of one session", stats)
			}
			before := b.session()
			if r := e.run("revoke", "--session", before); r.code != 0 || !strings.Contains(r.out, "revoked") {
				t.Errorf("footfall revoke: %d %s%s", r.code, r.out, r.errors)
			}
			if r := e.run("revoke", "--session", before); r.code != 1 {
				t.Errorf("footfall revoke of a session that has ended: exit code %d, want 1: %s", r.code, r.errors)
			}
			if b.view("/products/2"); b.session() == before {
				t.Error("the session that was revoked goes on")
			}
			if resp, err := http.Get(e.url + "/metrics"); err != nil {
				t.Error(err)
			} else if resp.Body.Close(); how == "mount" && resp.StatusCode != 401 {
				t.Errorf("/metrics answers a stranger with %d, want 401", resp.StatusCode)
			}
			if r := e.run("demo"); r.code != 2 || !strings.Contains(r.errors, "DATA_DIR") || strings.Count(r.errors, "\n") != 1 {
				t.Errorf("footfall demo on the same directory: exit code %d, %q", r.code, r.errors)
			}
			e.instance.stop(syscall.SIGTERM)
			if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("after a clean end admin.json is still there: %v", err)
			}
			if r := e.run("doctor"); r.code != 0 || !strings.Contains(r.out, "none runs on this DATA_DIR\n") {
				t.Errorf("footfall doctor after a clean end: %d\n%s", r.code, r.out)
			}
		})
	}
}

func TestEmbedded_WhatAKilledProgramLeavesIsRecognised(t *testing.T) {
	t.Parallel()
	e := openEmbedding(t, "listen")
	b := e.browser()
	b.view("/products/1")
	e.instance.kill()
	file := filepath.Join(e.dataDir, "admin.json")
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("the killed program left no admin.json: the test does not test: %v", err)
	}
	if r := e.run("doctor"); r.code != 0 || !strings.Contains(r.out, "none runs on this DATA_DIR; the last one, process") {
		t.Errorf("footfall doctor: exit code %d, want 0 and that the last process was killed\n%s%s", r.code, r.out, r.errors)
	}
	began := time.Now()
	if r := e.run("revoke", "--session", b.session()); r.code != 0 {
		t.Errorf("footfall revoke takes the killed program for a running one: exit code %d after %v: %s", r.code, time.Since(began), r.errors)
	}
	e.launch()
	before := b.session()
	if b.view("/products/2"); b.session() == before {
		t.Error("the session that was revoked while the program did not run goes on")
	}
	if r := e.run("doctor"); r.code != 0 || !strings.Contains(r.out, "server: journal") {
		t.Errorf("footfall doctor after the next start: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
}
