package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/footfall-go/footfall/admin"
	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/internal/oserror"
)

type serveCmd struct {
	Settings `kong:"embed"`
}

// Run serves the admin API and runs the background jobs, beside the shops that
// use the same stores.
func (cmd *serveCmd) Run(t terminal) error {
	c, err := cmd.compile("production")
	if err != nil {
		return err
	}
	return c.serve(t, c.aloneWarnings(), func(_ *node, _ *http.ServeMux, at addresses) error {
		admin := "off (set ADMIN_TOKEN)"
		if c.adminToken != "" {
			admin = at.admin + "/_footfall/api/stats   with Authorization: Bearer ADMIN_TOKEN"
		}
		_, err := fmt.Fprintf(t.out, "footfall serve\n  admin     %s\n  probes    %s/readyz  %s/metrics\n  data      %s\n", admin, at.public, at.admin, c.dataDir)
		return err
	})
}

// addresses are the URLs of a node: of ADDR, and of the admin API, which is on ADDR too
// unless ADMIN_ADDR is set.
type addresses struct{ public, admin string }

// serve starts a node, mounts the command's own routes, and answers requests
// until the process gets a signal. extra are warnings that the command has beside those
// of the settings.
func (c *config) serve(t terminal, extra []warning, mount func(n *node, mux *http.ServeMux, at addresses) error) (err error) {
	began := time.Now()
	log := c.logger(t.err, slog.LevelDebug)
	logWarnings(log, append(c.commandWarnings(os.Environ()), extra...))
	if err := c.completeSecrets(); err != nil {
		return err
	}
	n, err := openNode(c, log)
	if err != nil {
		return err
	}
	started := false
	defer func() {
		err = errors.Join(err, n.Close())
		if started {
			n.logEnd(began)
			err = failed(err)
		}
	}()
	operators, err := admin.New(admin.Config{
		Tracker: n.tracker, Reader: n.archive, DataDir: c.dataDir, Lock: n.lock, Tokens: []string{c.adminToken},
		OpenMetrics: c.development || c.adminAddr != "", OpenDetails: c.development, Logger: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, operators.Close()) }()
	// Listen only now that requests can be answered. A connection that is
	// accepted before that would make a visitor wait for the stores, while a load
	// balancer would have chosen another instance.
	listener, err := listen(c.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	mux := http.NewServeMux()
	at := addresses{public: datadir.LocalURL(listener.Addr())}
	if c.adminAddr != "" {
		operators.MountProbes(mux)
		if err := operators.Listen(c.adminAddr); err != nil {
			var p *oserror.Problem
			if errors.As(err, &p) {
				err = p
			}
			return fmt.Errorf("ADMIN_ADDR: %w", err)
		}
	} else {
		operators.Mount(mux)
		if err := operators.Announce(at.public); err != nil {
			return err
		}
	}
	at.admin = operators.URL()
	if err := mount(n, mux, at); err != nil {
		return err
	}
	n.logStart(at)
	started = true
	return n.serve(listener, mux)
}
