package oserror

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"runtime"
	"strconv"
	"syscall"
)

// wsaeaddrinuse is the number that Windows has for an address in use.
const wsaeaddrinuse = syscall.Errno(10048)

// Listen explains an error of listening on an address, host:port. It returns nil for nil.
func Listen(addr string, err error) error {
	if err == nil {
		return nil
	}
	host, port, _ := net.SplitHostPort(addr)
	number, _ := strconv.Atoi(port)
	p := &Problem{Says: fmt.Sprintf("%s cannot be listened on (%v)", addr, err), Remedy: "use another address", err: err}
	var unknown *net.DNSError
	switch {
	case is(err, syscall.EADDRINUSE) || runtime.GOOS == "windows" && is(err, wsaeaddrinuse):
		p.Says, p.Remedy = addr+" is in use", "stop what listens there, or use another port"
	case errors.Is(err, fs.ErrPermission) && number < 1024:
		p.Says = fmt.Sprintf("port %s is kept for privileged processes, and this one is none", port)
		p.Remedy = "use a port of 1024 or more, or give it the right (AmbientCapabilities=CAP_NET_BIND_SERVICE in a unit of systemd)"
	case is(err, syscall.EADDRNOTAVAIL):
		p.Says, p.Remedy = host+" is no address of this machine", "use one that is, such as 127.0.0.1, or 0.0.0.0 for all of them"
	case errors.As(err, &unknown):
		p.Says, p.Remedy = fmt.Sprintf("the host %q cannot be looked up (%s)", host, unknown.Err), "use an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them"
	}
	return p
}
