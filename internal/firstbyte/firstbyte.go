package firstbyte

import (
	"io"
	"net/http"
)

// Hooks are told what becomes of an answer.
type Hooks interface {
	// Finish is called when the status is known and before the first byte. It may
	// still change the header. body is the beginning of the body, nil if nothing of it
	// is known yet. It may be called again; only the first call counts.
	Finish(status int, header http.Header, body []byte)
	// Abandon is called when the handler has taken the connection over.
	Abandon()
}

// A Writer is an [http.ResponseWriter] that calls its hooks back. Embed it by value
// in what implements the hooks: then a request allocates nothing for it.
type Writer struct {
	http.ResponseWriter
	hooks Hooks
}

// Wrap makes the Writer one in front of another and returns what to hand to the
// handler. That has the optional interfaces of the writer underneath: http.Flusher,
// http.Hijacker, http.CloseNotifier, io.ReaderFrom and http.Pusher, each if that one
// has it. The rest is reached through http.ResponseController.
func (w *Writer) Wrap(under http.ResponseWriter, hooks Hooks) http.ResponseWriter {
	*w = Writer{under, hooks}
	return w.as(abilitiesOf(under))
}

// Unwrap is for http.ResponseController: deadlines and full duplex.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader calls Finish, unless the status is informational: another
// one follows then.
func (w *Writer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.hooks.Finish(status, w.Header(), nil)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *Writer) Write(b []byte) (int, error) {
	w.hooks.Finish(http.StatusOK, w.Header(), b)
	return w.ResponseWriter.Write(b)
}

// WriteString tells the hooks how the body begins if that is no text: what text is, is no
// medium.
func (w *Writer) WriteString(s string) (int, error) {
	var begin []byte
	if isBinary(s) && len(w.Header()["Content-Type"]) == 0 {
		begin = []byte(s[:min(len(s), sniffed)])
	}
	w.hooks.Finish(http.StatusOK, w.Header(), begin)
	return io.WriteString(w.ResponseWriter, s)
}

// sniffed is how much of a body net/http's server looks at to find out what it is.
const sniffed = 512

// isBinary reports whether a body begins as no text does: media have a control character
// among their first bytes.
func isBinary(s string) bool {
	for i := range min(len(s), 16) {
		if c := s[i]; c < ' ' && c != '\t' && c != '\n' && c != '\f' && c != '\r' {
			return true
		}
	}
	return false
}

// FlushError is what http.ResponseController calls; without it, it would flush
// the writer underneath without Finish being called.
func (w *Writer) FlushError() error {
	w.hooks.Finish(http.StatusOK, w.Header(), nil)
	return http.NewResponseController(w.ResponseWriter).Flush()
}
