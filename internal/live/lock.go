//go:build !race

package live

import "sync"

// A lock is a session's. Under the race detector, as CI tests, it counts how
// often it was taken: see lock_race.go.
type lock struct{ sync.Mutex }
