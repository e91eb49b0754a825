package connection

import (
	"bytes"
	"errors"
	"net"

	"github.com/footfall-go/footfall/internal/count"
)

// maxLines is how many lines a request's header may have, the request line included. A
// line of six bytes takes about a hundred once net/http has parsed it, so that a bound
// in bytes alone would let a header take sixteen times that. Browsers send some 20 lines,
// and proxies add a few.
const maxLines = 250

var headersRefused = count.Process.Bound("headers_refused", "Requests that were answered with 431 because their header has more than 250 lines.")

var errLines = errors.New("the request's header has too many lines")

// A header counts the lines of a request's header while it is read. What the zero header
// counts begins with the request line.
type header struct {
	lines int
	begun bool // the line that is read now has something in it
	some  bool // a line had something in it
	ended bool // the empty line has been read; what follows is the body
}

// fits takes what was read, and says whether the header has no more lines than it may.
func (h *header) fits(read []byte) bool {
	for !h.ended {
		line, rest, whole := bytes.Cut(read, []byte{'\n'})
		h.begun = h.begun || len(bytes.TrimSuffix(line, []byte{'\r'})) > 0
		if !whole {
			break
		}
		// net/http passes over empty lines in front of a request behind a POST; and one may be
		// the end of a line of which the rest was read before.
		h.ended = h.some && !h.begun
		h.some, h.begun, read = h.some || h.begun, false, rest
		if h.lines++; h.lines > maxLines {
			return false
		}
	}
	return true
}

// answered says that a request of the connection was answered: a header comes next. What
// net/http has read of it before, which is less than 4 KiB, is not counted.
func (c *conn) answered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.header, c.first = header{}, false
	c.letGo()
}

// refuse answers a request whose header has too many lines. The error has net/http end
// the connection without an answer of its own.
func (c *conn) refuse() error {
	headersRefused.Add(1)
	_, _ = c.Write([]byte("HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nThe request's header has more than 250 lines.\n"))
	_ = c.CloseWrite()
	return &net.OpError{Op: "read", Net: "tcp", Err: errLines}
}
