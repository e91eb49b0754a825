//go:build !linux

package connection

import "net"

// They do nothing: see kernel_linux.go.
func boundUnread(net.Listener)  {}
func boundUnsent(net.Conn)      {}
func untakenBytes(net.Conn) int { return 0 }
func forget(net.Conn)           {}
