package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/footfall-go/footfall/bench/mongostub"
	"github.com/footfall-go/footfall/bench/serve"
)

// A process is a server under measurement, with its own Redis and its own stub of
// MongoDB.
type process struct {
	kind    serve.Kind
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	addr    string
	redis   *redisServer
	mongodb *mongostub.Server
}

// start starts a new server and the new servers that it needs.
func start(ctx context.Context, kind serve.Kind, args ...string) (p *process, err error) {
	p = &process{kind: kind}
	defer func() {
		if err != nil {
			p.stop()
			p = nil
		}
	}()
	args = append([]string{"-serve", kind.Name, "-dir", *flagDir}, args...)
	if kind.Redis {
		if p.redis, err = startRedis(ctx); err != nil {
			return p, err
		}
		args = append(args, "-redis", p.redis.addr)
	}
	if kind.MongoDB {
		if p.mongodb, err = mongostub.Start(ctx); err != nil {
			return p, err
		}
		args = append(args, "-mongodb", p.mongodb.URI())
	}
	cmd, err := p.command(ctx, args)
	if err != nil {
		return p, err
	}
	cmd.Stderr = os.Stderr
	if p.in, err = cmd.StdinPipe(); err != nil {
		return p, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return p, err
	}
	p.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return p, err
	}
	p.cmd = cmd
	addr, err := p.out.ReadString('\n')
	if err != nil {
		return p, fmt.Errorf("the server did not start: %w", err)
	}
	p.addr = strings.TrimSpace(addr)
	return p, nil
}

// command returns the server's command: this program itself, or Node.
func (p *process) command(ctx context.Context, args []string) (*exec.Cmd, error) {
	if p.kind.Node {
		cmd := exec.CommandContext(ctx, "node", filepath.Join(expressDir(), "server.js"), p.redis.addr, serve.Secret, serve.Page, serve.CountPath)
		cmd.Env = append(os.Environ(), "NODE_ENV=production")
		return cmd, nil
	}
	self, err := os.Executable()
	return exec.CommandContext(ctx, self, args...), err
}

func expressDir() string { return filepath.Join(*flagRoot, "bench", "express") }

func (p *process) ask(into any, what string) error {
	if _, err := fmt.Fprintln(p.in, what); err != nil {
		return err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the server ended: %w", err)
	}
	return json.Unmarshal(line, into)
}

func (p *process) state(what string) (s serve.State, err error) {
	err = p.ask(&s, what)
	return s, err
}

// stored returns what the archive holds.
func (p *process) stored() (s serve.Stored, err error) {
	if p.mongodb != nil {
		s.Views, s.Sessions = p.mongodb.Stored()
		return s, nil
	}
	err = p.ask(&s, serve.AskStored)
	return s, err
}

func (p *process) redisCPU() (time.Duration, error) {
	if p.redis == nil {
		return 0, nil
	}
	return p.redis.cpu()
}

func (p *process) stop() {
	if p.cmd != nil {
		_ = p.in.Close()
		_ = p.cmd.Wait()
	}
	if p.mongodb != nil {
		p.mongodb.Close()
	}
	if p.redis != nil {
		p.redis.stop()
	}
}

// rssOf returns the resident memory of another process.
func rssOf(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return serve.StatusBytes(status, "VmRSS:")
}
