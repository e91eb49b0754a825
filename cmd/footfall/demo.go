package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/footfall-go/footfall/dashboard"
	"github.com/footfall-go/footfall/internal/shop"
)

type demoCmd struct {
	Settings `kong:"embed"`
}

func (cmd *demoCmd) Run(t terminal) (err error) {
	c, err := cmd.compile("development")
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(t.err, nil))
	generated := c.adminToken == ""
	if err := c.completeSecrets(); err != nil {
		return err
	}
	listener, err := listen(c.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	n, err := openNode(c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	storefront, err := shop.New(shop.Config{Tracker: n.tracker, Logger: log, AllowedOrigins: c.allowedOrigins})
	if err != nil {
		return err
	}
	inside := door{
		URL: localURL(listener), Token: newToken(), PID: os.Getpid(),
		SessionTTL: c.IdleTimeout.String(), SessionMaxAge: c.MaxAge.String(), Timezone: c.Location.String(),
	}
	if err := inside.write(c.dataDir); err != nil {
		return fmt.Errorf("DATA_DIR: %w: make it writable or set another", err)
	}
	defer os.Remove(doorPath(c.dataDir))

	mux := http.NewServeMux()
	mux.Handle("/api/storefront/", storefront)
	mux.Handle("/_footfall/", dashboard.New(dashboard.Config{
		Tracker: n.tracker, Reader: n.archive, Lifetimes: c.lifetimes(), Location: c.Location,
		Tokens: []string{c.adminToken, inside.Token}, Logger: log,
	}))
	n.addProbes(mux)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/api/storefront/products", http.StatusFound)
	})
	if err := cmd.greet(t, inside.URL, c, generated); err != nil {
		return err
	}
	return n.serve(listener, mux)
}

// greet says where everything is and what to try.
func (cmd *demoCmd) greet(t terminal, url string, c *config, generated bool) error {
	admin := "off (set ADMIN_TOKEN)"
	if c.adminToken != "" {
		admin = url + "/_footfall/api/stats   with Authorization: Bearer "
		if generated {
			admin += c.adminToken
		} else {
			admin += "ADMIN_TOKEN"
		}
	}
	_, err := fmt.Fprintf(t.out, `footfall demo
  shop      %[1]s/api/storefront/products
  admin     %[2]s
  data      %[3]s
  log in as customer@example.com or second@example.com, password123

Try (curl calls itself a tool, and tools are no visitors: so it needs a browser's name):
  curl -i -A 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' %[1]s/api/storefront/products/1
  go run ./cmd/footfall stats      in a second terminal, from this directory
`, url, admin, c.dataDir)
	return err
}
