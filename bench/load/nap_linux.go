package load

import (
	"syscall"
	"time"
)

// nap sleeps to within some 50 µs: the runtime's timers may be a millisecond
// late in a process that is idle otherwise.
func nap(d time.Duration) {
	t := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&t, nil) // whoever calls it looks at the clock again
}
