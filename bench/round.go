package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/footfall-go/footfall/bench/load"
	"github.com/footfall-go/footfall/bench/serve"
)

// A plan describes a round.
type plan struct {
	form        load.Form
	requests    int
	connections int
	fresh       bool      // each request comes from a new visitor
	parts       fractions // of bare's peak rate, at which latencies are taken
	paced       []float64 // requests per second of the open loops, one for each part; none: no latencies
	args        []string
}

// slower is the factor by which the number of requests is reduced for a kind that
// is an order of magnitude slower, so that its round takes about as long.
const slower = 8

// warmRequests is the least number of requests that a server answers before it is
// measured, because V8 compiles code that is used often.
const warmRequests = 5000

const roundTimeout = 10 * time.Minute

// measure runs a round: it starts a new server of a kind, sends requests as fast
// as they are answered, and then requests at each fixed rate.
func (p plan) measure(ctx context.Context, kind serve.Kind) (f figure, err error) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	if kind.Node {
		p.requests /= slower
	}
	server, err := start(ctx, kind, p.args...)
	if err != nil {
		return f, err
	}
	defer server.stop()
	visitors, err := load.Connect(ctx, server.addr, p.connections, p.form, serve.PagePath)
	if err != nil {
		return f, err
	}
	defer load.Close(visitors)
	warm := max(p.requests/20, 2*p.connections, warmRequests) // after that each visitor has its cookies
	if _, err := load.Closed(ctx, visitors, warm, p.fresh); err != nil {
		return f, err
	}
	if err := p.full(ctx, server, visitors, &f); err != nil {
		return f, err
	}
	sent := warm + p.requests
	for _, rate := range p.paced {
		l, n, err := p.pace(ctx, server, visitors, rate)
		if err != nil {
			return f, err
		}
		f.Paced = append(f.Paced, l)
		sent += n
	}
	return f, p.check(server, visitors, int64(sent))
}

// full measures the cost of requests when there are as many as the server can
// answer.
func (p plan) full(ctx context.Context, server *process, visitors []*load.Visitor, f *figure) error {
	before, err := server.state(serve.AskBegin) // all work caused by the warm-up is over
	if err != nil {
		return err
	}
	redisBefore, err := server.redisCPU()
	if err != nil {
		return err
	}
	took, err := load.Closed(ctx, visitors, p.requests, p.fresh)
	if err != nil {
		return err
	}
	after, err := server.state(serve.AskEnd)
	if err != nil {
		return err
	}
	redisAfter, err := server.redisCPU()
	if err != nil {
		return err
	}
	n := float64(p.requests)
	f.CPU = micros(after.CPU-before.CPU) / n
	f.RedisCPU = micros(redisAfter-redisBefore) / n
	f.Peak = n / took.Seconds()
	f.Allocs = float64(after.Mallocs-before.Mallocs) / n
	f.RSS = float64(after.RSS)
	since := func(name string) uint64 { return after.Counts[name] - before.Counts[name] }
	f.Late, f.Missed = since("unacknowledged"), since("hot_errors")+since("hot_dropped")
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// pace measures how long requests take at a fixed rate.
func (p plan) pace(ctx context.Context, server *process, visitors []*load.Visitor, rate float64) (paced, int, error) {
	loop := load.Open{Rate: rate, For: *flagPaced}
	if p.fresh {
		loop.VisitLength = 1
	}
	latencies, sent, err := loop.Run(ctx, visitors)
	if err != nil {
		return paced{}, sent, err
	}
	_, err = server.state(serve.AskSettled)
	return paced{P50: latencies.At(0.5), P99: latencies.At(0.99), Rate: latencies.Rate}, sent, err
}

// check fails a round unless everything that was requested is counted once: in
// Footfall's archive each page view and each new visitor's session; in the
// session of a session library each request.
func (p plan) check(server *process, visitors []*load.Visitor, requests int64) error {
	switch {
	case server.kind.Footfall:
		stored, err := server.stored()
		if err != nil {
			return err
		}
		if stored.Views != requests {
			return fmt.Errorf("%d requests were answered and %d page views are stored", requests, stored.Views)
		}
		sessions := int64(len(visitors))
		if p.fresh {
			sessions = requests
		}
		// MongoDB's stub cannot give a session back that the hot store did not take: that
		// visitor's next request, seconds later, begins another.
		lost := server.kind.Name == serve.RedisMongoDB && !p.fresh && stored.Sessions > sessions
		if stored.Sessions != sessions && !lost {
			return fmt.Errorf("%d visitors came and %d sessions are stored", sessions, stored.Sessions)
		}
	case server.kind.Name != serve.Bare && !p.fresh:
		counted := int64(0)
		for _, v := range visitors {
			body, err := v.Get(serve.CountPath)
			if err != nil {
				return err
			}
			n, err := strconv.ParseInt(string(body), 10, 64)
			if err != nil {
				return err
			}
			counted += n - 1 // the request that asks for the count is counted too
		}
		if counted != requests {
			return fmt.Errorf("%d requests were answered and the sessions have counted %d", requests, counted)
		}
	}
	return nil
}
