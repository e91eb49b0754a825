package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/footfall-go/footfall/internal/oserror"
)

// An Address tells commands how to reach the admin API of a running process.
type Address struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	PID   int    `json:"pid"`

	// The process's lifetimes of sessions and its time zone. Commands that read use
	// them unless their own settings say otherwise.
	SessionTTL    string `json:"sessionTtl"`
	SessionMaxAge string `json:"sessionMaxAge"`
	Timezone      string `json:"timezone"`
}

func path(dir string) string { return filepath.Join(dir, "admin.json") }

// Write stores the address of this process in the directory that it has locked.
func (l *Lock) Write(a Address) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := WritePrivate(path(l.dir), append(b, '\n')); err != nil {
		return oserror.Dir(l.dir, err)
	}
	return nil
}

// Remove removes the address.
func (l *Lock) Remove() error {
	if err := os.Remove(path(l.dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Read reads the address in a directory: of the process that runs there, or of one that
// was killed (see [Find]). An error that is [fs.ErrNotExist] means that there is none.
func Read(dir string) (a Address, err error) {
	b, err := os.ReadFile(path(dir))
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	return a, err
}

// Found is what [Find] found out.
type Found struct {
	Running bool    // a process has the directory's lock
	Address Address // of that process, or the one that was killed; zero if there is none
	Killed  bool    // none runs, and the last one did not end cleanly
}

// Find looks for the process that runs on a directory, and makes nothing there. An error
// means that one runs but cannot be reached, or that the directory cannot be read.
func Find(dir string) (f Found, err error) {
	switch _, err := os.Stat(Path(dir)); {
	case errors.Is(err, fs.ErrNotExist): // without the file nobody runs on the directory
		return f, nil
	case err != nil:
		return f, oserror.Dir(dir, err)
	}
	l, err := try(dir)
	switch {
	case err == nil:
		defer func() { _ = l.Unlock() }() // the process may take it now
	case errors.Is(err, ErrInUse):
		f.Running = true
	default:
		return f, err
	}
	f.Address, err = Read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.Running:
		return f, errors.New("one runs, but it has not said how to reach it: it is starting or ending, or a command that takes a moment; try again")
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil && f.Running:
		return f, fmt.Errorf("one runs, but its address cannot be read: %w", oserror.Dir(dir, err))
	}
	f.Killed = !f.Running
	return f, nil
}

// WritePrivate writes a file atomically, readable by its owner only.
func WritePrivate(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // has mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// LocalURL is a URL that reaches a listener from this machine.
func LocalURL(at net.Addr) string {
	addr, ok := at.(*net.TCPAddr)
	if !ok {
		return "http://" + at.String()
	}
	ip := addr.IP
	if ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	return "http://" + net.JoinHostPort(ip.String(), strconv.Itoa(addr.Port))
}
