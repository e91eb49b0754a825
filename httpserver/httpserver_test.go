package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory.
type pipes struct {
	next   chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{next: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.next:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

// ask opens a connection and sends what is given; the answer, if there is one, arrives on
// the channel, which is closed at the end of the connection.
func (p *pipes) ask(request string) <-chan int {
	here, there := net.Pipe()
	p.next <- here
	status := make(chan int, 1)
	go func() {
		defer close(status)
		defer there.Close()
		if _, err := io.WriteString(there, request); err != nil {
			return
		}
		if answer, err := http.ReadResponse(bufio.NewReader(there), nil); err == nil {
			status <- answer.StatusCode
			_, _ = io.Copy(io.Discard, answer.Body)
		}
	}()
	return status
}

const get = "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"

func takes(d time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done():
		}
	})
}

func TestServe_ARunningRequestFinishesAndHalfARequestDoesNotHoldTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		p, done := newPipes(), make(chan error, 1)
		go func() { done <- Serve(ctx, p, takes(8*time.Second), Options{Logger: slog.New(slog.DiscardHandler)}) }()
		running, half := p.ask(get), p.ask("POST / HTTP/1.1\r\nHost: shop.te")
		time.Sleep(time.Second)
		end()
		if status, ok := <-half; ok {
			t.Errorf("half a request is answered with %d", status)
		}
		if status := <-running; status != http.StatusNoContent {
			t.Errorf("a request that runs when the server ends is answered with %d, want %d", status, http.StatusNoContent)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve returns %v, want nil: all running requests finished", err)
		}
	})
}

func TestServe_SaysThatARequestWasCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		p, done := newPipes(), make(chan error, 1)
		go func() { done <- Serve(ctx, p, takes(time.Hour), Options{Logger: slog.New(slog.DiscardHandler)}) }()
		running := p.ask(get)
		time.Sleep(time.Second)
		end()
		if err := <-done; !errors.Is(err, ErrCut) {
			t.Errorf("Serve returns %v, want ErrCut: a request did not finish", err)
		}
		<-running
	})
}

func TestServe_ALineTooManyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		p, done := newPipes(), make(chan error, 1)
		go func() { done <- Serve(ctx, p, takes(0), Options{Logger: slog.New(slog.DiscardHandler)}) }()
		if status := <-p.ask("GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("a:b\r\n", 250) + "\r\n"); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a header of 252 lines is answered with %d, want %d", status, http.StatusRequestHeaderFieldsTooLarge)
		}
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Whoever serves strangers must not let the heap grow to twice what is in use, past what
// the kernel grants.
func TestServe_HasTheCollectorKeepToWhatTheKernelGrants(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	p := newPipes()
	_ = p.Close()
	_ = Serve(t.Context(), p, takes(0), Options{})
	if got := debug.SetMemoryLimit(-1); got == math.MaxInt64 {
		t.Error("the collector has no limit")
	}
}

// written is what was written to it. The last line of a log comes from a goroutine of its own.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func TestServe_WhatNetHTTPSaysIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		var lines written
		p, done := newPipes(), make(chan error, 1)
		panics := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no such product") })
		go func() { done <- Serve(ctx, p, panics, Options{Logger: slog.New(slog.NewTextHandler(&lines, nil))}) }()
		for range 100 {
			<-p.ask(get)
		}
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := strings.Count(lines.String(), "\n"); n != 1 {
			t.Errorf("100 requests at once make %d lines in the log, want 1", n)
		}
		time.Sleep(2 * time.Second) // the last line comes a second later
	})
}

func TestServe_TheListenersErrorEndsIt(t *testing.T) {
	p := newPipes()
	_ = p.Close()
	if err := Serve(t.Context(), p, takes(0), Options{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener: Serve returns %v, want net.ErrClosed", err)
	}
}

func TestListenAndServe_AnAddressInUseIsSaidInOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = ListenAndServe(t.Context(), taken.Addr().String(), takes(0), Options{})
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("an address in use: %v, want one line that names it", err)
	}
}

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond) // or signal.NotifyContext
	defer cancel()
	if err := ListenAndServe(ctx, "127.0.0.1:0", http.NotFoundHandler(), Options{}); err != nil {
		slog.Error("the shop ended", "error", err)
		os.Exit(1)
	}
	// Output:
}
