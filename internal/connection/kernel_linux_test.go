package connection

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// What the kernel keeps for clients that take nothing, or whom nobody reads, is memory of
// the process's cgroup too.
func TestListener_TheKernelKeepsLittle(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner)
	defer l.Close()
	client := dial(t, inner.Addr().String())
	if err := client.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	taken := func(c net.Conn, most int) (sum int) { // what the kernel takes of a write until it waits
		_ = c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		for b := make([]byte, 1<<10); sum < most; {
			n, err := c.Write(b)
			if sum += n; errors.Is(err, os.ErrDeadlineExceeded) {
				return sum
			} else if err != nil {
				t.Fatal(err)
			}
		}
		return sum
	}
	// The client's own side has some of it, up to what a connection on this machine begins with.
	if n := taken(server, 4<<20); n > 512<<10 {
		t.Errorf("the kernel takes %d bytes of an answer that nobody reads, want some %d beside the client's own", n, unsent)
	}
	if err := client.(*net.TCPConn).SetWriteBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	// The kernel lets a client send more at a time, the faster it was read before.
	fast := make(chan error, 1)
	const before = 64 << 20
	go func() {
		_, err := io.CopyN(io.Discard, server, before)
		fast <- err
	}()
	if _, err := io.CopyN(client, zeros{}, before); err != nil {
		t.Fatal(err)
	}
	if err := <-fast; err != nil {
		t.Fatal(err)
	}
	if n := taken(client, 4<<20); n > 4*unread {
		t.Errorf("a client may send %d bytes that nobody reads, want some %d", n, unread)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
