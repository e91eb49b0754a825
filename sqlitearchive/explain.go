package sqlitearchive

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/footfall-go/footfall/internal/oserror"
	"github.com/footfall-go/footfall/store"
)

// explain returns an error about the database at path, or about the copy that is made
// there, with what is wrong in plain words. Damage wraps [ErrDamaged].
func explain(path string, err error) error {
	var e codedError
	var opened *fs.PathError
	switch {
	case err == nil || errors.Is(err, ErrDamaged) || errors.Is(err, ErrNewer) || errors.Is(err, ErrOlder) || errors.Is(err, store.ErrRejected):
		return err
	case isDamage(err):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case errors.As(err, &e):
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_FULL:
			return oserror.File(path, fmt.Errorf("%w: %w", syscall.ENOSPC, err))
		case sqlite3.SQLITE_BUSY:
			return fmt.Errorf("%s is locked by another program, which reads or writes it: end that one, or try again: %w", path, err)
		case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			if cause := oserror.Probe(path); cause != nil {
				return oserror.File(path, fmt.Errorf("%w: %w", cause, err))
			}
		}
	case errors.As(err, &opened):
		return oserror.File(path, err)
	}
	return err
}

// opening returns the error of opening the database at path.
func opening(path string, err error) error {
	if err = explain(path, err); oserror.Explained(err) { // it names the path
		return fmt.Errorf("sqlitearchive: %w", err)
	}
	return fmt.Errorf("sqlitearchive: %s: %w", path, err)
}

// readFailed returns the error of a call that reads.
func (a *Archive) readFailed(what string, err error) error {
	return fmt.Errorf("sqlitearchive: %s: %w", what, explain(a.path, err))
}
