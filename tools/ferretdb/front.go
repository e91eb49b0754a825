package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// A front passes messages on to a server that reads, changes and writes a
// document in three steps, and lets one command that writes run at a time. So
// an update is atomic, as it is in MongoDB.
type front struct {
	backend string // its address
	write   sync.Mutex
}

func (f *front) serve(ctx context.Context, l net.Listener) {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		go f.pass(ctx, client)
	}
}

func (f *front) pass(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }()
	var d net.Dialer
	server, err := d.DialContext(ctx, "tcp", f.backend)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	for {
		request, err := readMessage(client)
		if err != nil {
			return
		}
		answer, err := f.exchange(server, request)
		if err != nil {
			return
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

// exchange waits for the answer even if the client is gone: the next command
// must not overlap with this one.
func (f *front) exchange(server net.Conn, request []byte) ([]byte, error) {
	if writes(request) {
		f.write.Lock()
		defer f.write.Unlock()
	}
	parts, err := divided(request)
	if err != nil {
		return nil, err
	}
	if parts == nil {
		return send(server, request)
	}
	answers := make([][]byte, len(parts))
	for i, part := range parts {
		if answers[i], err = send(server, part); err != nil {
			return nil, err
		}
	}
	return united(answers)
}

func send(server net.Conn, request []byte) ([]byte, error) {
	if _, err := server.Write(request); err != nil {
		return nil, err
	}
	if moreToCome(request) {
		return nil, nil
	}
	return readMessage(server)
}

const headerSize = 16 // length, request id, response to, opcode: four int32

func readMessage(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n < headerSize || n > 64<<20 {
		return nil, fmt.Errorf("a message of %d bytes", n)
	}
	message := make([]byte, n)
	copy(message, size[:])
	_, err := io.ReadFull(r, message[len(size):])
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return message, err
}

const opMsg = 2013

func moreToCome(message []byte) bool {
	return len(message) >= headerSize+4 && binary.LittleEndian.Uint32(message[12:]) == opMsg && message[headerSize]&2 != 0
}

// writes says whether a message's command changes something.
func writes(message []byte) bool {
	switch commandOf(message) {
	case "insert", "update", "delete", "findAndModify", "create", "createIndexes", "drop", "dropIndexes", "dropDatabase":
		return true
	}
	return false
}

// commandOf returns the name of a message's command. That is the name of the first
// element of the body, which drivers send first.
func commandOf(message []byte) string {
	const name = headerSize + 4 + 1 + 4 + 1 // flags, kind of section, length of the document, type of the element
	if len(message) <= name || binary.LittleEndian.Uint32(message[12:]) != opMsg {
		return ""
	}
	command, _, _ := strings.Cut(string(message[name:min(len(message), name+32)]), "\x00")
	return command
}
