package testserver

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A ProxyServer forwards connections to a server. It can delay and refuse them.
type ProxyServer struct {
	listener net.Listener
	target   string
	delay    atomic.Int64 // in each direction
	cut      atomic.Bool

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// Proxy forwards a free port to a target until the test ends.
func Proxy(t testing.TB, target string) *ProxyServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &ProxyServer{listener: l, target: target, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		l.Close()
		p.closeAll()
	})
	go p.accept()
	return p
}

// Addr returns the address on which the proxy listens.
func (p *ProxyServer) Addr() string { return p.listener.Addr().String() }

// SetDelay delays everything by this much in each direction.
func (p *ProxyServer) SetDelay(d time.Duration) { p.delay.Store(int64(d)) }

// Cut closes all connections and refuses new ones until [ProxyServer.Resume].
func (p *ProxyServer) Cut() {
	p.cut.Store(true)
	p.closeAll()
}

// Resume accepts connections again.
func (p *ProxyServer) Resume() { p.cut.Store(false) }

func (p *ProxyServer) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *ProxyServer) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.cut.Load() {
			in.Close()
			continue
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil {
			in.Close()
			continue
		}
		p.mu.Lock()
		p.conns[in], p.conns[out] = true, true
		p.mu.Unlock()
		go p.forward(out, in)
		go p.forward(in, out)
	}
}

// forward copies data in order, each piece after the delay set at that moment.
func (p *ProxyServer) forward(to, from net.Conn) {
	type piece struct {
		data []byte
		due  time.Time
	}
	pieces := make(chan piece, 4096)
	go func() {
		defer close(pieces)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			if n > 0 {
				pieces <- piece{b[:n], time.Now().Add(time.Duration(p.delay.Load()))}
			}
			if err != nil {
				return
			}
		}
	}()
	for x := range pieces {
		time.Sleep(time.Until(x.due))
		if _, err := to.Write(x.data); err != nil {
			break
		}
	}
	to.Close()
	from.Close()
	for range pieces { // lets the reader end
	}
	p.mu.Lock()
	delete(p.conns, to)
	delete(p.conns, from)
	p.mu.Unlock()
}
