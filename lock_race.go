//go:build race

package footfall

import (
	"sync"
	"sync/atomic"
)

// locksTaken counts how often the lock of any session was taken.
var locksTaken atomic.Int64

type lock struct{ mutex sync.Mutex }

func (l *lock) Lock() {
	l.mutex.Lock()
	locksTaken.Add(1)
}

func (l *lock) Unlock() { l.mutex.Unlock() }
