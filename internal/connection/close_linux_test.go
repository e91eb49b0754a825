package connection

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// narrow is a connection of a client that has room for some 2 KB of an answer.
func narrow(t *testing.T, addr string) net.Conn {
	t.Helper()
	d := net.Dialer{ControlContext: func(_ context.Context, _, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2304) })
	}}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// What the kernel has of an answer, and the client has no room for, it keeps for minutes
// though the connection is closed: thousands of clients that asked for one page each, and
// took nothing, had it keep hundreds of megabytes that no bound counted.
func TestListener_WhatTheKernelHasOfAnswersCountsUntilItIsTaken(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner)
	l.most = 10
	const page = 24 << 10
	server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, page)) }), slog.DiscardHandler)
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	addr, request := inner.Addr().String(), []byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	var strangers []net.Conn
	for range 60 {
		c := narrow(t, addr)
		_, _ = c.Write(request)
		strangers = append(strangers, c)
		time.Sleep(2 * time.Millisecond) // until it is answered
	}
	time.Sleep(patience)
	for range l.most / 2 { // each has two cut
		_ = dial(t, addr)
	}
	time.Sleep(200 * time.Millisecond)
	kept := 0
	for _, c := range strangers {
		if _, err := c.Write([]byte{'x'}); err == nil {
			kept++
		}
	}
	if kept > l.most || kept == 0 {
		t.Errorf("the kernel keeps the answers of %d clients that take nothing, want %d at most, and some", kept, l.most)
	}

	slow := narrow(t, addr)
	_, _ = slow.Write(request)
	time.Sleep(300 * time.Millisecond)
	_ = slow.SetReadDeadline(time.Now().Add(10 * time.Second))
	answer, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if n, err := io.Copy(io.Discard, answer.Body); n != page || err != nil {
		t.Errorf("a client that takes its time gets %d bytes of %d: %v", n, page, err)
	}
}
