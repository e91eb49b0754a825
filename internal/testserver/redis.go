package testserver

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A RedisServer is a redis-server with a directory of its own.
type RedisServer struct {
	t    testing.TB
	dir  string
	port int
	args []string

	config string // a Sentinel's configuration

	ca      string // the authority's file, for a server with TLS
	tlsPort int

	mu    sync.Mutex
	cmd   *exec.Cmd // nil while stopped
	ended chan struct{}
}

// Redis starts a server on a free port. Arguments are those of redis-server. By
// default it stores nothing on disk. The server ends with the test.
func Redis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	s := &RedisServer{t: t, dir: t.TempDir(), port: freePort(t), args: args}
	t.Cleanup(s.Stop)
	s.Start()
	return s
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Addr returns host:port, and URL the same as an address for the store.
func (s *RedisServer) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }
func (s *RedisServer) URL() string  { return "redis://" + s.Addr() }

// Start starts the server. After [RedisServer.Stop] it starts it again on the
// same port, with the snapshot in its directory if there is one.
func (s *RedisServer) Start() {
	s.t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Fatal("redis-server is missing: run make setup")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return
	}
	args := append([]string{"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no", "--loglevel", "notice"}, s.args...)
	if s.config != "" {
		args = []string{s.config, "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--sentinel"}
	}
	cmd := exec.Command(binary, args...)
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	before, err := log.Stat()
	if err == nil {
		err = Launch(cmd)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd, s.ended = cmd, make(chan struct{})
	go func(ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(s.ended)
	for deadline := time.Now().Add(15 * time.Second); !s.ready(before.Size()); {
		select {
		case <-s.ended:
			s.cmd = nil
			s.t.Fatalf("redis-server ended: %s", s.said(before.Size()))
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("redis-server is not ready on port %d: %s", s.port, s.said(before.Size()))
		}
	}
}

// ready reports whether the log contains the line that the server answers.
// Connecting to the port would not do, because another program could answer
// there.
func (s *RedisServer) ready(from int64) bool {
	text := s.said(from)
	return strings.Contains(text, "Ready to accept connections") || strings.Contains(text, "Sentinel ID is")
}

// said returns the log from a position on.
func (s *RedisServer) said(from int64) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(text[min(from, int64(len(text))):])
}

// Stop kills the server, like a crash.
func (s *RedisServer) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	s.cmd = nil
}

// Freeze stops the server's process, so that it answers nothing until
// [RedisServer.Thaw]. Its connections stay open.
func (s *RedisServer) Freeze() { s.signal(Pause) }

// Thaw lets a frozen server continue.
func (s *RedisServer) Thaw() { s.signal(Resume) }

func (s *RedisServer) signal(send func(*os.Process) error) {
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

// Snapshot makes the server write its data to a file, and returns the file's
// path.
func (s *RedisServer) Snapshot(t testing.TB) string {
	t.Helper()
	s.Do(t, "SAVE")
	content, err := os.ReadFile(filepath.Join(s.dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "snapshot.rdb")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Wipe()
	return path
}

// Restore puts a snapshot in place for the next start of a stopped server.
func (s *RedisServer) Restore(snapshot string) {
	s.t.Helper()
	content, err := os.ReadFile(snapshot)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "dump.rdb"), content, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// Wipe removes the files that a stopped server would start with.
func (s *RedisServer) Wipe() { _ = os.Remove(filepath.Join(s.dir, "dump.rdb")) }

// Do runs a command and returns its reply as lines.
func (s *RedisServer) Do(t testing.TB, args ...string) []string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(command(args...)); err != nil {
		t.Fatal(err)
	}
	reply, err := readReply(bufio.NewReader(conn))
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return reply
}

// Get returns the value of a key, "" if it is absent.
func (s *RedisServer) Get(t testing.TB, key string) string {
	t.Helper()
	return strings.Join(s.Do(t, "GET", key), "\n")
}

// Monitor calls f with each command that the server runs, until the test ends.
func (s *RedisServer) Monitor(t testing.TB, f func(line string)) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write(command("MONITOR")); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			f(strings.TrimSpace(line))
		}
	}()
}

func command(args ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b
}

// readReply reads a reply. Of an array it returns the elements.
func readReply(in *bufio.Reader) ([]string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimRight(line, "\r\n")
	rest := line[1:]
	switch line[0] {
	case '-':
		return nil, fmt.Errorf("%s", rest)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return nil, err
		}
		b := make([]byte, n+2)
		for read := 0; read < len(b); {
			m, err := in.Read(b[read:])
			if err != nil {
				return nil, err
			}
			read += m
		}
		return []string{string(b[:n])}, nil
	case '*':
		n, err := strconv.Atoi(rest)
		if err != nil {
			return nil, err
		}
		var all []string
		for range n {
			one, err := readReply(in)
			if err != nil {
				return nil, err
			}
			all = append(all, strings.Join(one, " "))
		}
		return all, nil
	}
	return []string{rest}, nil
}

// RedisCluster starts n masters that share the slots, and returns them.
func RedisCluster(t testing.TB, n int) []*RedisServer {
	t.Helper()
	nodes := make([]*RedisServer, n)
	for i := range nodes {
		nodes[i] = Redis(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000", "--cluster-port", strconv.Itoa(freePort(t)))
	}
	for i, node := range nodes {
		node.Do(t, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*16384/n), strconv.Itoa((i+1)*16384/n-1))
		if i > 0 {
			bus := nodes[0].args[len(nodes[0].args)-1]
			node.Do(t, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(nodes[0].port), bus)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		ready := 0
		for _, node := range nodes {
			info := strings.Join(node.Do(t, "CLUSTER", "INFO"), "\n")
			if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", n)) {
				ready++
			}
		}
		if ready == n {
			return nodes
		}
		if time.Now().After(deadline) {
			t.Fatal("the cluster did not form within 20 s")
		}
	}
}

// Sentinel starts a Sentinel that watches a master under a name. A quorum of one
// is enough.
func Sentinel(t testing.TB, name string, master *RedisServer) *RedisServer {
	t.Helper()
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 1\nsentinel down-after-milliseconds %s 500\nsentinel failover-timeout %s 3000\n", name, master.port, name, name)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &RedisServer{t: t, dir: t.TempDir(), port: freePort(t), config: config}
	t.Cleanup(s.Stop)
	s.Start()
	return s
}
