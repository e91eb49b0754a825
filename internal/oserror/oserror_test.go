package oserror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// says checks that an error is explained in one line, and still is what it was.
func says(t *testing.T, what string, before, err error, want, remedy string) {
	t.Helper()
	var p *Problem
	if !errors.As(err, &p) || !strings.Contains(p.Says, want) || !strings.Contains(p.Remedy, remedy) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: %v; want one line that says %q with the remedy %q", what, err, want, remedy)
	}
	if !errors.Is(err, before) {
		t.Errorf("%s: %v is no %v any more: whoever tests for it takes another way", what, err, before)
	}
	if strings.Contains(err.Error(), "make it writable") {
		t.Errorf("%s: %v: that is no remedy", what, err)
	}
}

func TestDir_WhatIsNoDirectoryIsNamed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there, and the errors have other numbers")
	}
	at := t.TempDir()
	file, dangling, loop := filepath.Join(at, "file"), filepath.Join(at, "dangling"), filepath.Join(at, "loop")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(filepath.Join(at, "nowhere"), dangling), os.Symlink(loop, loop)); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "data"), filepath.Join(file, "data", "deeper")} {
		err := os.MkdirAll(dir, 0o700)
		says(t, "mkdir "+dir, syscall.ENOTDIR, Dir(dir, err), file+" is a file, and has to be a directory", "use another directory")
		_, err = os.Stat(filepath.Join(dir, "footfall.db"))
		says(t, "stat below "+dir, syscall.ENOTDIR, Dir(dir, err), file+" is a file", "use another directory")
	}
	err := os.MkdirAll(filepath.Join(dangling, "data"), 0o700)
	says(t, "below a link to nowhere", err, Dir(filepath.Join(dangling, "data"), err), dangling+" is a symbolic link to "+filepath.Join(at, "nowhere")+", which does not exist", "create "+filepath.Join(at, "nowhere"))
	_, err = os.Stat(dangling)
	says(t, "a link to nowhere", fs.ErrNotExist, Dir(dangling, err), "is a symbolic link to", "create")
	_, err = os.Stat(loop)
	says(t, "a link to itself", syscall.ELOOP, Dir(loop, err), "leads back to itself", "use another directory")
	_, err = os.Create(filepath.Join(at, "missing", "copy.db"))
	says(t, "a file in no directory", fs.ErrNotExist, File(filepath.Join(at, "missing", "copy.db"), err), "the directory "+filepath.Join(at, "missing")+" does not exist", "create it")
	_, err = os.OpenFile(at, os.O_RDWR, 0)
	says(t, "a directory for a file", syscall.EISDIR, Dir(filepath.Dir(at), err), at+" is a directory, and has to be a file", "move it away")
	if err := errors.Join(os.WriteFile(filepath.Join(at, "journal"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	err = os.MkdirAll(filepath.Join(at, "journal"), 0o700)
	says(t, "a file in DATA_DIR where a directory has to be", err, Dir(at, err), "journal is a file", "move it away")
}

func TestDir_WhatHasNothingToDoWithRightsHasARemedyOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	at := func(n syscall.Errno) error {
		return fmt.Errorf("journal: %w", &fs.PathError{Op: "open", Path: filepath.Join(dir, "lock"), Err: n})
	}
	for number, c := range map[syscall.Errno][2]string{
		syscall.ENOSPC: {"is full", "make room there"}, syscall.EDQUOT: {"quota", "make room there"}, syscall.EROFS: {"read-only", "mount it writable"},
		syscall.EMFILE: {"too many files are open", "ulimit -n"}, syscall.EIO: {"the disk of " + dir + " fails", "look at the system's log"},
	} {
		err := Dir(dir, at(number))
		says(t, number.Error(), number, err, c[0], c[1])
		says(t, number.Error()+", explained again", number, Dir(dir, fmt.Errorf("sqlitearchive: %w", err)), c[0], c[1])
	}
	says(t, "a file system without locks", syscall.ENOLCK, Lock(dir, at(syscall.ENOLCK)), "cannot lock files", "a disk of this machine")
	if err := errors.Join(Dir(dir, nil), File(dir, nil), Lock(dir, nil), Listen(dir, nil)); err != nil {
		t.Errorf("no error is explained as %v", err)
	}
}

func TestListen_EachCauseHasItsRemedy(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	try := func(addr string) error {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
		if err == nil {
			l.Close()
			t.Fatalf("%s can be listened on", addr)
		}
		return err
	}
	err = try(l.Addr().String())
	says(t, "in use", err, Listen(l.Addr().String(), err), l.Addr().String()+" is in use", "stop what listens there, or use another port")
	if runtime.GOOS != "windows" {
		err = try("192.0.2.1:0")
		says(t, "another machine's address", syscall.EADDRNOTAVAIL, Listen("192.0.2.1:0", err), "192.0.2.1 is no address of this machine", "such as 127.0.0.1")
	}
	err = &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}
	says(t, "a privileged port", fs.ErrPermission, Listen(":80", err), "port 80 is kept for privileged processes", "1024 or more")
	err = &net.OpError{Op: "listen", Err: &net.DNSError{Err: "no such host", Name: "nowhere.invalid"}}
	says(t, "an unknown host", err, Listen("nowhere.invalid:80", err), `the host "nowhere.invalid" cannot be looked up (no such host)`, "an address of this machine")
}
