package testserver

import (
	"os/exec"
	"runtime"
	"syscall"
)

// launches are started by one thread that lives as long as this process, because
// a child is told to die together with the thread that started it.
var launches = make(chan func())

func init() {
	go func() {
		runtime.LockOSThread()
		for launch := range launches {
			launch()
		}
	}()
}

// Launch starts a command that ends when this process ends, even if a test panics
// or the process is killed.
func Launch(c *exec.Cmd) (err error) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	done := make(chan struct{})
	launches <- func() {
		err = c.Start()
		close(done)
	}
	<-done
	return err
}
