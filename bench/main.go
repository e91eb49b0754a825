// Command bench measures what the middleware costs a whole server process,
// background work included, as a ratio to the same handler without it: CPU time
// of the server per request, over interleaved rounds.
//
//	go run . [-requests 200000] [-rounds 5] [-connections 64] [-kinds bare,footfall,redis+mongodb]
//
// footfall is Footfall with memory and SQLite. redis+mongodb has a redis-server
// and a stub of MongoDB that keeps nothing, each in another process: their CPU
// time is not the server's. BENCH_CPUPROFILE names a file for the profile of the
// last server that is not bare.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"log"
	"slices"
	"strings"
)

// The kinds of servers.
const (
	bare         = "bare"
	memorySQLite = "footfall"
	redisMongoDB = "redis+mongodb"
)

func main() {
	log.SetFlags(0)
	var s served
	flag.StringVar(&s.kind, "serve", "", "internal: run as a server of that kind")
	flag.StringVar(&s.redis, "redis", "", "internal: address of its hot store")
	flag.StringVar(&s.mongodb, "mongodb", "", "internal: URI of its archive")
	requests := flag.Int("requests", 200_000, "per round")
	rounds := flag.Int("rounds", 5, "of each kind, interleaved")
	connections := flag.Int("connections", 64, "kept alive, each with a visitor of its own")
	list := flag.String("kinds", strings.Join([]string{bare, memorySQLite, redisMongoDB}, ","), "what to measure")
	flag.Parse()
	if s.kind != "" {
		if err := s.run(); err != nil {
			log.Fatal(err)
		}
		return
	}
	kinds := strings.Split(*list, ",")
	for _, kind := range kinds {
		if !slices.Contains([]string{bare, memorySQLite, redisMongoDB}, kind) {
			log.Fatalf("-kinds: there is no %q", kind)
		}
	}
	figures := map[string][]figure{}
	for range *rounds {
		for _, kind := range kinds {
			f, err := measure(kind, *requests, *connections)
			if err != nil {
				log.Fatalf("%s: %v", kind, err)
			}
			figures[kind] = append(figures[kind], f)
			fmt.Printf("%-13s %v  %d requests, %d stored\n", kind, f, f.requests, f.stored)
		}
	}
	fmt.Println("\nmedians")
	for _, kind := range kinds {
		f := median(figures[kind])
		fmt.Printf("%-13s %v", kind, f)
		if kind != bare && len(figures[bare]) > 0 {
			base := median(figures[bare])
			fmt.Printf("  %.2f × bare, +%.1f µs; throughput %.0f %%", f.cpu/base.cpu, f.cpu-base.cpu, 100*f.rate/base.rate)
		}
		fmt.Println()
	}
}

// median is the figure whose CPU time is the middle one.
func median(all []figure) figure {
	all = slices.SortedFunc(slices.Values(all), func(a, b figure) int { return cmp.Compare(a.cpu, b.cpu) })
	return all[len(all)/2]
}
