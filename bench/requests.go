package main

import (
	"context"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/bench/load"
	"github.com/footfall-go/footfall/bench/serve"
)

// resumed measures visitors who return with their cookies, which is nearly every
// request of a shop.
func resumed(ctx context.Context, r *report) error {
	kinds, err := kindsOf(kindNames()...)
	if err != nil {
		return err
	}
	name := "resumed"
	if load.Form(*flagRequest) == load.Minimal {
		name = "minimal" // so that its figures are never confused with the others
	}
	return rounds(ctx, r, name, kinds, plan{form: load.Form(*flagRequest), requests: *flagRequests, connections: *flagConnections, parts: ratesOf(0.35, 0.5)})
}

// minimal is resumed with the shortest request, which is the cheapest for the
// server without sessions.
func minimal(ctx context.Context, r *report) error {
	kinds, err := kindsOf(serve.MemorySQLite)
	if err != nil {
		return err
	}
	return rounds(ctx, r, "minimal", kinds, plan{form: load.Minimal, requests: *flagRequests, connections: *flagConnections, parts: ratesOf(0.5)})
}

// newVisitors measures a new visitor with each request, like a campaign or an
// attack.
func newVisitors(ctx context.Context, r *report) error {
	kinds, err := kindsOf(serve.SCSMemory, serve.SCSRedis, serve.FiberRedis, serve.MemorySQLite, serve.RedisMongoDB)
	if err != nil {
		return err
	}
	return rounds(ctx, r, "new", kinds, plan{form: load.Form(*flagRequest), requests: *flagRequests / 2, connections: *flagConnections, fresh: true, parts: ratesOf(0.5)})
}

// many is resumed with many more visitors at a time, so that each batch for the
// archive concerns many sessions.
func many(ctx context.Context, r *report) error {
	kinds, err := kindsOf(serve.SCSMemory, serve.SCSRedis, serve.MemorySQLite, serve.RedisMongoDB)
	if err != nil {
		return err
	}
	return rounds(ctx, r, "many", kinds, plan{form: load.Form(*flagRequest), requests: *flagRequests, connections: 2000, parts: ratesOf(0.5)})
}

// rounds measures the kinds in turn, so that other work on the machine affects
// all of them alike. The rates of the open loops are parts of bare's peak in
// the first round, and the same for all.
func rounds(ctx context.Context, r *report, name string, kinds []serve.Kind, p plan) error {
	t := &table{scenario: name, kinds: kinds, plan: p, figures: map[string][]figure{}}
	for round := range *flagRounds {
		for _, kind := range kinds {
			if round == 0 && kind.Name == serve.Bare && *flagPaced > 0 {
				f, err := p.measure(ctx, kind) // only to find the rates
				if err != nil {
					return fmt.Errorf("%s: %w", kind.Name, err)
				}
				for _, part := range p.parts {
					p.paced = append(p.paced, f.Peak*part)
				}
				t.plan = p
			}
			f, err := p.measure(ctx, kind)
			if err != nil {
				return fmt.Errorf("%s: %w", kind.Name, err)
			}
			t.figures[kind.Name] = append(t.figures[kind.Name], f)
			fmt.Printf("%-23s %6.1f µs CPU, Redis %4.1f, %6.1f allocs, %7.0f/s", kind.Name, f.CPU, f.RedisCPU, f.Allocs, f.Peak)
			for _, l := range f.Paced {
				fmt.Printf(", at %.0f/s: p50 %v p99 %v", l.Rate, l.P50.Round(time.Microsecond), l.P99.Round(time.Microsecond))
			}
			fmt.Println()
			if f.Late > 0 {
				fmt.Printf("%-23s the disk was slow: %d facts were written after their answers\n", "", f.Late)
			}
			if f.Missed > 0 {
				fmt.Printf("%-23s the hot store was slow: it did not take %d writes\n", "", f.Missed)
			}
		}
	}
	r.add(t)
	return nil
}
