package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// A client is a kept connection of one visitor; it writes the bytes of a
// request and reads an answer, so that the driver leaves the CPU to the server.
type client struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func connect(addr string, n int) ([]*client, error) {
	clients := make([]*client, n)
	for i := range clients {
		conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", addr)
		if err != nil {
			return nil, err
		}
		c := &client{conn: conn, in: bufio.NewReader(conn)}
		clients[i] = c
		c.request = []byte("GET /products/1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: " + agent + "\r\n\r\n")
		header, err := c.do()
		if err != nil {
			return nil, err
		}
		var cookies []string
		for _, line := range header {
			if value, ok := strings.CutPrefix(line, "Set-Cookie: "); ok {
				pair, _, _ := strings.Cut(value, ";")
				cookies = append(cookies, pair)
			}
		}
		if len(cookies) > 0 {
			c.request = []byte("GET /products/1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: " + agent + "\r\nCookie: " + strings.Join(cookies, "; ") + "\r\n\r\n")
		}
	}
	return clients, nil
}

func (c *client) do() (header []string, err error) {
	if _, err := c.conn.Write(c.request); err != nil {
		return nil, err
	}
	length := 0
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if value, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			if _, err := fmt.Sscan(value, &length); err != nil {
				return nil, err
			}
		}
		header = append(header, line)
	}
	if !strings.HasPrefix(header[0], "HTTP/1.1 200") {
		return nil, fmt.Errorf("answer %s", header[0])
	}
	_, err = c.in.Discard(length)
	return header, err
}

// drive makes that many requests over all connections.
func drive(clients []*client, requests int) error {
	var left atomic.Int64
	left.Store(int64(requests))
	var wg sync.WaitGroup
	failed := make(chan error, len(clients))
	for _, c := range clients {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := c.do(); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
