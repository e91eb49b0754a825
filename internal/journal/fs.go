package journal

import (
	"io"
	"os"
	"runtime"
)

// fsys is everything the journal asks of a file system for what it writes;
// tests put a failing one in its place.
type fsys interface {
	// create makes a new file, mode 0600; it fails if there is one.
	create(name string) (file, error)
	// appendTo opens a file to append to, making it if need be, mode 0600.
	appendTo(name string) (file, error)
	open(name string) (readFile, error)
	remove(name string) error
	rename(from, to string) error
	syncDir(name string) error
}

type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

type readFile interface {
	io.ReaderAt
	io.Closer
	Stat() (os.FileInfo, error)
}

type osFS struct{}

func (osFS) create(name string) (file, error) {
	return openFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
}

func (osFS) appendTo(name string) (file, error) {
	return openFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
}

func openFile(name string, flag int) (file, error) {
	f, err := os.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err // not a nil *os.File in a file
	}
	return f, nil
}

func (osFS) open(name string) (readFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osFS) remove(name string) error     { return os.Remove(name) }
func (osFS) rename(from, to string) error { return os.Rename(from, to) }

func (osFS) syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil // a directory cannot be synced there, and need not be
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
