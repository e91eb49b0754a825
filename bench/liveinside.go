package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/bench/serve"
	"github.com/footfall-go/footfall/internal/memory"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

var (
	flagLive    = flag.Int("live", 100_000, "internal: how many live sessions")
	flagDiscard = flag.Bool("discard", false, "internal: behind an archive that forgets what it takes")
)

// A forgetful archive discards facts at once. So the table fills before its first
// sessions have been idle for too long, and SQLite's memory is not measured.
type forgetful struct{ store.Archive }

// Append implements store.Archive.
func (forgetful) Append(context.Context, []store.Fact) error { return nil }

// resumedSample is the number of requests of which the CPU time is the mean.
const resumedSample = 100_000

// liveInside calls the tracker's handler directly, because a network would only
// add time. With SQLite the tracker has its defaults: it holds 100,000 sessions
// in its table and reads others from the hot store, which in memory holds
// 2,000,000; the garbage collector is set as the command sets it. With the forgetful archive both are large enough for all sessions.
func liveInside(ctx context.Context) (any, error) {
	dir, err := os.MkdirTemp(*flagDir, "footfall-bench-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	sqlite, err := sqlitearchive.Open(filepath.Join(dir, "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		return nil, err
	}
	defer sqlite.Close()
	var archive store.Archive = sqlite
	if *flagDiscard {
		archive = forgetful{sqlite}
	}
	crowd, err := newCrowd(filepath.Join(dir, "cookies"), *flagLive)
	if err != nil {
		return nil, err
	}
	defer crowd.cookies.Close()
	hot, table := memstore.New(0), 0
	if *flagDiscard {
		hot, table = memstore.NewSized(2**flagLive, 1<<40), *flagLive+1000 // larger, because capacities are divided among equal parts that do not fill evenly
	} else {
		governing, stop := context.WithCancel(ctx)
		defer stop()
		go memory.Govern(governing)
	}
	crowd.tracker, err = footfall.New(footfall.Config{
		Secrets: []string{serve.Secret}, Hot: hot, Archive: archive, JournalDir: filepath.Join(dir, "journal"),
		Insecure: true, NewSessionsPerMinute: -1, LiveSessions: table, LiveBytes: 1 << 40, JournalMaxBytes: 8 << 30, Logger: serve.Errors,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_ = crowd.tracker.Close(ctx) // everything has been measured by now
	}()
	crowd.handler = crowd.tracker.Handler(http.HandlerFunc(crowd.page))

	heapBefore := heapAlive()
	var points []livePoint
	have := 0
	for _, sessions := range liveSteps(*flagLive) {
		began := time.Now()
		if err := crowd.serve(sessions-have, func(v *caller, n int) error { return v.begin(have + n) }); err != nil {
			return nil, err
		}
		have = sessions
		if err := crowd.settle(ctx); err != nil {
			return nil, err
		}
		p := livePoint{Sessions: sessions, Text: crowd.text.Load(), HotHeld: hot.Len(), Held: crowd.tracker.Status(ctx).LiveSessions}
		p.Heap = heapAlive() - heapBefore
		p.RSS, _ = serve.Memory()
		fmt.Fprintf(os.Stderr, "%d sessions began in %v\n", sessions, time.Since(began).Round(time.Second))
		if p.CPU, err = crowd.resumed(ctx, have); err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	return points, nil
}

// resumed measures the CPU time of a resumed request among this many sessions.
func (c *crowd) resumed(ctx context.Context, sessions int) (float64, error) {
	visits := make([]visit, resumedSample)
	for i := range visits {
		if err := c.recall(&visits[i], rand.IntN(sessions)); err != nil {
			return 0, err
		}
	}
	before := serve.CPUTime()
	if err := c.serve(len(visits), func(v *caller, n int) error { return v.resume(&visits[n]) }); err != nil {
		return 0, err
	}
	if err := c.settle(ctx); err != nil {
		return 0, err
	}
	return micros(serve.CPUTime()-before) / float64(len(visits)), nil
}

// settle waits until the archive and the hot store have everything.
func (c *crowd) settle(ctx context.Context) error {
	for began := time.Now(); c.tracker.Status(ctx).JournalPending > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > time.Hour {
			return errors.New("the archive does not take what the journal holds")
		}
	}
	time.Sleep(liveSettle)
	return nil
}

// serve makes this many calls, several at a time.
func (c *crowd) serve(calls int, call func(v *caller, n int) error) error {
	var next atomic.Int64
	failed := make(chan error, 64)
	var running sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0)*8, cap(failed)) {
		running.Go(func() {
			v := newCaller(c)
			for n := int(next.Add(1)) - 1; n < calls; n = int(next.Add(1)) - 1 {
				if err := call(v, n); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	running.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// heapAlive returns the heap that remains after a garbage collection. It collects
// twice, because pools are emptied by the second collection only.
func heapAlive() int64 {
	runtime.GC()
	runtime.GC()
	return serve.HeapLive()
}
