package journal

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	probeName  = "probe"         // in the journal's directory, while Check writes
	probeBytes = 64 << 10        // what Check writes
	probeStall = 1 * time.Second // how long Check waits for that
)

// Check reports an error if the journal is full, if the latest write or fsync failed
// or has not finished, or if the journal's files were deleted.
//
// After a write that failed, Check writes a file of its own and deletes it. If that
// succeeds, the journal is in order again, whether or not anybody appends.
func (j *Journal) Check() error {
	j.mu.Lock()
	failed, suspect, current := j.writeErr, j.suspect, ""
	if j.current != nil {
		current = j.path(j.current)
	}
	full := j.bytes >= j.o.MaxBytes-j.o.MaxBytes/10
	stalled := j.stalled[tracking] || j.stalled[control]
	j.mu.Unlock()
	if failed != nil {
		if err := j.probe(failed); err != nil {
			return fmt.Errorf("journal: the latest write failed: %w", err)
		}
	}
	switch {
	case suspect:
		return errors.New("journal: the disk does not confirm what was written (fsync fails); it is being written again")
	case full:
		return ErrFull
	case stalled:
		return ErrStalled
	}
	for _, path := range []string{filepath.Join(j.dir, lockName), current} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("journal: its files were deleted or moved away while it is in use: put them back, or restart the process: %w", err)
		}
	}
	return nil
}

// probe finds out whether writing works again after a write that failed. It waits
// for probeStall at most. While one probe runs, others return the error of the write.
func (j *Journal) probe(failed error) error {
	j.mu.Lock()
	if j.probing || j.closed {
		j.mu.Unlock()
		return failed
	}
	j.probing = true
	j.mu.Unlock()
	result := make(chan error, 1)
	go func() {
		err := j.writeProbe()
		j.mu.Lock()
		j.probing = false
		if err == nil && j.writeErr == failed { //nolint:errorlint // the very error, not one like it
			j.writeErr = nil
		}
		j.mu.Unlock()
		result <- err
	}()
	limit := time.NewTimer(probeStall)
	defer limit.Stop()
	select {
	case err := <-result:
		return err
	case <-limit.C:
		return ErrStalled
	}
}

// writeProbe does what a write to a new segment does, with another file.
func (j *Journal) writeProbe() error {
	name := filepath.Join(j.dir, probeName)
	if err := j.fs.remove(name); err != nil && !errors.Is(err, os.ErrNotExist) { // of a process that was killed
		return err
	}
	f, err := j.fs.create(name)
	if err != nil {
		return err
	}
	if j.o.BeforeWrite != nil {
		err = j.o.BeforeWrite()
	}
	if err == nil {
		_, err = f.Write(make([]byte, probeBytes))
	}
	if err == nil && j.o.Sync != SyncNever {
		err = f.Sync()
	}
	return cmp.Or(err, f.Close(), j.fs.remove(name))
}
