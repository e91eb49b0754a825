//go:build !linux

package testserver

import "syscall"

func mongoProcAttr() *syscall.SysProcAttr { return nil }
