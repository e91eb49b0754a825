package connection

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// A connection is an open file: without any left, nobody is accepted.
func TestListener_ConnectionsLeaveFilesToOthers(t *testing.T) {
	for _, c := range []struct {
		bytes       int64
		files, want int
	}{{6 << 30, 1 << 20, 49_152}, {6 << 30, 4096, 3072}, {64 << 20, 1 << 20, 512}, {16 << 20, 1 << 20, leastMost}, {256 << 20, 1024, 768}, {1 << 20, 0, 1}} {
		if got := mostConns(c.bytes, c.files); got != c.want {
			t.Errorf("with %d bytes and %d files %d connections may be open, want %d", c.bytes, c.files, got, c.want)
		}
	}
	if all := openFiles(); Listen(nil).most > all/4*3 {
		t.Errorf("%d connections may be open, of %d files in all", Listen(nil).most, all)
	}
}

// Strangers who open connections and send no whole request take memory for each.
func TestListener_ConnectionsAreBounded(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner)
	l.most = 20
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	for range 200 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nX: "))
	}
	open := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.conns)
	}
	if n := open(); n > 2*l.most+5 { // a few are in nobody's read at the moment
		t.Errorf("%d connections are open within a moment, want %d at most", n, 2*l.most)
	}
	time.Sleep(patience + 50*time.Millisecond)
	for range l.most { // each has two cut
		_ = dial(t, inner.Addr().String())
	}
	time.Sleep(50 * time.Millisecond)
	if n := open(); n > l.most+5 {
		t.Errorf("%d connections are open, want %d", n, l.most)
	}
	r, err := http.Get("http://" + inner.Addr().String())
	if err != nil {
		t.Fatalf("a visitor gets no answer beside them: %v", err)
	}
	_ = r.Body.Close()
}

// Where handlers are at work for more connections than there may be, a visitor who has just
// come was the only one that could be cut.
func TestListener_AVisitorWhoHasJustComeIsNotCut(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner)
	l.most = 20
	work := make(chan struct{})
	defer close(work)
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/work" {
			<-work
		}
	}), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	addr := inner.Addr().String()
	for range 25 {
		_, _ = dial(t, addr).Write([]byte("GET /work HTTP/1.1\r\nHost: x\r\n\r\n"))
		time.Sleep(2 * time.Millisecond)
	}
	first, others := dial(t, addr), 5
	for range others {
		_ = dial(t, addr)
	}
	time.Sleep(20 * time.Millisecond)
	_, _ = first.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	if answer := make([]byte, 12); readAll(first, answer) != nil || string(answer) != "HTTP/1.1 200" {
		t.Errorf("a visitor who has just come is answered %q, want 200", answer)
	}
}
