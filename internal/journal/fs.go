package journal

import (
	"io"
	"os"
	"runtime"
)

// fsys is the part of a file system that the journal writes with. Tests replace
// it with one that fails.
type fsys interface {
	// create makes a new file with mode 0600. It fails if the file exists.
	create(name string) (file, error)
	// appendTo opens a file for appending. It makes the file, with mode 0600, if
	// it does not exist.
	appendTo(name string) (file, error)
	open(name string) (readFile, error)
	// createReserve makes a file that is written in place, or empties it; openReserve
	// opens it.
	createReserve(name string) (reserveFile, error)
	openReserve(name string) (reserveFile, error)
	remove(name string) error
	rename(from, to string) error
	syncDir(name string) error
}

type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

type reserveFile interface {
	io.WriterAt
	io.Closer
	Sync() error
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
		return nil, err // a plain nil: a nil *os.File in the interface would not be nil
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

func (osFS) createReserve(name string) (reserveFile, error) {
	return openInPlace(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
}

func (osFS) openReserve(name string) (reserveFile, error) {
	return openInPlace(name, os.O_WRONLY)
}

func openInPlace(name string, flag int) (reserveFile, error) {
	f, err := os.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osFS) remove(name string) error     { return os.Remove(name) }
func (osFS) rename(from, to string) error { return os.Rename(from, to) }

func (osFS) syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil // on Windows a directory cannot be synced and need not be
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
