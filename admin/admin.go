package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/dashboard"
	"github.com/footfall-go/footfall/internal/bearer"
	"github.com/footfall-go/footfall/internal/connection"
	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/internal/loglimit"
	"github.com/footfall-go/footfall/internal/oserror"
	"github.com/footfall-go/footfall/internal/secret"
	"github.com/footfall-go/footfall/report"
)

// Config says what a [Handler] serves. Tracker and Reader are required.
type Config struct {
	Tracker *footfall.Tracker
	Reader  report.Reader // the tracker's archive

	// DataDir is the directory by which commands find this process: their DATA_DIR.
	// It should hold the tracker's journal, as DataDir/journal, and with SQLite the
	// database, as DataDir/footfall.db. One process at a time may use it. Default: none,
	// commands do not find this process.
	DataDir string
	// Lock is DataDir's lock, for who takes it before the tracker opens its stores and
	// keeps it until they are closed. Default: New takes the lock and Close releases it.
	Lock *Lock

	// Tokens admit to the admin API, the metrics and the details of /readyz, as in
	// "Authorization: Bearer TOKEN": 16 bytes or more each, and random; empty ones are ignored.
	// Default: none, which admits commands that can read DataDir, and nobody else.
	Tokens []string
	// OpenMetrics serves /metrics without a token, for an address that only operators
	// reach.
	OpenMetrics bool
	// OpenDetails shows the details of /readyz without a token, for development.
	OpenDetails bool

	// Logger is told what goes wrong. Default: slog.Default().
	Logger *slog.Logger
}

// A Lock makes its process the only one that uses a DataDir.
type Lock = datadir.Lock

// TakeLock makes a directory if it is missing and locks it. It fails if another process
// has the lock.
func TakeLock(dir string) (*Lock, error) {
	l, err := datadir.Take(dir)
	if err != nil {
		return nil, fmt.Errorf("admin: Config.DataDir: %w", err)
	}
	return l, nil
}

const minToken = 16 // bytes

// A Handler serves the paths that the package comment lists. Its methods are safe for
// concurrent use. Close it before the tracker.
type Handler struct {
	config  Config
	token   string // this process's own, which DataDir tells commands
	door    *bearer.Door
	mux     *http.ServeMux
	ownLock bool
	latest  latest

	mu       sync.Mutex // guards what follows
	server   *http.Server
	listener *connection.Listener
	serving  sync.WaitGroup
	url      string
	isClosed bool
	retry    *time.Timer // of announcing; nil: it succeeded, or was not asked for
}

// New returns a Handler and locks DataDir.
func New(c Config) (*Handler, error) {
	c.Logger = loglimit.Logger(cmp.Or(c.Logger, slog.Default()))
	h := &Handler{config: c, token: rand.Text() + rand.Text(), mux: http.NewServeMux()}
	if err := c.check(); err != nil {
		return nil, err
	}
	tokens := append(slices.Clone(c.Tokens), h.token)
	h.door = bearer.New(c.Tracker.Proxies(), tokens...)
	api, err := dashboard.New(dashboard.Config{Tracker: c.Tracker, Reader: c.Reader, Tokens: tokens, Logger: c.Logger, ReportDir: reportDir(c.DataDir)})
	if err != nil {
		return nil, err
	}
	h.mux.Handle("/_footfall/", api)
	h.mux.HandleFunc("GET /healthz", alive)
	h.mux.HandleFunc("GET /readyz", h.ready)
	h.mux.Handle("GET /metrics", h.metrics())
	if c.Lock == nil && c.DataDir != "" {
		if h.config.Lock, err = TakeLock(c.DataDir); err != nil {
			return nil, err
		}
		h.ownLock = true
	}
	return h, nil
}

func (c *Config) check() error {
	var mistakes []error
	if c.Tracker == nil {
		mistakes = append(mistakes, errors.New("admin: Config.Tracker: required: what footfall.New returned"))
	}
	if c.Reader == nil {
		mistakes = append(mistakes, errors.New("admin: Config.Reader: required: the tracker's archive"))
	}
	for i, token := range c.Tokens {
		if n := len(token); n > 0 && n < minToken {
			mistakes = append(mistakes, fmt.Errorf("admin: Config.Tokens: number %d has %d bytes: use %d or more (openssl rand -hex 16)", i+1, n, minToken))
		} else if n > 0 && secret.Bits(token) < secret.MinTokenBits {
			mistakes = append(mistakes, fmt.Errorf("admin: Config.Tokens: number %d can be guessed: make a random one (openssl rand -hex 16)", i+1))
		}
	}
	return errors.Join(mistakes...)
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Mount adds everything to a mux. Requests to it must not go through Tracker.Handler,
// which would count them.
func (h *Handler) Mount(mux *http.ServeMux) {
	// Without a method it would contradict a pattern of the shop's like "GET /".
	mux.Handle("GET /_footfall/", h)
	mux.Handle("POST /_footfall/", h)
	mux.Handle("GET /metrics", h)
	h.MountProbes(mux)
}

// MountProbes adds /healthz and /readyz alone, for an address that visitors reach if the
// rest is on another.
func (h *Handler) MountProbes(mux *http.ServeMux) {
	mux.Handle("GET /healthz", h)
	mux.Handle("GET /readyz", h)
}

// Listen serves the handler on an address, until Close, and announces it. Default:
// 127.0.0.1 and a free port.
func (h *Handler) Listen(addr string) error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", cmp.Or(addr, "127.0.0.1:0"))
	if err != nil {
		return fmt.Errorf("admin: %w", oserror.Listen(addr, err))
	}
	server := connection.NewServer(h, h.config.Logger.Handler())
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.server != nil || h.isClosed {
		return errors.Join(errors.New("admin: Listen is called once, before Close"), l.Close())
	}
	if h.config.Lock != nil {
		if err := h.announce(datadir.LocalURL(l.Addr())); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	h.server, h.listener, h.url = server, connection.Listen(l), datadir.LocalURL(l.Addr())
	h.serving.Go(func() {
		if err := server.Serve(h.listener); !errors.Is(err, http.ErrServerClosed) {
			h.config.Logger.Error("footfall: the admin API is not served any more", "error", err)
		}
	})
	return nil
}

// URL is where the handler was announced, or listens; empty before that.
func (h *Handler) URL() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.url
}

// Announce says in DataDir that this process serves the handler under a URL, such as
// http://127.0.0.1:8080, which commands on this machine can reach. If that cannot be written, as on a full disk,
// it is logged and tried again until Close: commands do not find the process before.
func (h *Handler) Announce(url string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.isClosed {
		return errors.New("admin: Announce is called before Close")
	}
	return h.announce(url)
}

func (h *Handler) announce(url string) error {
	if h.config.Lock == nil {
		return errors.New("admin: Config.DataDir: it is empty, so that no command can find this process: set it")
	}
	h.url = url
	h.write()
	return nil
}

const announceRetry = 10 * time.Second

// write writes the file that tells commands of this process, now or later. The caller
// holds h.mu.
func (h *Handler) write() {
	lives := h.config.Tracker.Lifetimes()
	err := h.config.Lock.Write(datadir.Address{
		URL: h.url, Token: h.token, PID: os.Getpid(),
		SessionTTL: lives.Idle.String(), SessionMaxAge: lives.Absolute.String(), Timezone: h.config.Tracker.Location().String(),
	})
	again := h.retry != nil
	h.retry = nil
	if err == nil {
		if again {
			h.config.Logger.Info("footfall: commands find this process now")
		}
		return
	}
	if !again {
		h.config.Logger.Warn("footfall: commands do not find this process: it is tried again every 10 s", "error", err)
	}
	h.retry = time.AfterFunc(announceRetry, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if !h.isClosed {
			h.write()
		}
	})
}

// closeTimeout is how long requests that Listen serves have to finish.
const closeTimeout = 5 * time.Second

// Close makes this process one that commands do not find any more, ends what Listen
// began, and releases the lock that New took. Only the first call does anything.
func (h *Handler) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.isClosed {
		return nil
	}
	h.isClosed = true
	if h.retry != nil {
		h.retry.Stop()
	}
	var errs []error
	if h.config.Lock != nil && h.url != "" {
		errs = append(errs, h.config.Lock.Remove())
	}
	if h.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		h.listener.Drain()
		if err := h.server.Shutdown(ctx); err != nil {
			errs = append(errs, h.server.Close())
		}
		h.serving.Wait()
	}
	if h.ownLock {
		errs = append(errs, h.config.Lock.Unlock())
	}
	return errors.Join(errs...)
}

// reportDir is where reports keep what they read of the archive.
func reportDir(dataDir string) string {
	if dataDir == "" {
		return ""
	}
	return filepath.Join(dataDir, "reports")
}
