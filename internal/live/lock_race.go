//go:build race

package live

import (
	"sync"
	"sync/atomic"
)

var locksTaken atomic.Int64

// LocksTaken is how often the lock of any session was taken in this process.
func LocksTaken() int64 { return locksTaken.Load() }

type lock struct{ mutex sync.Mutex }

func (l *lock) Lock() {
	l.mutex.Lock()
	locksTaken.Add(1)
}

func (l *lock) Unlock() { l.mutex.Unlock() }
