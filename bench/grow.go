package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

const (
	eventsPerSession = 10
	grownFor         = 90 * 24 * time.Hour // the time over which the sessions are spread
	bytesPerSession  = 6000                // disk space that must be free, including the events and the log
	growBatch        = 2000                // sessions per transaction
)

// grown is a database like that of a shop after some time.
type grown struct {
	sessions, events int
	bytes            int64
}

// grow makes a database with this many sessions in a data directory.
func grow(ctx context.Context, dir string, sessions int) (g grown, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return g, err
	}
	if free, need := int64(disk.Bavail)*int64(disk.Bsize), int64(sessions)*bytesPerSession; free < need {
		return g, fmt.Errorf("%s has %s free and %d sessions need %s: use -dir, or less without -full", dir, mebibytes(float64(free)), sessions, mebibytes(float64(need)))
	}
	path := filepath.Join(dir, "footfall.db")
	archive, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	if err != nil {
		return g, err
	}
	defer archive.Close()
	began, told := time.Now(), time.Now()
	at, step := began.Add(-grownFor), grownFor/time.Duration(sessions)
	var batch []store.Fact
	for g.sessions < sessions {
		batch = batch[:0]
		for range min(growBatch, sessions-g.sessions) {
			s := begun(at)
			batch = append(batch, s)
			for i := range eventsPerSession {
				batch = append(batch, viewed(s, at.Add(time.Duration(i)*20*time.Second), g.events%200))
				g.events++
			}
			g.sessions++
			at = at.Add(step)
		}
		if err := archive.Append(ctx, batch); err != nil {
			return g, err
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			fmt.Fprintf(os.Stderr, "database: %d of %d sessions, %v\n", g.sessions, sessions, time.Since(began).Round(time.Second))
		}
	}
	g.bytes, err = closedBytes(archive, path)
	return g, err
}
