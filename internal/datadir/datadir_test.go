package datadir

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func take(t *testing.T, dir string) *Lock {
	t.Helper()
	l, err := Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Unlock() })
	return l
}

func TestFind_AFileThatAKilledProcessLeftIsNotOfARunningOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if f, err := Find(dir); err != nil || f != (Found{}) {
		t.Errorf("where there is no directory Find says %+v, %v", f, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("Find made the directory: it only looks")
	}
	first := take(t, dir)
	if err := first.Write(Address{URL: "http://127.0.0.1:1", Token: "old", PID: 1}); err != nil {
		t.Fatal(err)
	}
	if f, err := Find(dir); err != nil || !f.Running || f.Killed || f.Address.PID != 1 {
		t.Errorf("of a running process Find says %+v, %v", f, err)
	}
	if err := first.Unlock(); err != nil { // as a killed process does
		t.Fatal(err)
	}
	if f, err := Find(dir); err != nil || f.Running || !f.Killed || f.Address.PID != 1 {
		t.Errorf("of a killed process Find says %+v, %v: none runs, and the last one was killed", f, err)
	}
	second := take(t, dir)
	f, err := Find(dir)
	if !f.Running || err == nil || f.Address != (Address{}) {
		t.Errorf("a process that has not said how to reach it is found as %+v, %v: the address of the killed one before it is not its own", f, err)
	}
	if err := second.Write(Address{PID: 2}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(second.Remove(), second.Remove(), second.Unlock()); err != nil {
		t.Errorf("a clean end: %v", err)
	}
	if f, err := Find(dir); err != nil || f != (Found{}) {
		t.Errorf("after a clean end Find says %+v, %v", f, err)
	}
}

func TestTake_OneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	l := take(t, dir)
	if _, err := Take(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one gets %v, want ErrInUse", err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	take(t, dir)
}

func TestLocalURL_ReachesAListenerFromThisMachine(t *testing.T) {
	for addr, want := range map[string]string{"0.0.0.0:3000": "http://127.0.0.1:3000", "[::]:3000": "http://127.0.0.1:3000", "[::1]:3000": "http://[::1]:3000", "192.0.2.7:80": "http://192.0.2.7:80"} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := LocalURL(tcp); got != want {
			t.Errorf("a listener on %s is reached by %s, want %s", addr, got, want)
		}
	}
}

// An error is not an absence: where nobody can look, it is not known that nobody runs.
func TestFind_SaysThatADirectoryCannotBeLookedAt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := Find(file); err == nil || f.Running || !strings.Contains(err.Error(), "is a file, and has to be a directory") {
		t.Errorf("of a file Find says %+v, %v", f, err)
	}
	if _, err := Take(file); err == nil || !strings.Contains(err.Error(), "is a file, and has to be a directory") || strings.Contains(err.Error(), "writable") {
		t.Errorf("of a file Take says %v", err)
	}
}
