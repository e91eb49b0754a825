// Package load is the visitors: kept connections that write the bytes of
// requests and read answers with as little CPU time as can be, so that it is
// left to the server on the same machine.
package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
)

// A Visitor is a connection and a browser's cookies.
type Visitor struct {
	conn    net.Conn
	in      *bufio.Reader
	form    Form
	path    string
	jar     []cookie
	request []byte // the bytes, as long as no cookie changes
	body    []byte // of the last answer
}

// Connect opens that many connections, each a visitor without cookies. They end
// when ctx is done, and with them whatever waits for an answer: deadlines for each
// answer would cost more than reading it.
func Connect(ctx context.Context, addr string, n int, form Form, path string) ([]*Visitor, error) {
	visitors := make([]*Visitor, n)
	for i := range visitors {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			Close(visitors[:i])
			return nil, err
		}
		visitors[i] = &Visitor{conn: conn, in: bufio.NewReaderSize(conn, 4096), form: form, path: path}
		visitors[i].Forget()
	}
	context.AfterFunc(ctx, func() { Close(visitors) })
	return visitors, nil
}

// Close ends connections.
func Close(visitors []*Visitor) {
	for _, v := range visitors {
		_ = v.conn.Close()
	}
}

// Forget makes it a new visitor, without cookies.
func (v *Visitor) Forget() {
	v.jar = v.jar[:0]
	v.request = appendRequest(v.request[:0], v.form, v.path, nil)
}

// Cookies is how many cookies it has.
func (v *Visitor) Cookies() int { return len(v.jar) }

// Do makes one request and reads its answer, which must be a 200.
func (v *Visitor) Do() error {
	if err := v.send(); err != nil {
		return err
	}
	return v.receive()
}

// Get is Do with another path; it returns the body.
func (v *Visitor) Get(path string) ([]byte, error) {
	if _, err := v.conn.Write(appendRequest(nil, v.form, path, v.jar)); err != nil {
		return nil, err
	}
	err := v.receive()
	return v.body, err
}

func (v *Visitor) send() error {
	_, err := v.conn.Write(v.request)
	return err
}

var (
	ok200         = []byte("HTTP/1.1 200")
	contentLength = []byte("content-length:")
	setCookie     = []byte("set-cookie:")
)

func (v *Visitor) receive() error {
	status, err := v.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, ok200) {
		return fmt.Errorf("answer %q", bytes.TrimSpace(status))
	}
	length, changed := 0, false
	for {
		line, err := v.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		switch {
		case hasPrefixFold(line, contentLength):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return err
			}
		case hasPrefixFold(line, setCookie):
			var new bool
			v.jar, new = keep(v.jar, line[len(setCookie):])
			changed = changed || new
		}
	}
	if changed {
		v.request = appendRequest(v.request[:0], v.form, v.path, v.jar)
	}
	if cap(v.body) < length {
		v.body = make([]byte, length)
	}
	v.body = v.body[:length]
	for read := 0; read < length; {
		n, err := v.in.Read(v.body[read:])
		if err != nil {
			return err
		}
		read += n
	}
	return nil
}

func hasPrefixFold(line, prefix []byte) bool {
	return len(line) >= len(prefix) && line[0]|0x20 == prefix[0] && bytes.EqualFold(line[:len(prefix)], prefix)
}
