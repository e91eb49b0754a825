package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/footfall-go/footfall/bench/mongostub"
)

// A figure is what a round measured.
type figure struct {
	cpu, redisCPU    float64 // µs a request, of the server and of redis-server
	rate             float64 // requests a second
	requests, stored int64
}

func (f figure) String() string {
	text := fmt.Sprintf("%6.1f µs CPU/request  %7.0f requests/s", f.cpu, f.rate)
	if f.redisCPU > 0 {
		text += fmt.Sprintf("  redis-server %.1f µs CPU/request", f.redisCPU)
	}
	return text
}

// measure runs a round: a server of a kind, and what it needs, all new.
func measure(kind string, requests, connections int) (f figure, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	args := []string{"-serve", kind}
	var redis *redisServer
	var mongodb *mongostub.Server
	if kind == redisMongoDB {
		if redis, err = startRedis(ctx); err != nil {
			return f, err
		}
		defer redis.stop()
		if mongodb, err = mongostub.Start(ctx); err != nil {
			return f, err
		}
		defer mongodb.Close()
		args = append(args, "-redis", "redis://"+redis.addr, "-mongodb", mongodb.URI())
	}
	server, err := start(ctx, args)
	if err != nil {
		return f, err
	}
	defer server.stop()

	clients, err := connect(server.addr, connections)
	if err != nil {
		return f, err
	}
	if err := drive(clients, requests/20); err != nil { // warm
		return f, err
	}
	stored := func() (int64, error) {
		switch kind {
		case bare:
			return 0, nil
		case redisMongoDB:
			return mongodb.PageViews(), nil
		}
		return server.ask(askViews)
	}
	// Asking for the CPU time waits for the archive: what is left of the warming
	// belongs to the first count.
	if _, err := server.ask(askCPU); err != nil {
		return f, err
	}
	storedBefore, err := stored()
	if err != nil {
		return f, err
	}
	cpuBefore, err := server.ask(askCPU)
	if err != nil {
		return f, err
	}
	var redisBefore, redisAfter time.Duration
	if redis != nil {
		if redisBefore, err = redis.cpu(); err != nil {
			return f, err
		}
	}
	began := time.Now()
	if err := drive(clients, requests); err != nil {
		return f, err
	}
	took := time.Since(began)
	cpuAfter, err := server.ask(askCPU)
	if err != nil {
		return f, err
	}
	if redis != nil {
		if redisAfter, err = redis.cpu(); err != nil {
			return f, err
		}
	}
	storedAfter, err := stored()
	if err != nil {
		return f, err
	}
	f.requests, f.stored = int64(requests), storedAfter-storedBefore
	f.cpu = float64(cpuAfter-cpuBefore) / 1000 / float64(requests)
	f.redisCPU = float64((redisAfter - redisBefore).Nanoseconds()) / 1000 / float64(requests)
	f.rate = float64(requests) / took.Seconds()
	if kind != bare && f.stored != f.requests {
		return f, fmt.Errorf("%d requests were answered and %d page views are stored", f.requests, f.stored)
	}
	return f, nil
}

// A process is a server under measurement.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	addr string
}

func start(ctx context.Context, args []string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self, args...)}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	addr, err := p.out.ReadString('\n')
	if err != nil {
		p.stop()
		return nil, err
	}
	p.addr = strings.TrimSpace(addr)
	return p, nil
}

func (p *process) ask(what string) (n int64, err error) {
	if _, err := fmt.Fprintln(p.in, what); err != nil {
		return 0, err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return 0, err
	}
	return n, json.Unmarshal(line, &n)
}

func (p *process) stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait()
}
