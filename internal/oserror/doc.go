// Package oserror says in plain words what an error of the operating system means for a
// file, a directory or a listen address, and what to do about it.
//
// It looks at the file system to find out: who owns what cannot be opened, which parent
// is no directory. It promises one line, of what is wrong and what to do, and keeps the
// error that it explains for errors.Is. It never opens a file, because closing one
// releases the locks that the process has on it, and it never changes anything.
package oserror

import "errors"

// A Problem is an error with what is wrong and what to do about it.
type Problem struct {
	Says, Remedy string

	path string
	err  error
}

// Explained reports whether an error is, or wraps, a Problem.
func Explained(err error) bool {
	var p *Problem
	return errors.As(err, &p)
}

func (p *Problem) Error() string { return p.Says + ": " + p.Remedy }

// Unwrap returns the error that is explained.
func (p *Problem) Unwrap() error { return p.err }
