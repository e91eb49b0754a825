//go:build !linux

package testserver

import "os/exec"

// Launch starts a command.
func Launch(c *exec.Cmd) error { return c.Start() }
