package connection

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What is read of requests is in memory until they are answered: a thousand that never get
// whole took most of the memory of a small machine, beside what the stores may have.
func TestListener_WhatIsHeldOfRequestsIsBounded(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner)
	l.mostHeld = 1 << 20
	server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err == nil {
			w.WriteHeader(200 + len(b)%2)
		}
	}), slog.DiscardHandler)
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	addr := inner.Addr().String()
	before := cuts.Load()
	visitor := dial(t, addr) // has begun to send, and takes its time
	_, _ = visitor.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n123"))
	for range 100 {
		c := dial(t, addr)
		_, _ = c.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 30<<10) + "\r\nContent-Length: 60000\r\n\r\n" + strings.Repeat("x", 30<<10)))
	}
	for range 500 { // until the last one's bytes were read
		if time.Sleep(10 * time.Millisecond); cuts.Load()-before >= 80 {
			break
		}
	}
	if held, cut := l.held.Load(), cuts.Load()-before; held > l.mostHeld || held == 0 || cut < 50 || cut >= 100 {
		t.Errorf("of 100 requests of which 60 KB came %d bytes are held, and %d were cut: want %d bytes at most, and no more cut than that takes", held, cut, l.mostHeld)
	}
	_, _ = visitor.Write([]byte("45"))
	if answer := make([]byte, 12); readAll(visitor, answer) != nil || string(answer) != "HTTP/1.1 201" {
		t.Errorf("a visitor with a small request is answered %q beside them, want 201", answer)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	for range 100 { // handlers end
		if l.held.Load() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d bytes are held once every connection is closed", l.held.Load())
}

func TestListener_WhatWasAnsweredIsNotHeld(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner)
	server := NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }), slog.DiscardHandler)
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	c := dial(t, inner.Addr().String())
	for range 10 {
		_, _ = c.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 20000)))
		if err := readAll(c, make([]byte, 12)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // until it is idle
	}
	if held := l.held.Load(); held != 0 {
		t.Errorf("%d bytes are held of ten requests that were answered", held)
	}
}

// readAll fills a buffer, and reads what else is there.
func readAll(c net.Conn, into []byte) error {
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(c, into); err != nil {
		return err
	}
	_, err := c.Read(make([]byte, 4096))
	return err
}

// A connection that its handler has taken over, such as a WebSocket's, may receive as much
// as it wants while it lasts.
func TestListener_WhatAHandlerReadsItselfIsNotHeld(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner)
	l.mostHeld = 64 << 10
	const sent = 1 << 20
	server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if n, err := io.CopyN(io.Discard, in, sent); err != nil {
			t.Errorf("a handler that took the connection over reads %d bytes of %d: %v", n, sent, err)
		}
		_, _ = c.Write([]byte{'.'})
	}), slog.DiscardHandler)
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	client := dial(t, inner.Addr().String())
	if _, err := client.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write(make([]byte, sent)); err != nil {
		t.Error(err)
	}
	if _, err := client.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
}
