package connection

import (
	"net"
	"syscall"
	"unsafe"
)

// What the kernel keeps of a connection counts as memory of the process's cgroup. On its own
// it lets a client send 128 KB that nobody reads, and keeps 4 MB of an answer that the client
// does not take: a thousand connections then have 1.8 GB.
const (
	// unsent is how much of an answer the kernel takes though the client has no room for it
	// yet. What is on its way to a client that takes it does not count here, so that nobody gets
	// an answer later for it: see taken.go.
	unsent = chunk
	// unread is how much a client may send that nobody has read; the kernel takes about twice
	// that.
	unread = 32 << 10

	tcpNotSentLowAt = 25     // TCP_NOTSENT_LOWAT, which package syscall does not name
	siocOutQ        = 0x5411 // SIOCOUTQ, likewise
)

// boundUnread has the kernel keep no more than that of what is sent on each connection that
// a listener accepts: they take it over from the listener.
func boundUnread(l net.Listener) { set(l, syscall.SOL_SOCKET, syscall.SO_RCVBUF, unread) }

// boundUnsent has it keep no more than that of an answer on a connection. The listener's would
// not count: it is one of Multipath TCP.
func boundUnsent(c net.Conn) { set(c, syscall.IPPROTO_TCP, tcpNotSentLowAt, unsent) }

// set sets an option of a socket, as far as it has it: Unix sockets, whose buffers do not
// grow, do not.
func set(socket any, level, option, value int) {
	raw, ok := socket.(syscall.Conn)
	if !ok {
		return
	}
	if control, err := raw.SyscallConn(); err == nil {
		_ = control.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), level, option, value) })
	}
}

// untakenBytes is how many bytes of what was written to a connection the kernel keeps, because
// the client has not said that it has them: it has no room for them, or they are on their way,
// or it does not answer.
func untakenBytes(c net.Conn) (bytes int) {
	raw, ok := c.(syscall.Conn)
	if !ok {
		return 0
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return 0
	}
	var n int32
	_ = control.Control(func(fd uintptr) {
		_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, fd, siocOutQ, uintptr(unsafe.Pointer(&n))) //nolint:gosec // what the call writes to
	})
	return int(n)
}

// forget has the kernel drop what a connection's client has not taken when it is closed.
// Without such data the client is told of a usual end.
func forget(c net.Conn) {
	if l, ok := c.(interface{ SetLinger(sec int) error }); ok && untakenBytes(c) > 0 {
		_ = l.SetLinger(0)
	}
}
