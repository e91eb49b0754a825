package faults

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
)

// leftovers are things that would remain if the harness were interrupted: mounts
// and directories in memory. Processes end by themselves.
var leftovers struct {
	mu    sync.Mutex
	next  int
	undo  map[int]func()
	watch sync.Once
}

// undone makes sure that something is undone when the test ends or is
// interrupted.
func undone(t testing.TB, undo func()) {
	l := &leftovers
	l.watch.Do(watchInterrupts)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.undo == nil {
		l.undo = map[int]func(){}
	}
	l.next++
	n := l.next
	l.undo[n] = undo
	t.Cleanup(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.undo[n] != nil {
			delete(l.undo, n)
			undo()
		}
	})
}

func watchInterrupts() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		l := &leftovers
		l.mu.Lock() // never unlocked, so that nothing is undone twice
		for n := l.next; n > 0; n-- {
			if undo := l.undo[n]; undo != nil {
				undo()
			}
		}
		os.Exit(1)
	}()
}
