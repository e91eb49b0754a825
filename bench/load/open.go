package load

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Latencies are what the requests of an open loop took, from when each was due.
type Latencies struct {
	sorted []time.Duration
	Rate   float64 // answers a second
}

// At is a quantile, 0.99 for the 99th percentile.
func (l *Latencies) At(quantile float64) time.Duration {
	if len(l.sorted) == 0 {
		return 0
	}
	return l.sorted[min(int(quantile*float64(len(l.sorted))), len(l.sorted)-1)]
}

// An Open loop is requests that arrive at random times (Poisson's) at a rate,
// whether or not the server keeps up: visitors do not wait for each other. What
// a request takes counts from when it was due, so that one that had to wait for a
// connection to be free is late by that much, and so is one that this process
// sent late: the same code for every kind of server.
type Open struct {
	Rate float64
	For  time.Duration
	// VisitLength is after how many requests a connection is another visitor's;
	// 0: never.
	VisitLength int
	// Patient goes on however late it is.
	Patient bool
	// Sum only counts the answers, for runs whose latencies would fill the memory.
	Sum bool
	// Answered is called with how many answers there are so far, each second.
	Answered func(n int)
}

// late is how far behind its schedule a loop gives up: the server cannot serve
// that rate, and how late it is only says how long one has looked.
const late = 2 * time.Second

// Run runs the loop. It returns fewer requests than were due if the server is
// overloaded. All visitors have their answers when it returns.
func (o Open) Run(ctx context.Context, visitors []*Visitor) (*Latencies, int, error) {
	runtime.LockOSThread() // its naps are the thread's
	defer runtime.UnlockOSThread()

	free := make(chan *connection, len(visitors))
	failed := make(chan error, len(visitors))
	var stopped atomic.Bool
	var readers sync.WaitGroup
	all := make([]*connection, len(visitors))
	for i, v := range visitors {
		c := &connection{Visitor: v, due: make(chan time.Time, 1)}
		if o.VisitLength > 0 {
			c.visit = i % o.VisitLength // visits do not end all at once
		}
		all[i] = c
		readers.Go(func() {
			for {
				_, err := v.in.Peek(1)
				if stopped.Load() {
					return
				}
				if err == nil {
					due := <-c.due // and the sender is done with what receive may change
					err = v.receive()
					o.answered(c, time.Since(due))
				}
				if err != nil {
					failed <- err
					return // it is never free again
				}
				free <- c
			}
		})
		free <- c
	}

	random := rand.New(rand.NewPCG(1, 2))
	began := time.Now()
	next, told, sent := began, began, 0
	var err error
loop:
	for {
		next = next.Add(time.Duration(random.ExpFloat64() / o.Rate * float64(time.Second)))
		if next.Sub(began) > o.For || ctx.Err() != nil {
			break
		}
		wait := time.Until(next)
		if wait < -late && !o.Patient {
			break
		}
		for ; wait > 0; wait = time.Until(next) {
			nap(wait)
		}
		select {
		case c := <-free:
			if err = c.send(); err != nil {
				break loop
			}
			c.due <- next
			sent++
		case err = <-failed:
			break loop
		}
		if o.Answered != nil && time.Since(told) > time.Second {
			told = time.Now()
			o.Answered(sent - len(visitors) + len(free))
		}
	}
	for waiting := len(all); waiting > 0 && err == nil; waiting-- {
		select {
		case <-free:
		case err = <-failed:
		}
	}
	took := time.Since(began)
	stopped.Store(true) // the readers wait for answers that nobody asked for
	for _, c := range all {
		_ = c.conn.SetReadDeadline(began)
	}
	readers.Wait()
	l := &Latencies{Rate: float64(sent) / took.Seconds()}
	for _, c := range all {
		_ = c.conn.SetReadDeadline(time.Time{})
		l.sorted = append(l.sorted, c.took...)
	}
	slices.Sort(l.sorted)
	if err == nil {
		err = ctx.Err()
	}
	return l, sent, err
}

func (o *Open) answered(c *connection, took time.Duration) {
	if !o.Sum {
		c.took = append(c.took, took)
	}
	if o.VisitLength == 0 {
		return
	}
	if c.visit++; c.visit >= o.VisitLength {
		c.visit = 0
		c.Forget()
	}
}

// A connection is a visitor and what is measured of it.
type connection struct {
	*Visitor
	due   chan time.Time // of the request under way
	took  []time.Duration
	visit int // requests of this visitor
}
