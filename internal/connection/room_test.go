package connection

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// full is a server with as many connections as it may have, all of one client.
func full(t *testing.T, client func(net.Conn)) (addr string) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner)
	l.most = 20
	page := make([]byte, 12<<10)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) }), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	for range l.most {
		go client(dial(t, inner.Addr().String()))
	}
	time.Sleep(300 * time.Millisecond)
	return inner.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Strangers who ask for much and take nothing of it hold up nobody who connects.
func TestListener_ThoseWhoTakeNothingMakeRoom(t *testing.T) {
	addr := full(t, func(c net.Conn) {
		for range 2000 {
			if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
				return
			}
		}
	})
	visitor := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	began := time.Now()
	for range 20 {
		r, err := visitor.Get("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("20 visitors beside those who take nothing wait for %v: want no more than without them", took)
	}
}

// Strangers who send a byte now and then have been waited for longer than a visitor who
// has just connected.
func TestListener_AVisitorIsNotCutForThoseWhoDrip(t *testing.T) {
	addr := full(t, func(c net.Conn) {
		_, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nX: "))
		for ; err == nil; _, err = c.Write([]byte("x")) {
			time.Sleep(5 * time.Millisecond)
		}
	})
	visitor := dial(t, addr)
	time.Sleep(50 * time.Millisecond) // on its way
	for range 10 {
		_ = dial(t, addr)
	}
	time.Sleep(20 * time.Millisecond)
	if _, err := visitor.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if n, err := visitor.Read(make([]byte, 100)); n == 0 {
		t.Errorf("a visitor is cut in favour of those who drip: %v", err)
	}
}
