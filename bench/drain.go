package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/footfall-go/footfall/bench/serve"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// A drained is how quickly SQLite stored page views.
type drained struct {
	Sessions int           `json:"sessions"` // the sessions of the page views; 0: each is of a new session
	Events   int           `json:"events"`
	Took     time.Duration `json:"took"`
	CPU      time.Duration `json:"cpu"`
	Bytes    int64         `json:"bytes"` // by which the database grew
}

const (
	drainBatch  = 4000 // facts per batch, as in the projector
	drainEvents = 200_000
)

// drain measures how many events per second leave the journal: it appends batches
// to the archive while nothing else runs.
func drain(ctx context.Context, r *report) error {
	var all []drained
	if err := inside(ctx, &all, "drain"); err != nil {
		return err
	}
	var b strings.Builder
	row(&b, []string{"page views of", "events/s", "events/s and core of CPU", "CPU an event", "database, an event"})
	row(&b, []string{"---", "---", "---", "---", "---"})
	for _, d := range all {
		of := thousands(float64(d.Sessions)) + " sessions"
		if d.Sessions == 0 {
			of = "a new session each, its beginning included"
		}
		n := float64(d.Events)
		row(&b, []string{of, thousands(n / d.Took.Seconds()), thousands(n / d.CPU.Seconds()), fmt.Sprintf("%.1f µs", micros(d.CPU)/n), fmt.Sprintf("%.0f bytes", float64(d.Bytes)/n)})
	}
	r.say("drain", b.String()+"\n"+measured()+fmt.Sprintf(". %s events in batches of %s facts, each batch on the disk before the next; the last checkpoint is included.\n", thousands(drainEvents), thousands(drainBatch)))
	return nil
}

func drainInside(ctx context.Context) (any, error) {
	var all []drained
	for _, sessions := range []int{200, 10_000, 100_000, 0} {
		d, err := drainOf(ctx, sessions)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func drainOf(ctx context.Context, sessions int) (d drained, err error) {
	dir, err := os.MkdirTemp(*flagDir, "footfall-bench-*")
	if err != nil {
		return d, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "footfall.db")
	archive, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	if err != nil {
		return d, err
	}
	defer func() { archive.Close() }()
	at := time.Now().Add(-time.Hour)
	known := make([]*store.SessionBegun, sessions)
	var batch []store.Fact
	for i := range known {
		known[i] = begun(at)
		if batch = append(batch, known[i]); len(batch) == drainBatch || i == sessions-1 {
			if err := archive.Append(ctx, batch); err != nil {
				return d, err
			}
			batch = batch[:0]
		}
	}
	d.Sessions = sessions
	bytesBefore, err := closedBytes(archive, path)
	if err != nil {
		return d, err
	}
	if archive, err = sqlitearchive.Open(path, sqlitearchive.Options{}); err != nil {
		return d, err
	}
	for d.Events < drainEvents {
		batch = batch[:0]
		for len(batch) < drainBatch {
			at = at.Add(10 * time.Millisecond)
			var s *store.SessionBegun
			if sessions == 0 {
				s = begun(at)
				batch = append(batch, s)
			} else {
				s = known[rand.IntN(sessions)]
			}
			batch = append(batch, viewed(s, at, d.Events%1000))
			d.Events++
		}
		// Making the facts is not part of the measurement.
		cpu, began := serve.CPUTime(), time.Now()
		if err := archive.Append(ctx, batch); err != nil {
			return d, err
		}
		d.Took += time.Since(began)
		d.CPU += serve.CPUTime() - cpu
	}
	// The last pages are moved from the log too: every event bears its share of that.
	cpu, began := serve.CPUTime(), time.Now()
	bytesAfter, err := closedBytes(archive, path)
	d.Took += time.Since(began)
	d.CPU += serve.CPUTime() - cpu
	d.Bytes = bytesAfter - bytesBefore
	return d, err
}

// closedBytes closes an archive and returns the size of its file. Closing moves
// all pages from the write-ahead log into the file: before, they may all be in the
// log, whose size SQLite chooses.
func closedBytes(archive *sqlitearchive.Archive, path string) (int64, error) {
	if err := archive.Close(); err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
