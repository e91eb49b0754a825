package connection

import (
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"time"
)

// NewServer returns a server for the connections of a [Listener], whose requests are
// bounded: a header takes at most 10 s, 64 KiB and 250 lines, a whole request a minute.
// What net/http has to say about a connection is a warning in log.
func NewServer(handler http.Handler, log slog.Handler) *http.Server {
	return &http.Server{
		Handler:           closing(handler),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log, slog.LevelWarn),
		ConnState: func(c net.Conn, state http.ConnState) {
			ours, ok := c.(*conn)
			switch {
			case !ok:
			case state == http.StateHijacked:
				ours.takenOver()
			case state == http.StateIdle:
				ours.answered()
				// The client may have sent many requests at once. Its connection would go on
				// with them for 10 ms before anybody else's is looked at, and a thousand such
				// connections for five seconds.
				runtime.Gosched()
			}
		},
	}
}
