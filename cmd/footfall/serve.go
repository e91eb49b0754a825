package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/footfall-go/footfall/dashboard"
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
	return c.serve(t, func(_ *node, _ *http.ServeMux, url string) error {
		admin := "off (set ADMIN_TOKEN)"
		if c.adminToken != "" {
			admin = url + "/_footfall/api/stats   with Authorization: Bearer ADMIN_TOKEN"
		}
		_, err := fmt.Fprintf(t.out, "footfall serve\n  admin     %s\n  probes    %s/readyz  %s/metrics\n  data      %s\n", admin, url, url, c.dataDir)
		return err
	})
}

// serve starts a node, mounts the command's own routes, and answers requests
// until the process gets a signal.
func (c *config) serve(t terminal, mount func(n *node, mux *http.ServeMux, url string) error) (err error) {
	log := slog.New(slog.NewTextHandler(t.err, nil))
	if err := c.completeSecrets(); err != nil {
		return err
	}
	n, err := openNode(c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	// Listen only now that requests can be answered. A connection that is
	// accepted before that would make a visitor wait for the stores, while a load
	// balancer would have chosen another instance.
	listener, err := listen(c.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	inside := door{
		URL: localURL(listener), Token: newToken(), PID: os.Getpid(),
		SessionTTL: c.IdleTimeout.String(), SessionMaxAge: c.MaxAge.String(), Timezone: c.Location.String(),
	}
	if err := inside.write(c.dataDir); err != nil {
		return fmt.Errorf("DATA_DIR: %w: make it writable or set another", err)
	}
	defer os.Remove(doorPath(c.dataDir))
	admin, err := dashboard.New(dashboard.Config{Tracker: n.tracker, Reader: n.archive, Tokens: []string{c.adminToken, inside.Token}, Logger: log})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/_footfall/", admin)
	n.addProbes(mux)
	if err := mount(n, mux, inside.URL); err != nil {
		return err
	}
	return n.serve(listener, mux)
}
