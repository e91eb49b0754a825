package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// A redisServer is a redis-server that stores nothing on disk.
type redisServer struct {
	cmd  *exec.Cmd
	addr string
}

// redisPatience is how long the server may take to start.
const redisPatience = 5 * time.Second

func startRedis(ctx context.Context) (*redisServer, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	r := &redisServer{}
	if r.addr, err = freeAddr(ctx); err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		return nil, err
	}
	r.cmd = exec.CommandContext(ctx, binary, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--loglevel", "warning")
	r.cmd.Stderr = os.Stderr
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.addr)
		if err == nil {
			_ = conn.Close()
			return r, nil
		}
		if time.Since(began) > redisPatience {
			r.stop()
			return nil, fmt.Errorf("redis-server: %w", err)
		}
	}
}

// freeAddr returns an address with a port that is free now.
func freeAddr(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (r *redisServer) stop() {
	_ = r.cmd.Process.Kill() // it has no data to save
	_ = r.cmd.Wait()
}

// tick is the unit of times in /proc: Linux reports 100 Hz to programs, whatever
// its real rate is.
const tick = 10 * time.Millisecond

// cpu returns the CPU time that the server has used, to the nearest tick.
func (r *redisServer) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The second field is the name in parentheses, which may hold blanks.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const utime, stime = 11, 12 // counted from after the name
	if len(fields) <= stime {
		return 0, errors.New("/proc/PID/stat has too few fields")
	}
	user, err := strconv.ParseInt(string(fields[utime]), 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(string(fields[stime]), 10, 64)
	return time.Duration(user+system) * tick, err
}
