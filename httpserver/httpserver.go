// Package httpserver serves a shop over HTTP so that strangers cannot hold its memory.
//
// It owns how a shop's process accepts connections and how it ends. It promises that what
// all connections take is bounded by the memory and the open files that the process may
// have; that a client that sends a request, or takes an answer, too slowly is cut, while
// an answer that gets on may take as long as it wants; and that a running request has
// [Grace] to finish once the server ends. It never cuts a request whose handler is at
// work before that, and it sets no limit on what a handler does.
//
// [http.Server] alone bounds the time of a request and the size of one header. It does not
// bound how many connections there are, what the kernel keeps for clients that take
// nothing, or how long a client may take an answer.
//
// The connections are plain HTTP/1.1: HTTPS ends in the proxy in front, as in each set-up
// of docs/integrations.md.
package httpserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/footfall-go/footfall/internal/connection"
	"github.com/footfall-go/footfall/internal/loglimit"
	"github.com/footfall-go/footfall/internal/memory"
	"github.com/footfall-go/footfall/internal/oserror"
)

// Grace is how long running requests may take once the server ends.
const Grace = 10 * time.Second

// ErrCut is what [Serve] returns if requests did not finish within [Grace], and were cut.
var ErrCut = errors.New("httpserver: some requests did not finish within 10 s, and were cut")

// Options may be left empty.
type Options struct {
	// Logger gets what net/http has to say about a connection, as warnings, of those that
	// are alike one a second.
	// Default: slog.Default().
	Logger *slog.Logger
}

// ListenAndServe listens on a TCP address such as ":8080" and serves there: see [Serve].
func ListenAndServe(ctx context.Context, addr string, handler http.Handler, o Options) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("httpserver: %w", oserror.Listen(addr, err))
	}
	return Serve(ctx, l, handler, o)
}

// Serve answers the requests that come to a listener until ctx ends. Then it accepts no
// more, gives running requests [Grace] and returns nil, or [ErrCut] if it had to cut one.
// Any other error is the listener's. The listener is closed in each case. A request's
// context is not ctx's child, so that running requests may finish.
//
// A request's header may take 10 s, 64 KiB and 250 lines, and a whole request a minute. A
// client takes 16 KiB of an answer in 20 s, or is cut. Connections take a quarter of
// the memory at most, counted as 128 KiB each, and three quarters of the files that the
// process may have open: past that, each new one has one cut that has waited for its
// client for long. The memory is GOMEMLIMIT, the limit of the cgroup, or the machine's,
// whichever is least.
//
// Until it returns the garbage collector works harder when the process comes near to what
// the kernel grants it, so that the kernel does not end the process in a flood of requests:
// otherwise a heap may grow to twice what is in use. A lower GOMEMLIMIT holds, and so does
// a GOGC, or what the program gave to [runtime/debug.SetGCPercent].
func Serve(ctx context.Context, l net.Listener, handler http.Handler, o Options) error {
	listener := connection.Listen(l)
	server := connection.NewServer(handler, loglimit.Logger(cmp.Or(o.Logger, slog.Default())).Handler())
	governed, ungoverned := context.WithCancel(context.WithoutCancel(ctx))
	var governs sync.WaitGroup
	governs.Go(func() { memory.Govern(governed) })
	defer governs.Wait()
	defer ungoverned()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	listener.Drain()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), Grace)
	defer cancel()
	if err := server.Shutdown(ending); errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(ErrCut, server.Close())
	} else if err != nil {
		return fmt.Errorf("httpserver: %w", err)
	}
	return nil
}
