package faults

import (
	"os/exec"
	"runtime"
	"syscall"
)

// launches are started by one thread that lives as long as the harness: a process
// is told to die with the thread that started it, so that none outlives it,
// however it ends.
var launches = make(chan func())

func init() {
	go func() {
		runtime.LockOSThread()
		for launch := range launches {
			launch()
		}
	}()
}

func launch(c *exec.Cmd) (err error) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	done := make(chan struct{})
	launches <- func() {
		err = c.Start()
		close(done)
	}
	<-done
	return err
}
