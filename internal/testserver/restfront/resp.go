package restfront

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Replies are int64, []byte, respStatus, respError, []any and nil.
type (
	respStatus string
	respError  string
)

const (
	redisTimeout = 10 * time.Second
	maxBulk      = 512 << 20 // the server's own limit
	maxDepth     = 64
)

// A pool holds connections to one Redis server.
type pool struct {
	address string

	mu   sync.Mutex
	idle []*conn
}

type conn struct {
	net.Conn
	r *bufio.Reader
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	d := net.Dialer{Timeout: redisTimeout}
	c, err := d.DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, r: bufio.NewReader(c)}, nil
}

func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, c)
}

// close drops the idle connections: at the end, and after one broke, for then
// the others are likely to be broken too.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		_ = c.Close()
	}
	p.idle = nil
}

// do sends commands over one connection and reads their replies.
func (p *pool) do(ctx context.Context, commands [][]string) ([]any, error) {
	c, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	replies, err := c.do(ctx, commands)
	if err != nil {
		_ = c.Close()
		p.close()
		return nil, err
	}
	p.put(c)
	return replies, nil
}

func (c *conn) do(ctx context.Context, commands [][]string) ([]any, error) {
	if err := c.SetDeadline(time.Now().Add(redisTimeout)); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	var b []byte
	for _, command := range commands {
		b = fmt.Appendf(b, "*%d\r\n", len(command))
		for _, arg := range command {
			b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(arg), arg)
		}
	}
	sent := make(chan error, 1) // while replies are read: a server that cannot write stops reading
	go func() {
		_, err := c.Write(b)
		sent <- err
	}()
	replies := make([]any, len(commands))
	for i := range replies {
		var err error
		if replies[i], err = c.read(0); err != nil {
			_ = c.Close()
			return nil, errors.Join(err, <-sent)
		}
	}
	err := <-sent
	if !stop() {
		return nil, ctx.Err()
	}
	return replies, err
}

func (c *conn) read(depth int) (any, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line, ok := strings.CutSuffix(line, "\r\n")
	if !ok || line == "" || depth > maxDepth {
		return nil, fmt.Errorf("bad reply %.40q", line)
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+':
		return respStatus(rest), nil
	case '-':
		return respError(rest), nil
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("bad reply %.40q", line)
	}
	switch {
	case kind == ':':
		return n, nil
	case n == -1 && (kind == '$' || kind == '*'):
		return nil, nil
	case kind == '$' && n >= 0 && n <= maxBulk:
		b := make([]byte, n+2)
		_, err := io.ReadFull(c.r, b)
		return b[:n], err
	case kind == '*' && n >= 0 && n <= maxBulk:
		var values []any
		for range n {
			v, err := c.read(depth + 1)
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
		return append([]any{}, values...), nil
	}
	return nil, fmt.Errorf("bad reply %.40q", line)
}
