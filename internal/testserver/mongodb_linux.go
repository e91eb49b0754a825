package testserver

import "syscall"

// mongoProcAttr ends the server with the test's process, however that ends.
func mongoProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
