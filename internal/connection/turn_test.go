package connection

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A client that sends many requests at once has one answered when it is its turn, as others
// have: else each such connection is served for as long as the scheduler lets it.
func TestServer_ManyRequestsAtOnceKeepNobodyWaiting(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for began := time.Now(); time.Since(began) < 100*time.Microsecond; {
		}
	}), slog.DiscardHandler)
	go func() { _ = server.Serve(Listen(inner)) }()
	defer server.Close()
	addr := inner.Addr().String()
	many := strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2000)
	for range 60 {
		c := dial(t, addr)
		go func() { _, _ = io.Copy(io.Discard, c) }()
		go func() { _, _ = io.WriteString(c, many) }()
	}
	visitor := dial(t, addr)
	read := bufio.NewReader(visitor)
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	const visits = 5
	for range visits {
		if status, _ := ask(t, visitor, read, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); status != http.StatusOK {
			t.Fatalf("a visitor is answered with %d", status)
		}
	}
	if took := time.Since(began); took > 60*10*time.Millisecond {
		t.Errorf("%d requests of a visitor take %v beside 60 connections with many requests at once: want the time of one request of each of these, about 10 ms, for each", visits, took)
	}
}
