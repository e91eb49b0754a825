package main

import (
	"fmt"
	"net/http"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/shop"
)

type demoCmd struct {
	Settings `kong:"embed"`
}

func (cmd *demoCmd) Run(t terminal) error {
	c, err := cmd.compile("development")
	if err != nil {
		return err
	}
	generated := c.adminToken == ""
	return c.serve(t, nil, func(n *node, mux *http.ServeMux, at addresses) error {
		options := shop.Config{Tracker: n.tracker, Logger: n.log, AllowedOrigins: c.allowedOrigins, Proxies: enrich.Proxies{Networks: c.TrustedProxies, UnixSocket: c.TrustUnixSocket},
			Secret: []byte(c.Secrets[0]), Insecure: c.development}
		if c.NewSessionsPerMinute < 0 { // neither is limited
			options.OrdersPerMinute = -1
		}
		for _, former := range c.Secrets[1:] {
			options.Former = append(options.Former, []byte(former))
		}
		if c.shared.redisURL != "" || c.shared.upstashURL != "" {
			options.SharedHot = c.Hot
		}
		storefront, err := shop.New(options)
		if err != nil {
			return err
		}
		mux.Handle("/api/storefront/", storefront)
		mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/api/storefront/products", http.StatusFound)
		})
		return cmd.greet(t, at, c, generated)
	})
}

// greet prints the addresses of everything and what to try.
func (cmd *demoCmd) greet(t terminal, at addresses, c *config, generated bool) error {
	admin := "off (set ADMIN_TOKEN)"
	if c.adminToken != "" {
		admin = at.admin + "/_footfall/api/stats   with Authorization: Bearer "
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
`, at.public, admin, c.dataDir)
	return err
}
