// Package serve is the server processes that are measured: one handler behind
// Footfall, behind what a shop would use in its place, and behind nothing.
//
// A server prints its address, then answers questions, a line of standard input
// each, with a line of JSON; the end of its input ends it.
package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

// Options of a server.
type Options struct {
	Kind    string
	Redis   string // host:port, for the kinds that need one
	MongoDB string // URI
	Dir     string // for data, default the system's; what is made in it is removed

	IdleTimeout, MaxAge time.Duration // Footfall's own, for the soak
	LiveSessions        int
}

// What a server is asked.
const (
	AskState   = "state"   // State as it is
	AskSettled = "settled" // State once the archive has everything: so work behind the answers is in the figures
	AskBegin   = "begin"   // as settled; then a profile begins
	AskEnd     = "end"     // as settled; then the profile ends
	AskStored  = "stored"  // Stored; apart from the others, so that counting is in no figure
	AskCollect = "collect" // State after a garbage collection
	AskOutage  = "outage"  // the archive refuses from now on
	AskMended  = "mended"  // … and takes facts again
	AskFill    = "fill"    // and a number: that many page views, not over the network
)

// Stored is what an archive of the server's own holds.
type Stored struct {
	Views    int64 `json:"views"`
	Sessions int64 `json:"sessions"`
}

// Run is a server process.
func Run(o *Options) (err error) {
	ctx := context.Background()
	kind, ok := KindOf(o.Kind)
	if !ok {
		return fmt.Errorf("there is no kind %q", o.Kind)
	}
	s, err := kind.make(ctx, o)
	if err != nil {
		return err
	}
	if s.footfall != nil {
		defer s.footfall.stop(ctx)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go func() { _ = s.serve(listener) }()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		answer, err := s.answer(ctx, in.Text())
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			return err
		}
	}
	return s.close()
}

// profile begins and ends a CPU profile in the file that BENCH_CPUPROFILE names.
// Each server of Footfall's writes it anew, so that of the last one stays.
func (t *tracked) profile(ask string) (err error) {
	path := os.Getenv("BENCH_CPUPROFILE")
	switch {
	case path == "":
	case ask == AskBegin:
		if t.profiled, err = os.Create(path); err == nil {
			err = pprof.StartCPUProfile(t.profiled)
		}
	case ask == AskEnd:
		pprof.StopCPUProfile()
		err = t.profiled.Close()
	}
	return err
}

func (s *shopServer) answer(ctx context.Context, ask string) (any, error) {
	word, rest, _ := strings.Cut(ask, " ")
	settled := word == AskSettled || word == AskBegin || word == AskEnd
	if word == AskState || s.footfall == nil && settled {
		return s.state(ctx), nil
	}
	if word == AskCollect {
		collect()
		return s.state(ctx), nil
	}
	if s.footfall == nil {
		return Stored{}, nil
	}
	t := s.footfall
	if settled {
		if err := t.settle(ctx); err != nil {
			return nil, err
		}
		return s.state(ctx), t.profile(word)
	}
	switch word {
	case AskStored:
		return t.stored(ctx)
	case AskOutage:
		t.outage.refuses.Store(true)
		return s.state(ctx), nil
	case AskMended:
		t.outage.refuses.Store(false)
		return s.state(ctx), nil
	case AskFill:
		n, err := strconv.Atoi(rest)
		if err != nil {
			return nil, err
		}
		if err := t.fill(ctx, n); err != nil {
			return nil, err
		}
		return s.state(ctx), nil
	}
	return nil, errors.New("no such question: " + ask)
}
