// Package mongostub speaks as much of MongoDB's wire protocol as mongoarchive
// needs, and keeps nothing but counts: what a process spends on its archive is
// then its own side of it, the encoding, the driver and the reading of answers.
//
// It says that it is a replica set of one member. What it counts is the sessions,
// and the page views of each, because the archive asks for those after each
// insert: one small document for each, as a server answers, or their number.
package mongostub

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
)

// A Server listens on a port of the loopback interface.
type Server struct {
	listener net.Listener

	mu       sync.Mutex
	conns    map[net.Conn]bool // nil once it is closed
	views    map[string]int64  // page views inserted, by session
	total    int64             // of all sessions
	sessions int64             // inserted
	cursors  map[int64][]group
	cursor   int64 // the latest one's id
}

// Start starts a server.
func Start(ctx context.Context) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("mongostub: %w", err)
	}
	s := &Server{listener: listener, conns: map[net.Conn]bool{}, views: map[string]int64{}, cursors: map[int64][]group{}}
	go s.accept()
	return s, nil
}

// URI is the address for the archive.
func (s *Server) URI() string { return "mongodb://" + s.listener.Addr().String() + "/footfall" }

// Stored is how many page views and how many sessions were inserted.
func (s *Server) Stored() (views, sessions int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total, s.sessions
}

// Close ends all connections.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.conns = nil
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		open := s.conns != nil
		if open {
			s.conns[conn] = true
		}
		s.mu.Unlock()
		if !open {
			_ = conn.Close()
			return
		}
		go func() {
			if err := s.serve(conn); !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				log.Printf("mongostub: %v", err)
			}
			_ = conn.Close()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
		}()
	}
}

// serve answers until the connection ends, which is an error too.
func (s *Server) serve(conn net.Conn) error {
	in := bufio.NewReaderSize(conn, 64<<10)
	var buf []byte
	for {
		var c command
		var err error
		if c, buf, err = readCommand(in, buf); err != nil {
			return err
		}
		reply, err := s.answer(&c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if _, err := conn.Write(c.message(reply)); err != nil {
			return err
		}
	}
}
