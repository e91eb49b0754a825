//go:build !linux

package sqlitearchive

import (
	"os"
	"time"
)

// changedAt is when a file was last written. That a file was put in place by a
// rename is not seen.
func changedAt(info os.FileInfo) time.Time { return info.ModTime() }
