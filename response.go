package footfall

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// responseWriter commits a visit before the first byte of its answer leaves,
// and otherwise gets out of the way. It is part of the visit, so that a request
// allocates nothing for it.
type responseWriter struct {
	http.ResponseWriter
	v *visit
}

// The writer that a handler sees has the optional interfaces of the one
// underneath, in the combinations that exist: those of HTTP/1, of HTTP/2, of
// middleware that passes on Flush and Hijack, or Flush alone. The rest is reached
// through http.ResponseController.
type (
	flushWriter  struct{ *responseWriter }
	hijackWriter struct{ flushWriter }
	http1Writer  struct{ hijackWriter }
	http2Writer  struct{ flushWriter }
)

// wrap returns the writer to hand to the handler.
func (v *visit) wrap(w http.ResponseWriter) http.ResponseWriter {
	v.writer = responseWriter{w, v}
	_, flushes := w.(http.Flusher)
	_, hijacks := w.(http.Hijacker)
	_, reads := w.(io.ReaderFrom)
	_, pushes := w.(http.Pusher)
	switch {
	case flushes && hijacks && reads:
		return http1Writer{hijackWriter{flushWriter{&v.writer}}}
	case flushes && hijacks:
		return hijackWriter{flushWriter{&v.writer}}
	case flushes && pushes:
		return http2Writer{flushWriter{&v.writer}}
	case flushes:
		return flushWriter{&v.writer}
	}
	return &v.writer
}

// Unwrap is for http.ResponseController: deadlines and full duplex.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader commits the visit, unless the status is informational: another
// one follows then.
func (w *responseWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.v.commit(status, w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.v.commit(http.StatusOK, w.Header())
	return w.ResponseWriter.Write(b)
}

func (w *responseWriter) WriteString(s string) (int, error) {
	w.v.commit(http.StatusOK, w.Header())
	return io.WriteString(w.ResponseWriter, s)
}

// FlushError is what http.ResponseController calls; without it, it would flush
// the writer underneath behind the visit's back.
func (w *responseWriter) FlushError() error {
	w.v.commit(http.StatusOK, w.Header())
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w flushWriter) Flush() { _ = w.FlushError() }

// Hijack hands over the connection: what goes over it is the handler's, so no
// cookie is set and nothing counted.
func (w hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.v.abandon()
	}
	return conn, rw, err
}

func (w http1Writer) ReadFrom(src io.Reader) (int64, error) {
	w.v.commit(http.StatusOK, w.Header())
	return w.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

func (w http2Writer) Push(target string, opts *http.PushOptions) error {
	if p, ok := w.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return errors.ErrUnsupported
}
