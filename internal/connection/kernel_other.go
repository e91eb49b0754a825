//go:build !linux

package connection

import "net"

// They do nothing: see kernel_linux.go.
func boundUnread(net.Listener) {}
func boundUnsent(net.Conn)     {}
