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

// Run serves the admin surface and runs the background jobs, beside the shops
// that share the stores.
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

// serve starts a node, mounts what the command adds, and answers requests until
// the process is told to stop.
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
	// Not before it can answer: a connection that is taken and not served makes a
	// visitor wait for as long as the stores do, where a load balancer would have
	// gone to another instance.
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
	mux := http.NewServeMux()
	mux.Handle("/_footfall/", dashboard.New(dashboard.Config{
		Tracker: n.tracker, Reader: n.archive, Lifetimes: c.lifetimes(), Location: c.Location,
		Tokens: []string{c.adminToken, inside.Token}, Logger: log,
	}))
	n.addProbes(mux)
	if err := mount(n, mux, inside.URL); err != nil {
		return err
	}
	return n.serve(listener, mux)
}
