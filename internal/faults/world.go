package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

// A world is a shop with its visitors, and everything in it that may break.
type world struct {
	t         testing.TB
	dir       string // holds everything that the processes write
	processes []*process
	load      *load
	crowd     *crowd
	random    *rand.Rand
	read      func(context.Context) (*holdings, error)
	excused   map[string]bool // marks of events that the harness itself destroyed

	clocks []string // files with the clock offsets of the processes

	redis   *testserver.RedisServer
	mongodb *testserver.MongoDBServer
	toRedis []*testserver.ProxyServer // one for each instance
	toMongo []*testserver.ProxyServer
	servers []interface{ Stop() }

	seen     map[finding]bool // findings of earlier audits
	behind   atomic.Int64     // when more than a second's facts were last waiting, Unix ms
	stopping chan struct{}
	watching sync.WaitGroup
	closing  sync.Once
}

// quickDir returns a directory on a disk that does not stall. A write that takes
// longer than STORE_TIMEOUT is late, and a kill -9 may lose what is late. Only
// the faults of disks should meet that.
func quickDir(t testing.TB) (string, error) {
	if dir, err := tempDir(t, "/dev/shm"); err == nil {
		return dir, nil
	}
	return tempDir(t, "")
}

// tempDir returns a directory that is removed when the harness ends or is
// interrupted.
func tempDir(t testing.TB, in string) (string, error) {
	dir, err := os.MkdirTemp(in, "footfall-faults-")
	if err == nil {
		undone(t, func() { _ = os.RemoveAll(dir) })
	}
	return dir, err
}

func newWorld(t testing.TB, dir string, s scale, m mix) *world {
	c := &crowd{ledger: newLedger(fmt.Sprintf("m%x-", s.seed&0xffff)), register: newRegister()}
	return &world{t: t, dir: dir, crowd: c, load: newLoad(c, s.rate, m, s.seed), random: rand.New(rand.NewPCG(s.seed, 11)),
		excused: map[string]bool{}, seen: map[finding]bool{}, stopping: make(chan struct{})}
}

// A scale is the size of a world.
type scale struct {
	rate float64 // arrivals a second
	seed uint64
}

// openLocal opens one instance on memory and SQLite, in the given directory or,
// if that is empty, in a new one.
func openLocal(t testing.TB, binary, dir string, s scale, settings ...string) (w *world, err error) {
	if dir == "" {
		if dir, err = quickDir(t); err != nil {
			return nil, err
		}
	}
	w = newWorld(t, dir, s, everyday)
	data := filepath.Join(dir, "data")
	w.read = func(ctx context.Context) (*holdings, error) { return readSQLite(ctx, data) }
	p, err := w.add(binary, data, settings...)
	if err != nil {
		return nil, err
	}
	w.crowd.base = "http://" + p.addr
	return w, w.open()
}

// newShared prepares two instances over Redis and MongoDB, each behind proxies of
// its own, and a front that sends requests to them in turn.
func newShared(t testing.TB, s scale, redis *testserver.RedisServer) (*world, error) {
	dir, err := quickDir(t)
	if err != nil {
		return nil, err
	}
	w := newWorld(t, dir, s, few)
	w.redis, w.mongodb = redis, testserver.MongoDB(t)
	w.servers = append(w.servers, w.redis, w.mongodb)
	for range 2 {
		w.toRedis = append(w.toRedis, testserver.Proxy(t, w.redis.Addr()))
		w.toMongo = append(w.toMongo, testserver.Proxy(t, strings.TrimPrefix(w.mongodb.URI(), "mongodb://")))
	}
	w.read = func(ctx context.Context) (*holdings, error) { return readMongoDB(ctx, w.mongodb.URI(), "faults") }
	return w, nil
}

func (w *world) openShared(binary string, settings ...string) error {
	for i := range 2 {
		// FerretDB takes one connection at a time well.
		stores := []string{"REDIS_URL=redis://" + w.toRedis[i].Addr(), "MONGODB_URI=mongodb://" + w.toMongo[i].Addr() + "/faults?maxPoolSize=1"}
		if _, err := w.add(binary, filepath.Join(w.dir, fmt.Sprintf("data-%d", i+1)), append(stores, settings...)...); err != nil {
			return err
		}
	}
	f := newFront(w.processes)
	w.t.Cleanup(f.Close)
	w.crowd.base = f.URL
	return w.open()
}

// add prepares a process with a clock file of its own.
func (w *world) add(binary, data string, settings ...string) (*process, error) {
	clock := filepath.Join(w.dir, fmt.Sprintf("clock-%d", len(w.clocks)))
	w.clocks = append(w.clocks, clock)
	p, err := newProcess(binary, data, append([]string{clockVariable + "=" + clock}, settings...)...)
	if err != nil {
		return nil, err
	}
	w.t.Cleanup(p.kill)
	w.processes = append(w.processes, p)
	return p, nil
}

// open starts the processes and begins to watch them.
func (w *world) open() error {
	for _, p := range w.processes {
		if err := p.start(); err != nil {
			return err
		}
	}
	w.watching.Go(w.watch)
	w.t.Cleanup(w.close)
	return nil
}

// close ends the processes and servers of a world. Its files are removed with the
// test.
func (w *world) close() {
	w.closing.Do(func() {
		close(w.stopping)
		w.watching.Wait()
		for _, p := range w.processes {
			p.kill()
		}
		for _, s := range w.servers {
			s.Stop()
		}
	})
}

// watch polls the counters often, so that little is unknown when a process is
// killed.
func (w *world) watch() {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-w.stopping:
			return
		case <-tick.C:
		}
		for _, p := range w.processes {
			if _, ok := p.poll(); ok && w.isBehind(p) {
				w.behind.Store(time.Now().UnixMilli())
			}
		}
	}
}

// isBehind reports whether more facts wait in a process's journal than about a
// second brings.
func (w *world) isBehind(p *process) bool { return p.latest(pendingCount) > 3*w.load.rate }

// caughtUp waits until no process has more than so many facts to store, while visitors go
// on.
func (w *world) caughtUp(facts float64, most time.Duration) error {
	deadline := time.Now().Add(most)
	for _, p := range w.processes {
		for {
			if _, ok := p.poll(); ok && p.latest(pendingCount) <= facts {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("after %v %d facts wait in the journal of %s", most, int(p.latest(pendingCount)), p.addr)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return nil
}

// drained waits until the archive has all facts of all processes.
func (w *world) drained(most time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	for {
		waiting := 0
		for _, p := range w.processes {
			if !p.drained(ctx) {
				waiting++
			}
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %v the journals of %d processes are not empty, or they are not ready", most, waiting)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// pause waits for a random time between two durations.
func (w *world) pause(least, most time.Duration) {
	time.Sleep(least + time.Duration(w.random.Int64N(int64(most-least))))
}
