// Command bench compares Footfall with what a shop would use in its place. Each
// runs in a server process of its own, behind the same handler, with the same
// requests. docs/performance.md has the tables and explains their figures.
//
//	go run . [-scenario resumed,minimal,new,many,live,drain,backlog,start] [-kinds bare,scs,footfall] [-full] [-write]
//	go run . -compare
//	go run . -scenario soak -for 20m
//
// BENCH_CPUPROFILE names a file for the CPU profile of the last Footfall server, of
// the requests that the CPU time in a table is of, until the archive has everything.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/footfall-go/footfall/bench/load"
	"github.com/footfall-go/footfall/bench/serve"
)

var (
	flagScenario    = flag.String("scenario", "resumed,minimal,new,many,live,drain,backlog,start", "what to measure, of "+strings.Join(scenarioNames(), ", "))
	flagKinds       = flag.String("kinds", "", "kinds of server, of "+strings.Join(kindNames(), ", ")+" (default: those that the scenario is about)")
	flagRounds      = flag.Int("rounds", 0, "of each kind, interleaved; medians are printed (default 5; 3 with -compare)")
	flagRequests    = flag.Int("requests", 60_000, "in a round, as fast as they are answered")
	flagConnections = flag.Int("connections", 64, "kept alive, each with a visitor of its own")
	flagRequest     = flag.String("request", string(load.Browser), "browser, or minimal")
	flagPaced       = flag.Duration("paced", 3*time.Second, "how long latencies are taken; 0: not at all")
	flagFull        = flag.Bool("full", false, "live, backlog and start in full size, not a tenth: minutes each")
	flagFor         = flag.Duration("for", 20*time.Minute, "how long a soak is")
	flagEvery       = flag.Duration("every", 30*time.Second, "how often a soak looks")
	flagDir         = flag.String("dir", "", "where databases and journals are made (the system's temporary directory)")
	flagRoot        = flag.String("root", "..", "the repository's directory")
	flagWrite       = flag.Bool("write", false, "put the tables into docs/performance.md and the ratios into bench/recorded.json")
	flagCompare     = flag.Bool("compare", false, "measure shortly, and fail if a ratio or allocations are 10 % worse than in bench/recorded.json")
)

func main() {
	log.SetFlags(0)
	server := serverFlags()
	flag.Var(&flagRate, "rate", "at what `parts` of bare's peak rate latencies are taken (default 0.35,0.5 in resumed, 0.5 elsewhere)")
	flag.Parse()
	if server.Kind != "" {
		server.Dir = *flagDir
		exit(serve.Run(server))
	}
	if *flagInside != "" {
		exit(runInside(context.Background(), *flagInside))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *flagCompare {
		exit(compare(ctx))
	}
	if flag.NArg() > 0 {
		exit(fmt.Errorf("%q is no flag: all of them begin with a hyphen; -h lists them", flag.Arg(0)))
	}
	exit(run(ctx))
}

func exit(err error) {
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}

func serverFlags() *serve.Options {
	o := &serve.Options{}
	flag.StringVar(&o.Kind, "serve", "", "internal: run as a server of that kind")
	flag.StringVar(&o.Redis, "redis", "", "internal: address of its Redis")
	flag.StringVar(&o.MongoDB, "mongodb", "", "internal: URI of its archive")
	flag.DurationVar(&o.IdleTimeout, "idle", 0, "internal: Footfall's idle timeout")
	flag.DurationVar(&o.MaxAge, "max-age", 0, "internal: Footfall's absolute timeout")
	return o
}

// A scenario prints its measurements and returns its tables.
type scenario struct {
	name string
	run  func(context.Context, *report) error
}

func scenarios() []scenario {
	return []scenario{
		{"resumed", resumed}, {"minimal", minimal}, {"new", newVisitors}, {"many", many},
		{"live", live}, {"drain", drain}, {"backlog", backlog}, {"start", startUp}, {"soak", soak},
	}
}

func scenarioNames() (names []string) {
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

func run(ctx context.Context) error {
	if form := load.Form(*flagRequest); form != load.Browser && form != load.Minimal {
		return fmt.Errorf("-request: there is no %q: name %s or %s", form, load.Browser, load.Minimal)
	}
	asked := strings.Split(*flagScenario, ",")
	for _, name := range asked {
		if !slices.Contains(scenarioNames(), name) {
			return fmt.Errorf("-scenario: there is no %q: name some of %s", name, strings.Join(scenarioNames(), ", "))
		}
	}
	*flagRounds = cmp.Or(*flagRounds, 5)
	r := &report{}
	for _, s := range scenarios() {
		if !slices.Contains(asked, s.name) {
			continue
		}
		fmt.Printf("== %s\n", s.name)
		began := time.Now()
		loadBefore = loadAverage()
		if err := s.run(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Printf("(%s took %v)\n\n", s.name, time.Since(began).Round(time.Second))
	}
	if *flagWrite {
		return r.write(ctx)
	}
	return nil
}

// kindsOf returns the kinds asked for, or else the given ones. bare is always
// first, because the others are compared with it.
func kindsOf(otherwise ...string) ([]serve.Kind, error) {
	names := otherwise
	if *flagKinds != "" {
		names = strings.Split(*flagKinds, ",")
	}
	kinds := []serve.Kind{serve.Kinds[0]}
	for _, name := range names {
		kind, ok := serve.KindOf(name)
		if !ok {
			return nil, fmt.Errorf("-kinds: there is no %q: name some of %s", name, strings.Join(kindNames(), ", "))
		}
		if name == serve.Bare {
			continue
		}
		if _, err := os.Stat(filepath.Join(expressDir(), "node_modules")); kind.Node && err != nil {
			if *flagKinds != "" {
				return nil, fmt.Errorf("%s: run npm ci in %s", name, expressDir())
			}
			fmt.Printf("%s is left out: its packages are not installed in %s\n", name, expressDir())
			continue
		}
		kinds = append(kinds, kind)
	}
	if len(kinds) == 1 {
		return nil, errors.New("-kinds: name more than bare")
	}
	return kinds, nil
}

func kindNames() (names []string) {
	for _, k := range serve.Kinds {
		names = append(names, k.Name)
	}
	return names
}
