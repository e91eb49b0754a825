//go:build race

package footfall

// LocksTaken is how often the lock of any session was taken.
func LocksTaken() int64 { return locksTaken.Load() }
