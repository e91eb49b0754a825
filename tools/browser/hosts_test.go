package browser

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// hosts are all sites of all tests, by host name. Those under .example speak HTTPS, to
// which alone a browser sends Fetch metadata; those under .test speak plain HTTP.
type hosts struct {
	secure, plain net.Listener
	key           string // the hash by which the browser trusts the key of secure
	server        *http.Server

	mu    sync.Mutex
	sites map[string]http.Handler
}

func listen() (*hosts, error) {
	h := &hosts{sites: map[string]http.Handler{}}
	h.server = &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	defer certificate.Close()
	hash := sha256.Sum256(certificate.Certificate().RawSubjectPublicKeyInfo)
	h.key = base64.StdEncoding.EncodeToString(hash[:])
	secure, err1 := loopback()
	plain, err2 := loopback()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	h.secure, h.plain = tls.NewListener(secure, &tls.Config{Certificates: certificate.TLS.Certificates}), plain
	go h.server.Serve(h.secure)
	go h.server.Serve(h.plain)
	return h, nil
}

func (h *hosts) close() { _ = h.server.Close() }

func (h *hosts) set(host string, site http.Handler) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if site == nil {
		delete(h.sites, host)
		return
	}
	h.sites[host] = site
}

func (h *hosts) get(host string) http.Handler {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sites[host]
}

func (h *hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	h.mu.Lock()
	site := h.sites[strings.ToLower(host)]
	h.mu.Unlock()
	if site == nil {
		http.NotFound(w, r)
		return
	}
	site.ServeHTTP(w, r)
}
