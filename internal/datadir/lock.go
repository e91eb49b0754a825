package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/footfall-go/footfall/internal/oserror"
)

// ErrInUse means that another process has the lock.
var ErrInUse = errors.New("in use by a running footfall: stop that one, or use another directory")

// A Lock makes its process the only one that writes to a directory. It ends with the
// process, whatever way that ends.
type Lock struct {
	dir  string
	file *flock.Flock
}

// Take makes the directory if it is missing, and locks it. The address that a killed
// process left there is removed. An error that wraps [ErrInUse] means that another
// process has the lock.
func Take(dir string) (*Lock, error) {
	l, err := try(dir)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path(dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(oserror.Dir(dir, err), l.Unlock())
	}
	return l, nil
}

func try(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, oserror.Dir(dir, err)
	}
	name := Path(dir)
	_, missing := os.Stat(name)
	file := flock.New(name)
	ok, err := file.TryLock()
	if missing != nil && err == nil {
		giveToOwnerOf(dir, name)
	}
	if err != nil {
		return nil, oserror.Lock(dir, err)
	}
	if !ok {
		return nil, fmt.Errorf("%s is %w", dir, ErrInUse)
	}
	return &Lock{dir, file}, nil
}

// Path is the file whose lock it is.
func Path(dir string) string { return filepath.Join(dir, "lock") }

// Dir is the locked directory.
func (l *Lock) Dir() string { return l.dir }

// Unlock lets others lock the directory. Only the first call does anything.
func (l *Lock) Unlock() error { return l.file.Unlock() }
