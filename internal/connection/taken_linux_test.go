package connection

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deaf is a connection of a client that sends a request and then says nothing any more:
// not even that it has what it is sent.
func deaf(t *testing.T, addr, request string) {
	t.Helper()
	c := dial(t, addr).(*net.TCPConn)
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	if err := raw.Control(func(fd uintptr) {
		refused = syscall.AttachLsf(int(fd), []syscall.SockFilter{{Code: syscall.BPF_RET | syscall.BPF_K}}) //nolint:staticcheck // it takes no dependency
	}); err != nil || refused != nil {
		t.Skip("no filter can be attached to a socket: ", err, refused)
	}
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
}

// kept is for how many connections of a server, closed ones too, the kernel keeps bytes of
// answers, and how many.
func kept(t *testing.T, addr string) (conns, bytes int) {
	t.Helper()
	_, port, _ := net.SplitHostPort(addr)
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		t.Skip(err)
	}
	local := fmt.Sprintf("0100007F:%04X", n)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 5 || f[1] != local {
			continue
		}
		queued, _, _ := strings.Cut(f[4], ":")
		if q, err := strconv.ParseInt(queued, 16, 64); err == nil && q > 1 { // the end of a connection counts as one
			conns, bytes = conns+1, bytes+int(q)
		}
	}
	return conns, bytes
}

// A client that says nothing any more has the kernel keep what it was sent for minutes, also
// when the connection was closed.
func TestListener_AnswersThatNobodyConfirmsCountUntilTheyAre(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner)
	l.most = 10
	server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 12<<10)) }), slog.DiscardHandler)
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	addr := inner.Addr().String()
	for range 60 {
		deaf(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		time.Sleep(2 * time.Millisecond) // until it is answered
	}
	time.Sleep(patience)
	for range 3 * l.most { // each has two cut
		_ = dial(t, addr)
	}
	time.Sleep(200 * time.Millisecond)
	if conns, bytes := kept(t, addr); conns > l.most {
		t.Errorf("the kernel keeps %d bytes for %d clients that say nothing any more, want %d of them at most", bytes, conns, l.most)
	}
}

// The kernel keeps all that is on its way to a client: the more, the more the client took before.
func TestListener_AnswersOnTheirWayAreBounded(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner)
	l.mostUntaken = 4 << 20
	const page = 4 << 20
	server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, page)) }), slog.DiscardHandler)
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	addr := inner.Addr().String()
	const strangers = 100
	for range strangers {
		deaf(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	time.Sleep(300 * time.Millisecond)
	answer, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if n, err := io.Copy(io.Discard, answer.Body); n != page || err != nil {
		t.Errorf("a client that takes its answer gets %d bytes of %d: %v", n, page, err)
	}
	if conns, bytes := kept(t, addr); int64(bytes) > l.mostUntaken+int64(conns)*chunk {
		t.Errorf("the kernel keeps %d bytes for %d clients that say nothing any more, want %d at most, and what was written since", bytes, conns, l.mostUntaken)
	} else if conns == 0 {
		t.Error("all clients are cut")
	}
	if held := l.untaken.Load(); held < 0 || held > l.mostUntaken+strangers*chunk {
		t.Errorf("%d bytes are counted", held)
	}
}
