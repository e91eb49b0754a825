package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/httpserver"
	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/internal/memory"
	"github.com/footfall-go/footfall/internal/oserror"
)

// A node is a tracker on this machine together with its stores and DATA_DIR.
type node struct {
	config   *config
	tracker  *footfall.Tracker
	archive  archive
	lock     *datadir.Lock
	log      *slog.Logger
	closeAll func(context.Context) error
	stop     context.CancelFunc // ends what runs beside the tracker
	running  sync.WaitGroup
	left     uint64 // facts that Close left in the journal
}

const closeTimeout = 10 * time.Second

// openNode locks DATA_DIR and starts a tracker there.
func openNode(c *config, log *slog.Logger) (*node, error) {
	if _, err := c.openGeo(); err != nil {
		return nil, err
	}
	lock, err := lockDataDir(c.dataDir)
	if err != nil {
		return nil, err
	}
	c.Logger = log
	tracker, archive, closeAll, err := c.openTracker()
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	n := &node{config: c, tracker: tracker, archive: archive, lock: lock, log: log, closeAll: closeAll}
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.running.Go(func() { memory.Govern(ctx) })
	if !c.LegacyUntil.IsZero() {
		n.running.Go(func() { upgradeLegacy(ctx, archive, log) })
	}
	return n, nil
}

// Close moves all facts to the archive and unlocks DATA_DIR.
func (n *node) Close() error {
	n.stop()
	n.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = n.tracker.Close(ctx) // closeAll returns its error
	asking, noTime := context.WithCancel(ctx)
	noTime() // the journal alone is looked at, not the stores
	n.left = n.tracker.Status(asking).JournalPending
	return errors.Join(n.closeAll(ctx), n.lock.Unlock())
}

// serve answers requests until the process gets a signal, then lets running
// requests finish. A second signal ends the process at once.
func (n *node) serve(accepting net.Listener, handler http.Handler) error {
	ctx, end := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // runs until the process ends, because moving the journal's facts follows
		<-signals
		n.log.Info("footfall: stopping: running requests have 10 s to finish; a second signal ends the process at once")
		end()
		<-signals
		n.log.Warn("footfall: ended at once by a second signal; the facts in the journal go to the archive at the next start")
		os.Exit(exitWrong)
	}()
	err := httpserver.Serve(ctx, accepting, handler, httpserver.Options{Logger: n.log})
	if ctx.Err() == nil {
		signal.Stop(signals) // a signal can interrupt what follows
	}
	end()
	return err
}

// listen opens the address to serve on.
func listen(addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("ADDR: %w", oserror.Listen(addr, err))
	}
	return l, nil
}

func newToken() string { return rand.Text() + rand.Text() }
