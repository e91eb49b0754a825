package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// counters are guarded by Journal.mu. Those of Stats count records.
type counters struct {
	appended, refused, stalled, lateLost uint64
	syncErrors, writeErrors, setAside    uint64
	damagedBytes                         int64
	damagedSegments                      uint64
	replay                               uint64

	readable uint64 // ever there to be handed out: replayed and appended
	handed   uint64 // handed out, without those a Rewind took back
	undone   uint64 // of these, not Done
}

func (n *counters) pending() uint64 { return n.readable - min(n.handed, n.readable) + n.undone }

// Stats is a snapshot. The counts are of records, since Open, unless they say
// otherwise.
type Stats struct {
	Bytes    int64 // what the segments take on disk now
	MaxBytes int64 // the cap
	Segments int   // how many there are now

	Appended uint64    // acknowledged or not, written by Append and Commit
	Pending  uint64    // written, or found at Open, and not Done
	Replay   uint64    // found at Open
	Oldest   time.Time // when the oldest pending record was appended; zero: none is. Never too late, and too early by no more than a batch

	Refused  uint64 // by ErrFull
	Stalled  uint64 // by ErrStalled; they may have been written later
	LateLost uint64 // of these, how many could not be written later either

	WriteErrors uint64 // writes that failed, each of one or more records
	SyncErrors  uint64 // fsyncs that failed, or failed again

	SetAside        uint64 // by SetAside, in all the directory's life
	DamagedBytes    int64  // bytes of segments that were not whole frames
	DamagedSegments uint64 // segments with such bytes
}

// Check says what is wrong with the journal, if anything: that it is full, that
// the latest write failed or has not come back, or that its files are gone.
func (j *Journal) Check() error {
	j.mu.Lock()
	err, current := j.writeErr, ""
	if j.current != nil {
		current = j.path(j.current)
	}
	full := j.bytes >= j.o.MaxBytes-j.o.MaxBytes/10
	stalled := j.stalled[tracking]
	j.mu.Unlock()
	switch {
	case err != nil:
		return fmt.Errorf("journal: the latest write failed: %w", err)
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
			return fmt.Errorf("journal: its files were deleted while it is in use; start again: %w", err)
		}
	}
	return nil
}

// Stats returns the figures of now. It is cheap and waits for no disk.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Stats{
		Bytes: j.bytes, MaxBytes: j.o.MaxBytes, Segments: len(j.segments),
		Appended: j.n.appended, Pending: j.n.pending(), Replay: j.n.replay,
		Refused: j.n.refused, Stalled: j.n.stalled, LateLost: j.n.lateLost,
		WriteErrors: j.n.writeErrors, SyncErrors: j.n.syncErrors,
		SetAside: j.n.setAside, DamagedBytes: j.n.damagedBytes, DamagedSegments: j.n.damagedSegments,
	}
	switch {
	case s.Pending == 0:
	case len(j.handouts) > 0:
		s.Oldest = unixTime(j.handouts[0].firstAt)
	default:
		s.Oldest = unixTime(j.lastTaken)
	}
	return s
}
