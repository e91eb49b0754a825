package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/redisstore"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// served is a server process: what is measured.
type served struct {
	kind, redis, mongodb string

	dir     string            // removed at the end
	tracker *footfall.Tracker // nil if it is bare
	views   func(context.Context) (int64, error)
}

const drainPatience = time.Minute

// What a server is asked for, a line each. The figures are asked for apart from
// each other, so that counting page views is not part of what is measured.
const (
	askCPU   = "cpu"   // ns, once the archive has everything
	askViews = "views" // how many page views an archive of its own holds
)

func (s *served) run() (err error) {
	ctx := context.Background()
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") })
	if s.kind != bare {
		if s.dir, err = os.MkdirTemp("", "footfall-bench-*"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(s.dir) }()
		stop, err := s.track(ctx)
		if err != nil {
			return err
		}
		defer stop()
		handler = s.tracker.Handler(handler)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(listener) }()
	if path := os.Getenv("BENCH_CPUPROFILE"); path != "" && s.kind != bare {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		n, err := s.answer(ctx, in.Text())
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(n); err != nil {
			return err
		}
	}
	return srv.Close()
}

// track starts the tracker with the stores of the kind.
func (s *served) track(ctx context.Context) (stop func(), err error) {
	config := footfall.Config{
		Secrets:    []string{"kB3nX8vQz1Lp6Rt0Wy5Ua9Sd4Fg7Hj2C"},
		JournalDir: filepath.Join(s.dir, "journal"), Insecure: true, NewSessionsPerMinute: -1,
	}
	var closeStores func()
	if s.kind == redisMongoDB {
		hot, err := redisstore.Open(s.redis, redisstore.Options{})
		if err != nil {
			return nil, err
		}
		archive, err := mongoarchive.Open(ctx, s.mongodb, mongoarchive.Options{})
		if err != nil {
			return nil, err
		}
		config.Hot, config.Archive = hot, archive
		closeStores = func() { _ = archive.Close(); _ = hot.Close() }
		s.views = func(context.Context) (int64, error) { return 0, nil } // whoever started the stub asks that
	} else {
		archive, err := sqlitearchive.Open(filepath.Join(s.dir, "footfall.db"), sqlitearchive.Options{})
		if err != nil {
			return nil, err
		}
		config.Hot, config.Archive = memstore.New(0), archive
		closeStores = func() { archive.Close() }
		s.views = func(ctx context.Context) (int64, error) {
			stats, err := archive.Stats(ctx, report.Window{Now: time.Now(), Today: time.Now()})
			return stats.PageViews, err
		}
	}
	if s.tracker, err = footfall.New(config); err != nil {
		closeStores()
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_ = s.tracker.Close(ctx) // everything is measured by now
		closeStores()
	}, nil
}

func (s *served) answer(ctx context.Context, ask string) (int64, error) {
	if ask == askViews && s.kind != bare {
		return s.views(ctx)
	}
	if s.kind != bare {
		for began := time.Now(); s.tracker.Status(ctx).JournalPending > 0; time.Sleep(5 * time.Millisecond) {
			if time.Since(began) > drainPatience {
				return 0, errors.New("the archive does not take what the journal holds")
			}
		}
	}
	var usage syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano(), err
}
