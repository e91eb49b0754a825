package redisrecord

import (
	"strings"

	"github.com/footfall-go/footfall/store"
)

// Refused returns an error with which Redis answered a command, so that it wraps
// [store.ErrNoWrites] if it says that the server takes no writes.
func Refused(err error, text string) error {
	switch code, _, _ := strings.Cut(text, " "); code {
	case "OOM", "READONLY", "MISCONF", "NOREPLICAS":
		return noWrites{err}
	}
	for _, part := range []string{"-OOM ", "-READONLY ", "capacity quota"} { // of a script, before Redis 7; Upstash
		if strings.Contains(text, part) {
			return noWrites{err}
		}
	}
	return err
}

type noWrites struct{ error }

func (e noWrites) Unwrap() error      { return e.error }
func (noWrites) Is(target error) bool { return target == store.ErrNoWrites }
