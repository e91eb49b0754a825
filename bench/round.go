package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/footfall-go/footfall/bench/load"
	"github.com/footfall-go/footfall/bench/serve"
)

// A plan is how a round goes.
type plan struct {
	form        load.Form
	requests    int
	connections int
	fresh       bool    // each request is a new visitor's
	paced       float64 // requests a second of the open loop; 0: none
	args        []string
}

// slower is by how much less is asked of what is an order of magnitude slower,
// so that a round takes as long.
const slower = 8

// warmRequests is how many requests at least a server answers before it is measured:
// V8 compiles what is asked often.
const warmRequests = 5000

const roundTimeout = 10 * time.Minute

// measure runs a round: a new server of a kind, requests as fast as they are
// answered, then requests at a rate.
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
	warm := max(p.requests/20, 2*p.connections, warmRequests) // each visitor has its cookies then
	if _, err := load.Closed(ctx, visitors, warm, p.fresh); err != nil {
		return f, err
	}
	if err := p.full(ctx, server, visitors, &f); err != nil {
		return f, err
	}
	paced := 0
	if p.paced > 0 {
		if paced, err = p.pace(ctx, server, visitors, &f); err != nil {
			return f, err
		}
	}
	return f, p.check(server, visitors, int64(warm+p.requests+paced))
}

// full measures what requests cost when there are as many as the server answers.
func (p plan) full(ctx context.Context, server *process, visitors []*load.Visitor, f *figure) error {
	before, err := server.state(serve.AskSettled) // what is left of the warming is over
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
	after, err := server.state(serve.AskSettled)
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
	f.Late = after.Counts["unacknowledged"] - before.Counts["unacknowledged"]
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// pace measures how long requests take at a rate.
func (p plan) pace(ctx context.Context, server *process, visitors []*load.Visitor, f *figure) (int, error) {
	loop := load.Open{Rate: p.paced, For: *flagPaced}
	if p.fresh {
		loop.VisitLength = 1
	}
	latencies, sent, err := loop.Run(ctx, visitors)
	if err != nil {
		return sent, err
	}
	f.P50, f.P99, f.Paced = latencies.At(0.5), latencies.At(0.99), latencies.Rate
	_, err = server.state(serve.AskSettled)
	return sent, err
}

// check ends a round in an error unless everything that was asked is counted
// once: in Footfall's archive each page view, and each new visitor's session; in
// the session of a session library each request.
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
		if server.mongodb == nil && stored.Sessions != sessions {
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
			counted += n - 1 // asking counts too
		}
		if counted != requests {
			return fmt.Errorf("%d requests were answered and the sessions have counted %d", requests, counted)
		}
	}
	return nil
}
