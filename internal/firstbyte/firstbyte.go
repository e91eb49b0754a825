package firstbyte

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// Hooks are told what becomes of an answer.
type Hooks interface {
	// Finish is called when the status is known and before the first byte. It may
	// still change the header. It may be called again; only the first call counts.
	Finish(status int, header http.Header)
	// Abandon is called when the handler has taken the connection over.
	Abandon()
}

// A Writer is an [http.ResponseWriter] that calls its hooks back. Embed it by value
// in what implements the hooks: then a request allocates nothing for it.
type Writer struct {
	http.ResponseWriter
	hooks Hooks
}

// The writer that a handler sees has the optional interfaces of the one
// underneath, in the combinations that exist: those of HTTP/1, of HTTP/2, of
// middleware that passes on Flush and Hijack, or Flush alone. The rest is reached
// through http.ResponseController.
type (
	flushWriter  struct{ *Writer }
	hijackWriter struct{ flushWriter }
	http1Writer  struct{ hijackWriter }
	http2Writer  struct{ flushWriter }
)

// Wrap makes the Writer one in front of another and returns what to hand to the handler.
func (w *Writer) Wrap(under http.ResponseWriter, hooks Hooks) http.ResponseWriter {
	*w = Writer{under, hooks}
	_, flushes := under.(http.Flusher)
	_, hijacks := under.(http.Hijacker)
	_, reads := under.(io.ReaderFrom)
	_, pushes := under.(http.Pusher)
	switch {
	case flushes && hijacks && reads:
		return http1Writer{hijackWriter{flushWriter{w}}}
	case flushes && hijacks:
		return hijackWriter{flushWriter{w}}
	case flushes && pushes:
		return http2Writer{flushWriter{w}}
	case flushes:
		return flushWriter{w}
	}
	return w
}

// Unwrap is for http.ResponseController: deadlines and full duplex.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader calls Finish, unless the status is informational: another
// one follows then.
func (w *Writer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.hooks.Finish(status, w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *Writer) Write(b []byte) (int, error) {
	w.hooks.Finish(http.StatusOK, w.Header())
	return w.ResponseWriter.Write(b)
}

func (w *Writer) WriteString(s string) (int, error) {
	w.hooks.Finish(http.StatusOK, w.Header())
	return io.WriteString(w.ResponseWriter, s)
}

// FlushError is what http.ResponseController calls; without it, it would flush
// the writer underneath without Finish being called.
func (w *Writer) FlushError() error {
	w.hooks.Finish(http.StatusOK, w.Header())
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w flushWriter) Flush() { _ = w.FlushError() }

// Hijack hands over the connection: what goes over it is the handler's, so no
// cookie is set and nothing counted.
func (w hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.hooks.Abandon()
	}
	return conn, rw, err
}

func (w http1Writer) ReadFrom(src io.Reader) (int64, error) {
	w.hooks.Finish(http.StatusOK, w.Header())
	return w.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

func (w http2Writer) Push(target string, opts *http.PushOptions) error {
	if p, ok := w.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return errors.ErrUnsupported
}
