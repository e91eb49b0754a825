//go:build !unix

package testserver

import (
	"errors"
	"os"
)

var errPause = errors.New("pausing a process needs a Unix system")

// Pause stops a process until [Resume].
func Pause(*os.Process) error { return errPause }

// Resume lets a paused process continue.
func Resume(*os.Process) error { return errPause }
