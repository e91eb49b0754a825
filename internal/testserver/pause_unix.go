//go:build unix

package testserver

import (
	"os"
	"syscall"
)

// Pause stops a process until [Resume]. Its connections stay open.
func Pause(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

// Resume lets a paused process continue.
func Resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
