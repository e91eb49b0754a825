package firstbyte

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
)

// The optional interfaces of a response writer, as bits.
type abilities uint8

const (
	flushes abilities = 1 << iota
	hijacks
	notifies
	reads
	pushes
)

func abilitiesOf(w http.ResponseWriter) (a abilities) {
	if _, ok := w.(http.Flusher); ok {
		a |= flushes
	}
	if canHijack(w) {
		a |= hijacks
	}
	if _, ok := w.(http.CloseNotifier); ok { //nolint:staticcheck // gin's Stream needs it
		a |= notifies
	}
	if _, ok := w.(io.ReaderFrom); ok {
		a |= reads
	}
	if _, ok := w.(http.Pusher); ok {
		a |= pushes
	}
	return a
}

// canHijack looks behind writers that can do nothing but Unwrap, too, as
// http.ResponseController does: it would take the connection over past the hooks.
func canHijack(w http.ResponseWriter) bool {
	for {
		switch under := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = under.Unwrap()
		default:
			return false
		}
	}
}

func (w *Writer) flush() { _ = w.FlushError() }

// hijack hands over the connection: what goes over it is the handler's, so no
// cookie is set and nothing counted.
func (w *Writer) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.hooks.Abandon()
	}
	return conn, rw, err
}

func (w *Writer) closeNotify() <-chan bool {
	return w.ResponseWriter.(http.CloseNotifier).CloseNotify() //nolint:staticcheck // as above
}

// readFrom reads the beginning first if the server finds out from it what the answer is.
func (w *Writer) readFrom(src io.Reader) (int64, error) {
	var begin []byte
	if len(w.Header()["Content-Type"]) == 0 {
		begin = make([]byte, sniffed)
		n, err := src.Read(begin)
		if n == 0 && err != nil && err != io.EOF {
			return 0, err
		}
		begin = begin[:n]
		src = io.MultiReader(bytes.NewReader(begin), src)
	}
	w.hooks.Finish(http.StatusOK, w.Header(), begin)
	return w.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

func (w *Writer) push(target string, opts *http.PushOptions) error {
	return w.ResponseWriter.(http.Pusher).Push(target, opts)
}

// There is a type for each combination of abilities, because a type assertion cannot
// be answered at run time. Each adds one method to another type, and has one
// pointer, so that none is allocated. The letters say which methods: f Flush,
// h Hijack, c CloseNotify, r ReadFrom, p Push.
type (
	canF     struct{ *Writer }
	canH     struct{ *Writer }
	canFH    struct{ canF }
	canC     struct{ *Writer }
	canFC    struct{ canF }
	canHC    struct{ canH }
	canFHC   struct{ canFH }
	canR     struct{ *Writer }
	canFR    struct{ canF }
	canHR    struct{ canH }
	canFHR   struct{ canFH }
	canCR    struct{ canC }
	canFCR   struct{ canFC }
	canHCR   struct{ canHC }
	canFHCR  struct{ canFHC }
	canP     struct{ *Writer }
	canFP    struct{ canF }
	canHP    struct{ canH }
	canFHP   struct{ canFH }
	canCP    struct{ canC }
	canFCP   struct{ canFC }
	canHCP   struct{ canHC }
	canFHCP  struct{ canFHC }
	canRP    struct{ canR }
	canFRP   struct{ canFR }
	canHRP   struct{ canHR }
	canFHRP  struct{ canFHR }
	canCRP   struct{ canCR }
	canFCRP  struct{ canFCR }
	canHCRP  struct{ canHCR }
	canFHCRP struct{ canFHCR }
)

func (w canF) Flush() { w.flush() }

func (w canH) Hijack() (net.Conn, *bufio.ReadWriter, error)  { return w.hijack() }
func (w canFH) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w canC) CloseNotify() <-chan bool   { return w.closeNotify() }
func (w canFC) CloseNotify() <-chan bool  { return w.closeNotify() }
func (w canHC) CloseNotify() <-chan bool  { return w.closeNotify() }
func (w canFHC) CloseNotify() <-chan bool { return w.closeNotify() }

func (w canR) ReadFrom(src io.Reader) (int64, error)    { return w.readFrom(src) }
func (w canFR) ReadFrom(src io.Reader) (int64, error)   { return w.readFrom(src) }
func (w canHR) ReadFrom(src io.Reader) (int64, error)   { return w.readFrom(src) }
func (w canFHR) ReadFrom(src io.Reader) (int64, error)  { return w.readFrom(src) }
func (w canCR) ReadFrom(src io.Reader) (int64, error)   { return w.readFrom(src) }
func (w canFCR) ReadFrom(src io.Reader) (int64, error)  { return w.readFrom(src) }
func (w canHCR) ReadFrom(src io.Reader) (int64, error)  { return w.readFrom(src) }
func (w canFHCR) ReadFrom(src io.Reader) (int64, error) { return w.readFrom(src) }

func (w canP) Push(target string, opts *http.PushOptions) error     { return w.push(target, opts) }
func (w canFP) Push(target string, opts *http.PushOptions) error    { return w.push(target, opts) }
func (w canHP) Push(target string, opts *http.PushOptions) error    { return w.push(target, opts) }
func (w canFHP) Push(target string, opts *http.PushOptions) error   { return w.push(target, opts) }
func (w canCP) Push(target string, opts *http.PushOptions) error    { return w.push(target, opts) }
func (w canFCP) Push(target string, opts *http.PushOptions) error   { return w.push(target, opts) }
func (w canHCP) Push(target string, opts *http.PushOptions) error   { return w.push(target, opts) }
func (w canFHCP) Push(target string, opts *http.PushOptions) error  { return w.push(target, opts) }
func (w canRP) Push(target string, opts *http.PushOptions) error    { return w.push(target, opts) }
func (w canFRP) Push(target string, opts *http.PushOptions) error   { return w.push(target, opts) }
func (w canHRP) Push(target string, opts *http.PushOptions) error   { return w.push(target, opts) }
func (w canFHRP) Push(target string, opts *http.PushOptions) error  { return w.push(target, opts) }
func (w canCRP) Push(target string, opts *http.PushOptions) error   { return w.push(target, opts) }
func (w canFCRP) Push(target string, opts *http.PushOptions) error  { return w.push(target, opts) }
func (w canHCRP) Push(target string, opts *http.PushOptions) error  { return w.push(target, opts) }
func (w canFHCRP) Push(target string, opts *http.PushOptions) error { return w.push(target, opts) }

// as is the Writer with the methods of some abilities.
func (w *Writer) as(a abilities) http.ResponseWriter {
	switch a {
	case flushes:
		return canF{w}
	case hijacks:
		return canH{w}
	case flushes | hijacks:
		return canFH{canF{w}}
	case notifies:
		return canC{w}
	case flushes | notifies:
		return canFC{canF{w}}
	case hijacks | notifies:
		return canHC{canH{w}}
	case flushes | hijacks | notifies:
		return canFHC{canFH{canF{w}}}
	case reads:
		return canR{w}
	case flushes | reads:
		return canFR{canF{w}}
	case hijacks | reads:
		return canHR{canH{w}}
	case flushes | hijacks | reads:
		return canFHR{canFH{canF{w}}}
	case notifies | reads:
		return canCR{canC{w}}
	case flushes | notifies | reads:
		return canFCR{canFC{canF{w}}}
	case hijacks | notifies | reads:
		return canHCR{canHC{canH{w}}}
	case flushes | hijacks | notifies | reads:
		return canFHCR{canFHC{canFH{canF{w}}}}
	case pushes:
		return canP{w}
	case flushes | pushes:
		return canFP{canF{w}}
	case hijacks | pushes:
		return canHP{canH{w}}
	case flushes | hijacks | pushes:
		return canFHP{canFH{canF{w}}}
	case notifies | pushes:
		return canCP{canC{w}}
	case flushes | notifies | pushes:
		return canFCP{canFC{canF{w}}}
	case hijacks | notifies | pushes:
		return canHCP{canHC{canH{w}}}
	case flushes | hijacks | notifies | pushes:
		return canFHCP{canFHC{canFH{canF{w}}}}
	case reads | pushes:
		return canRP{canR{w}}
	case flushes | reads | pushes:
		return canFRP{canFR{canF{w}}}
	case hijacks | reads | pushes:
		return canHRP{canHR{canH{w}}}
	case flushes | hijacks | reads | pushes:
		return canFHRP{canFHR{canFH{canF{w}}}}
	case notifies | reads | pushes:
		return canCRP{canCR{canC{w}}}
	case flushes | notifies | reads | pushes:
		return canFCRP{canFCR{canFC{canF{w}}}}
	case hijacks | notifies | reads | pushes:
		return canHCRP{canHCR{canHC{canH{w}}}}
	case flushes | hijacks | notifies | reads | pushes:
		return canFHCRP{canFHCR{canFHC{canFH{canF{w}}}}}
	}
	return w
}
