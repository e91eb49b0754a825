package testserver

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A MongoDBServer speaks the MongoDB wire protocol: FerretDB on SQLite files.
type MongoDBServer struct {
	t    testing.TB
	dir  string
	addr string

	mu  sync.Mutex
	cmd *exec.Cmd // nil while stopped
}

// MongoDB starts a server on a free port, in a directory of its own. The server
// ends with the test.
func MongoDB(t testing.TB) *MongoDBServer {
	t.Helper()
	s := &MongoDBServer{t: t, dir: t.TempDir(), addr: "127.0.0.1:0"}
	t.Cleanup(s.Stop)
	s.Start()
	return s
}

// URI returns the server's URI without a database.
func (s *MongoDBServer) URI() string { return "mongodb://" + s.addr }

// Dir returns the directory with the server's SQLite files, one for each database.
func (s *MongoDBServer) Dir() string { return s.dir }

// PID returns the id of the running process.
func (s *MongoDBServer) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

// Start starts the server. After [MongoDBServer.Stop] it starts it again with the
// same data on the same port.
func (s *MongoDBServer) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return
	}
	binary, err := mongoBinary()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), binary, s.dir, s.addr)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := Launch(cmd); err != nil {
		s.t.Fatal(err)
	}
	late := time.AfterFunc(30*time.Second, func() { mongoKill(cmd) })
	line, err := bufio.NewReader(out).ReadString('\n')
	late.Stop()
	if err != nil {
		mongoKill(cmd)
		_ = cmd.Wait()
		s.t.Fatalf("%s did not start: %v: %s", binary, err, stderr.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if _, err := fmt.Sscanf(line, "mongodb://%s\n", &s.addr); err != nil {
		s.t.Fatalf("%s says %q: %v", binary, line, err)
	}
	s.cmd = cmd
}

// Stop kills the server, like a crash.
func (s *MongoDBServer) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	mongoKill(s.cmd)
	_ = s.cmd.Wait() // an error is expected: the process was killed
	s.cmd = nil
}

func mongoKill(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // it may have ended already

// Freeze stops the server's process, so that it answers nothing until
// [MongoDBServer.Thaw]. Its connections stay open.
func (s *MongoDBServer) Freeze() {
	s.t.Helper()
	s.signal(Pause)
	for range 100 { // the signal takes a moment to arrive
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
		if _, state, _ := strings.Cut(string(stat), ") "); err == nil && strings.HasPrefix(state, "T") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(10 * time.Millisecond) // until each of its threads has stopped
}

// Thaw lets a frozen server continue.
func (s *MongoDBServer) Thaw() { s.signal(Resume) }

func (s *MongoDBServer) signal(send func(*os.Process) error) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		s.t.Fatal("the server is stopped")
	}
	if err := send(s.cmd.Process); err != nil {
		s.t.Fatal(err)
	}
}

// MongoDBNowhere returns the URI of a port on which nothing listens.
func MongoDBNowhere(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "mongodb://" + l.Addr().String()
}

// mongoBinary returns the path of the server that scripts/setup builds in the
// module's root.
func mongoBinary() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = parent
	}
	path := filepath.Join(dir, ".cache", "bin", "ferretdb")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is missing: run make setup", path)
	}
	return path, nil
}
