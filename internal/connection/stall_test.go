package connection

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory, whose writes wait for their reader.
type pipes struct {
	net.Listener
	next chan net.Conn
}

func (p pipes) Accept() (net.Conn, error) { return <-p.next, nil }

// connect returns both ends of a connection and its listener.
func connect(t *testing.T) (l *Listener, server, client net.Conn) {
	t.Helper()
	here, there := net.Pipe()
	p := pipes{next: make(chan net.Conn, 1)}
	p.next <- here
	l = Listen(p)
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = server.Close(), there.Close() })
	return l, server, there
}

func TestStall_AWriteThatNobodyTakesIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := cuts.Load()
		_, server, _ := connect(t)
		began := time.Now()
		_, err := server.Write(make([]byte, 10*chunk))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != Stall || cuts.Load() != before+1 {
			t.Errorf("a write that nobody takes ends after %v with %v, counted %d times: want a timeout after %v, counted once", time.Since(began), err, cuts.Load()-before, Stall)
		}
	})
}

func TestStall_AnAnswerThatGetsOnIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, server, client := connect(t)
		var reader sync.WaitGroup
		defer reader.Wait()
		defer server.Close()
		reader.Go(func() {
			for buf := make([]byte, chunk); ; time.Sleep(Stall * 3 / 4) {
				if _, err := io.ReadFull(client, buf); err != nil {
					return
				}
			}
		})
		if n, err := server.Write(make([]byte, 100*chunk)); err != nil {
			t.Errorf("a long answer to a slow client is cut after %d bytes: %v", n, err)
		}
		time.Sleep(10 * Stall) // an event stream says nothing for a while
		if _, err := server.Write(make([]byte, chunk)); err != nil {
			t.Errorf("a stream that was silent is cut: %v", err)
		}
	})
}

func TestStall_DrainEndsWhatWaitsForAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, writing, _ := connect(t)
		other, reading, _ := connect(t)
		var all sync.WaitGroup
		took := func(what string, do func() error) {
			all.Go(func() {
				if err := do(); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s that waits for its client at the end of the server ends with %v", what, err)
				}
			})
		}
		took("a write", func() error { _, err := writing.Write(make([]byte, 10)); return err })
		took("a read", func() error { _, err := reading.Read(make([]byte, 10)); return err })
		synctest.Wait()
		began := time.Now()
		l.Drain()
		other.Drain()
		all.Wait()
		if took := time.Since(began); took != DrainWait {
			t.Errorf("stalled clients hold up the end of the server for %v, want %v", took, DrainWait)
		}
	})
}

func TestStall_AClientThatDripsHoldsUpNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, server, client := connect(t)
		var writer sync.WaitGroup
		defer writer.Wait()
		defer server.Close()
		writer.Go(func() {
			for ; ; time.Sleep(DrainWait / 4) {
				if _, err := client.Write([]byte("x")); err != nil {
					return
				}
			}
		})
		l.Drain()
		began := time.Now()
		for {
			if _, err := server.Read(make([]byte, 10)); err != nil {
				break
			}
		}
		if took := time.Since(began); took > DrainWait {
			t.Errorf("a client that sends a byte now and then holds up the end of the server for %v, want at most %v", took, DrainWait)
		}
	})
}

func TestStall_DrainLeavesAHandlerAtWorkAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, server, client := connect(t)
		read := make(chan error)
		go func() { _, err := server.Read(make([]byte, 1)); read <- err }() // as net/http does while a handler runs
		synctest.Wait()
		l.Drain()
		time.Sleep(5 * DrainWait)
		select {
		case err := <-read:
			t.Fatalf("the end of the server cancels a request that is at work: %v", err)
		default:
		}
		go func() { _, _ = client.Write([]byte("x")) }()
		if err := <-read; err != nil {
			t.Error(err)
		}
	})
}

func TestStall_TheServersOwnDeadlineHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, server, _ := connect(t)
		began := time.Now()
		if err := server.SetDeadline(began.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		_, err := server.Write(make([]byte, 10))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("a write ends after %v with %v: want the deadline of 1 s that the server set", time.Since(began), err)
		}
	})
}
