package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// slowClients sends headers and bodies byte by byte, on many connections.
var slowClients = fault{name: "slow clients (300 connections)", open: localWorld, run: func(w *world, length time.Duration) error {
	w.beside(300, length, func(n int, _ *rand.Rand, over <-chan struct{}) {
		head := "GET /api/storefront/products/1 HTTP/1.1\r\nHost: shop\r\nUser-Agent: " + firefox + "\r\nX-Slow: "
		if n%2 == 0 {
			head = "POST /api/storefront/cart HTTP/1.1\r\nHost: shop\r\nContent-Length: 60000\r\n\r\n{"
		}
		conn, err := net.Dial("tcp", w.processes[0].addr)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			return
		}
		defer conn.Close()
		if _, err := conn.Write([]byte(head)); err != nil {
			return
		}
		for {
			select {
			case <-over:
				return
			case <-time.After(500 * time.Millisecond):
			}
			if _, err := conn.Write([]byte("x")); err != nil {
				return // the shop closed the connection
			}
		}
	})
	return nil
}}

// cookieless sends requests without cookies from one network, like a scraper that
// claims to be a browser. When a cap is reached, they are answered but not stored
// one by one.
var cookieless = fault{name: "flood without cookies", open: localWorld, run: func(w *world, length time.Duration) error {
	w.beside(4, length, func(_ int, random *rand.Rand, _ <-chan struct{}) {
		v := newFlooder(fmt.Sprintf("198.51.100.%d", 1+random.IntN(250)))
		r := w.crowd.open(v, pageView)
		a := v.send(w.crowd.base, "GET", fmt.Sprintf("%s%d?mark=%s%s", productsAt, 1+random.IntN(200), r.mark, worstQuery), nil)
		w.crowd.close(r, a, a.floodOutcome(), "")
		w.crowd.meet(a)
		time.Sleep(5 * time.Millisecond)
	})
	return nil
}}

// garbage sends a flood of invalid cookies: forged, cut off, huge, thousands of
// them, of the wrong kind.
var garbage = fault{name: "flood of garbage cookies", open: localWorld, run: func(w *world, length time.Duration) error {
	w.beside(4, length, func(_ int, random *rand.Rand, _ <-chan struct{}) {
		v := newFlooder(fmt.Sprintf("198.51.100.%d", 1+random.IntN(250)))
		cookie := w.forge(random)
		r := w.crowd.open(v, pageView)
		a := v.send(w.crowd.base, "GET", fmt.Sprintf("%s%d?mark=%s", productsAt, 1+random.IntN(200), r.mark), nil, "Cookie", cookie)
		w.crowd.close(r, a, a.floodOutcome(), "")
		w.crowd.meet(a)
		a = v.send(w.crowd.base, "GET", meAt, nil, "Cookie", cookie)
		if a.err == nil && a.status == http.StatusOK {
			w.crowd.register.report(misidentified, cookie[:min(len(cookie), 80)], "a forged cookie was let in")
		}
		time.Sleep(5 * time.Millisecond)
	})
	return nil
}}

// descriptors leaves the process almost no file descriptors.
var descriptors = fault{name: "no file descriptors left", open: localWorld, run: func(w *world, length time.Duration) error {
	pid := strconv.Itoa(w.processes[0].cmd.Process.Pid)
	limit := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, "prlimit", append([]string{"--pid", pid}, args...)...).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("prlimit %v: %w: %s", args, err, out)
		}
		return strings.TrimSpace(string(out)), err
	}
	before, err := limit("--nofile", "--noheadings", "--raw", "--output", "SOFT")
	if err == nil {
		_, err = limit("--nofile=64:")
	}
	if err != nil {
		return err
	}
	var hoard []net.Conn
	defer func() {
		for _, c := range hoard {
			c.Close()
		}
	}()
	until := time.Now().Add(length)
	for time.Now().Before(until) {
		if len(hoard) < 100 {
			if c, err := net.DialTimeout("tcp", w.processes[0].addr, time.Second); err == nil {
				hoard = append(hoard, c)
				continue
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	_, err = limit("--nofile=" + before + ":")
	return err
}}

// beside makes this many clients repeat something, beside the visitors.
func (w *world) beside(clients int, length time.Duration, do func(n int, random *rand.Rand, over <-chan struct{})) {
	over := make(chan struct{})
	time.AfterFunc(length, func() { close(over) })
	var all sync.WaitGroup
	for n := range clients {
		random := rand.New(rand.NewPCG(w.random.Uint64(), uint64(n)))
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					do(n, random, over)
				}
			}
		})
	}
	all.Wait()
}

// floodOutcome returns the outcome of a page view that may exceed a cap.
func (a *answer) floodOutcome() outcome {
	if o := a.outcome(http.StatusOK); o != counted {
		return o
	}
	return optional
}

// meet registers the cookie that a stranger got.
func (c *crowd) meet(a *answer) {
	if a.err == nil && a.set && a.session != "" {
		c.register.issued(a.session, "")
	}
}

// forge makes a Cookie header that contains no valid cookie.
func (w *world) forge(random *rand.Rand) string {
	real, _ := w.crowd.register.any()
	switch random.IntN(8) {
	case 0: // with another signature
		if len(real) > 8 {
			return "session=" + real[:len(real)-8] + "AAAAAAAA"
		}
	case 1: // cut off
		if len(real) > 8 {
			return "session=" + real[:random.IntN(len(real)-4)]
		}
	case 2: // unsigned
		if id := sessionOf(real); id != "" {
			return "session=" + id + "; visitor_id=v1." + id
		}
	case 3: // a cookie of the wrong kind
		return "visitor_id=" + real
	case 4: // huge
		return "session=s%3A" + strings.Repeat("a", 40_000)
	case 5: // many
		return strings.Repeat("session=s%3Ax.y; ", 2000)
	case 6: // not even text
		return "session=\x80\xff\"%zz; visitor_id=%"
	}
	return "session=s%3A" + strconv.FormatUint(random.Uint64(), 16) + "." + strconv.FormatUint(random.Uint64(), 36) + ".sig"
}
