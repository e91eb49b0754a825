// Command bench measures what the middleware costs a whole server process,
// background work included, as a ratio to the same handler without it: CPU time
// of the server per request, over interleaved rounds.
//
//	go run . [-requests 200000] [-rounds 5] [-connections 64]
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
)

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

func main() {
	log.SetFlags(0)
	serve := flag.String("serve", "", "internal: run as a server of that kind")
	requests := flag.Int("requests", 200_000, "per round")
	rounds := flag.Int("rounds", 5, "of each kind, interleaved")
	connections := flag.Int("connections", 64, "kept alive, each with a visitor of its own")
	flag.Parse()
	if *serve != "" {
		if err := server(*serve); err != nil {
			log.Fatal(err)
		}
		return
	}
	figures := map[string][]figure{}
	kinds := []string{"bare", "footfall"}
	for range *rounds {
		for _, kind := range kinds {
			f, err := measure(kind, *requests, *connections)
			if err != nil {
				log.Fatal(err)
			}
			figures[kind] = append(figures[kind], f)
			fmt.Printf("%-9s %6.1f µs CPU/request  %7.0f requests/s  %d requests, %d stored\n", kind, f.cpu, f.rate, f.requests, f.stored)
		}
	}
	bare, tracked := median(figures["bare"]), median(figures["footfall"])
	fmt.Printf("\nmedian    bare %.1f µs, footfall %.1f µs: %.2f ×, +%.1f µs; throughput %.0f %%\n",
		bare.cpu, tracked.cpu, tracked.cpu/bare.cpu, tracked.cpu-bare.cpu, 100*tracked.rate/bare.rate)
}

type figure struct {
	cpu, rate        float64 // µs a request, requests a second
	requests, stored int64
}

func median(all []figure) figure {
	slices.SortFunc(all, func(a, b figure) int { return int(1000 * (a.cpu - b.cpu)) })
	return all[len(all)/2]
}

// A usageReport is what a server prints when it is asked to: its CPU time and how
// many page views its archive holds.
type usageReport struct {
	CPU    time.Duration
	Stored int64
}

func server(kind string) error {
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") })
	drain := func() (int64, error) { return 0, nil }
	if kind == "footfall" {
		dir, err := os.MkdirTemp("", "footfall-bench-*")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		archive, err := sqlitearchive.Open(filepath.Join(dir, "footfall.db"), sqlitearchive.Options{})
		if err != nil {
			return err
		}
		defer archive.Close()
		tracker, err := footfall.New(footfall.Config{
			Secrets: []string{"kB3nX8vQz1Lp6Rt0Wy5Ua9Sd4Fg7Hj2C"}, Hot: memstore.New(0), Archive: archive,
			JournalDir: filepath.Join(dir, "journal"), Insecure: true, NewSessionsPerMinute: -1,
		})
		if err != nil {
			return err
		}
		handler = tracker.Handler(handler)
		drain = func() (int64, error) {
			for tracker.Status(context.Background()).JournalPending > 0 {
				time.Sleep(5 * time.Millisecond)
			}
			return views(archive)
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(listener) }()
	if path := os.Getenv("BENCH_CPUPROFILE"); path != "" && kind != "bare" {
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
		stored, err := drain()
		if err != nil {
			return err
		}
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(usageReport{time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), stored}); err != nil {
			return err
		}
	}
	return srv.Close()
}

func measure(kind string, requests, connections int) (f figure, err error) {
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-serve", kind)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return f, err
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return f, err
	}
	if err := cmd.Start(); err != nil {
		return f, err
	}
	defer func() { in.Close(); _ = cmd.Wait() }()
	out := bufio.NewReader(pipe)
	addr, err := out.ReadString('\n')
	if err != nil {
		return f, err
	}
	ask := func() (r usageReport, err error) {
		if _, err := fmt.Fprintln(in); err != nil {
			return r, err
		}
		line, err := out.ReadBytes('\n')
		if err != nil {
			return r, err
		}
		return r, json.Unmarshal(line, &r)
	}
	clients, err := connect(strings.TrimSpace(addr), connections)
	if err != nil {
		return f, err
	}
	if err := drive(clients, requests/20); err != nil { // warm
		return f, err
	}
	before, err := ask()
	if err != nil {
		return f, err
	}
	began := time.Now()
	if err := drive(clients, requests); err != nil {
		return f, err
	}
	took := time.Since(began)
	after, err := ask()
	if err != nil {
		return f, err
	}
	f.requests, f.stored = int64(requests), after.Stored-before.Stored
	f.cpu = float64((after.CPU - before.CPU).Nanoseconds()) / 1000 / float64(requests)
	f.rate = float64(requests) / took.Seconds()
	if kind != "bare" && f.stored != f.requests {
		return f, fmt.Errorf("%d requests were answered and %d page views are stored", f.requests, f.stored)
	}
	return f, nil
}

// A client is a kept connection of one visitor; it writes the bytes of a
// request and reads an answer, so that the driver leaves the CPU to the server.
type client struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func connect(addr string, n int) ([]*client, error) {
	clients := make([]*client, n)
	for i := range clients {
		conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", addr)
		if err != nil {
			return nil, err
		}
		c := &client{conn: conn, in: bufio.NewReader(conn)}
		clients[i] = c
		c.request = []byte("GET /products/1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: " + agent + "\r\n\r\n")
		header, err := c.do()
		if err != nil {
			return nil, err
		}
		var cookies []string
		for _, line := range header {
			if value, ok := strings.CutPrefix(line, "Set-Cookie: "); ok {
				pair, _, _ := strings.Cut(value, ";")
				cookies = append(cookies, pair)
			}
		}
		if len(cookies) > 0 {
			c.request = []byte("GET /products/1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: " + agent + "\r\nCookie: " + strings.Join(cookies, "; ") + "\r\n\r\n")
		}
	}
	return clients, nil
}

func (c *client) do() (header []string, err error) {
	if _, err := c.conn.Write(c.request); err != nil {
		return nil, err
	}
	length := 0
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if value, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			if _, err := fmt.Sscan(value, &length); err != nil {
				return nil, err
			}
		}
		header = append(header, line)
	}
	if !strings.HasPrefix(header[0], "HTTP/1.1 200") {
		return nil, fmt.Errorf("answer %s", header[0])
	}
	_, err = c.in.Discard(length)
	return header, err
}

// drive makes that many requests over all connections.
func drive(clients []*client, requests int) error {
	var left atomic.Int64
	left.Store(int64(requests))
	var wg sync.WaitGroup
	failed := make(chan error, len(clients))
	for _, c := range clients {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := c.do(); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
