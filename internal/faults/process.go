package faults

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

const (
	adminToken    = "faults-admin-token-0123456789"
	cookieSecret  = "Zr6Qw2Yx8Tn4Vb1Kc5Mh7Lp9Jd3Gs0Fa"
	startPatience = 30 * time.Second // a journal may have to be replayed first
	endPatience   = 30 * time.Second
)

// A process is one instance of the shop, through all its lives (starts), always
// on the same port and directory.
type process struct {
	binary, dataDir, addr string
	env                   []string

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
	err   error
	lives []*life
	polls int
	said  bytes.Buffer // what it printed in all its lives
}

func newProcess(binary, dataDir string, settings ...string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	env := []string{"ADDR=" + addr, "DATA_DIR=" + dataDir, "COOKIE_SECRET=" + cookieSecret, "ADMIN_TOKEN=" + adminToken,
		"TRUSTED_PROXIES=127.0.0.0/8", "SESSION_TTL=6h"} // long enough that no session ends when the clock jumps by an hour
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		env = append(env, name+"="+os.Getenv(name))
	}
	return &process{binary: binary, dataDir: dataDir, addr: addr, env: append(env, settings...)}, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// launch runs the process.
func (p *process) launch() error {
	cmd := exec.Command(p.binary, "demo")
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, (*quietly)(p), (*quietly)(p)
	if err := testserver.Launch(cmd); err != nil {
		return err
	}
	ended := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.ended, p.err = cmd, ended, nil
	p.lives = append(p.lives, &life{counts: map[string]float64{}})
	p.mu.Unlock()
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(ended)
	}()
	return nil
}

// start runs the process and waits until it answers requests; it may still be
// replaying its journal.
func (p *process) start() error {
	if err := p.launch(); err != nil {
		return err
	}
	ended := p.ended
	for deadline := time.Now().Add(startPatience); ; time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			return fmt.Errorf("the shop ended: %w\n%s", p.err, p.tail())
		default:
		}
		if resp, err := probe.Get("http://" + p.addr + "/healthz"); err == nil {
			resp.Body.Close()
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the shop does not serve after %v\n%s", startPatience, p.tail())
		}
	}
}

// probe asks a process for its state.
var probe = &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// kill ends the process with kill -9.
func (p *process) kill() {
	p.poll()
	p.mu.Lock()
	cmd, ended := p.cmd, p.ended
	if len(p.lives) > 0 {
		p.lives[len(p.lives)-1].killed = true
	}
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill()
	<-ended
}

// stop asks the process to end and waits for that.
func (p *process) stop() error {
	p.poll()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return p.err
	case <-time.After(endPatience):
		return fmt.Errorf("SIGTERM did not end the shop within %v\n%s", endPatience, p.tail())
	}
}

// poll reads the counters of the running life. If the process does not answer,
// the latest ones stay.
func (p *process) poll() (counts map[string]float64, ok bool) {
	p.mu.Lock()
	if len(p.lives) == 0 {
		p.mu.Unlock()
		return nil, false
	}
	current := p.lives[len(p.lives)-1]
	p.polls++
	turn := p.polls
	p.mu.Unlock()
	counts, err := scrape(p.addr)
	if err != nil {
		return nil, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if current == p.lives[len(p.lives)-1] && turn > current.turn { // no later poll was faster
		current.turn = turn
		current.note(counts, time.Now())
	}
	return counts, true
}

func scrape(addr string) (map[string]float64, error) {
	resp, err := probe.Get("http://" + addr + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		return nil, errors.New(resp.Status)
	}
	counts := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		name, ours := strings.CutPrefix(name, "footfall_")
		if n, err := strconv.ParseFloat(value, 64); ok && ours && err == nil {
			counts[strings.TrimSuffix(name, "_total")] = n
		}
	}
	return counts, lines.Err()
}

// drained reports whether the archive has all facts of the process.
func (p *process) drained(ctx context.Context) bool {
	counts, ok := p.poll()
	return ok && counts[pendingCount] == 0 && p.ready(ctx)
}

// ready reports whether all parts of the process are in order and none is skipped
// by requests.
func (p *process) ready(ctx context.Context) bool {
	counts, ok := p.poll()
	if !ok {
		return false
	}
	for name, n := range counts {
		if strings.HasPrefix(name, "part_breaker_open{") && n != 0 {
			return false
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := probe.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == 200
}

// segments lists the segments of the journal, oldest first.
func (p *process) segments() []string {
	files, _ := filepath.Glob(filepath.Join(p.dataDir, "journal", "*.wal"))
	return files
}

// quietly stores what a process prints.
type quietly process

func (q *quietly) Write(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.said.Len() < 8<<20 {
		q.said.Write(b)
	}
	return len(b), nil
}

// troubles returns the log lines that no fault excuses.
func (p *process) troubles() (found []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.Lines(p.said.String()) {
		if strings.Contains(line, "panic:") || strings.Contains(line, "panic serving") || strings.Contains(line, "fatal error:") || strings.Contains(line, "DATA RACE") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.said.Bytes()
	return string(b[max(0, len(b)-2000):])
}
