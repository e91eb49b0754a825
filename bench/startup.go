package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/footfall-go/footfall/bench/load"
)

const (
	startPage     = "/api/storefront/products/17"
	startPatience = 2 * time.Minute
	startTraffic  = 2 * time.Second // duration of the load before the process is killed
)

// startUp measures how long the command takes until it answers requests, on a
// database that has grown.
func startUp(ctx context.Context, r *report) error {
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	dir, err := os.MkdirTemp(*flagDir, "footfall-bench-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	grown, err := grow(ctx, dir, full(1_000_000))
	if err != nil {
		return err
	}
	binary := filepath.Join(dir, "footfall")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/footfall")
	build.Dir, build.Stderr = *flagRoot, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}

	var b strings.Builder
	row(&b, []string{"start of `footfall demo`", "first page after", "ready after", "RSS"})
	row(&b, []string{"---", "---", "---", "---"})
	for _, s := range []struct {
		name string
		end  func(*command, context.Context) error
	}{
		{"the first", (*command).endPolitely},
		{"after it was told to end", (*command).endKilled},
		{"after `kill -9` under load", (*command).endKilled},
		{"after another `kill -9`", (*command).endPolitely},
	} {
		c, err := startCommand(ctx, binary, dir)
		if err != nil {
			return err
		}
		row(&b, []string{s.name, seconds(c.page), seconds(c.ready), mebibytes(float64(c.rss))})
		if err := s.end(c, ctx); err != nil {
			return err
		}
	}
	r.say("start", b.String()+"\n"+measured()+fmt.Sprintf(". The database: %d sessions, %d events, %s, in the operating system's cache.\n", grown.sessions, grown.events, mebibytes(float64(grown.bytes))))
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// A command is the footfall command, as a shop runs it.
type command struct {
	cmd         *exec.Cmd
	addr        string
	page, ready time.Duration // from its start to the first answer with 200
	rss         int64
}

func startCommand(ctx context.Context, binary, dir string) (*command, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	c := &command{addr: addr, cmd: exec.CommandContext(ctx, binary, "demo")}
	c.cmd.Env = []string{"ADDR=" + addr, "DATA_DIR=" + dir, "NEW_SESSIONS_PER_MINUTE=0", "HOME=" + dir}
	c.cmd.Stderr = os.Stderr
	began := time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	paged := make(chan error, 1)
	go func() {
		var err error
		c.page, err = until200(ctx, began, "http://"+addr+startPage)
		paged <- err
	}()
	c.ready, err = until200(ctx, began, "http://"+addr+"/readyz")
	if pageErr := <-paged; err == nil {
		err = pageErr
	}
	if err != nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		return nil, err
	}
	c.rss = rssOf(c.cmd.Process.Pid)
	return c, nil
}

func (c *command) endPolitely(context.Context) error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return c.cmd.Wait()
}

// endKilled kills the command while visitors request pages, so that the next
// start finds facts in the journal.
func (c *command) endKilled(ctx context.Context) error {
	visitors, err := load.Connect(ctx, c.addr, *flagConnections, load.Browser, startPage)
	if err != nil {
		return err
	}
	defer load.Close(visitors)
	busy := make(chan struct{})
	go func() {
		defer close(busy)
		_, _ = load.Closed(ctx, visitors, 1<<30, false) // ends with an error, because the server is killed
	}()
	time.Sleep(startTraffic)
	if err := c.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = c.cmd.Wait() // killed
	<-busy
	return nil
}

// until200 sends requests until the answer is 200, and returns how long that
// took.
func until200(ctx context.Context, began time.Time, url string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return 0, err
		}
		request.Header.Set("User-Agent", load.Agent)
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return time.Since(began), nil
			}
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("no 200 from %s: %w", url, ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}
