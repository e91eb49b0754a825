package journal

import "time"

// counters are guarded by Journal.mu. The fields that appear in Stats count
// records.
type counters struct {
	appended, refused, stalled, lateLost uint64
	syncErrors, writeErrors, setAside    uint64
	damagedBytes                         int64
	damagedSegments                      uint64
	reserved, gaps, missing              uint64
	replay                               uint64

	readable uint64 // available for handing out since Open: replayed or appended
	handed   uint64 // handed out, not counting what a Rewind took back
	undone   uint64 // handed out and not Done
}

func (n *counters) pending() uint64 { return n.readable - min(n.handed, n.readable) + n.undone }

// Stats is a snapshot. Counts are numbers of records since Open unless a comment
// says otherwise.
type Stats struct {
	Bytes    int64 // size of all segments on disk now
	MaxBytes int64 // the cap
	Segments int   // number of segments now

	Appended uint64    // written by Append and Commit, acknowledged or not
	Pending  uint64    // not Done: written, or found at Open
	Replay   uint64    // found at Open
	Oldest   time.Time // when the oldest pending record was appended; zero: none is pending. At most one batch too early, never too late

	Refused  uint64 // refused with ErrFull
	Stalled  uint64 // answered with ErrStalled; they may have been written later
	LateLost uint64 // those of Stalled that could not be written later either

	WriteErrors uint64 // writes that failed, each of one or more records
	SyncErrors  uint64 // failed fsyncs, repeated failures included

	SetAside        uint64 // by SetAside, and not retried since
	DamagedBytes    int64  // bytes in segments that were not whole frames
	DamagedSegments uint64 // segments with such bytes
	Gaps            uint64 // places between segments where records are missing
	Missing         uint64 // numbers that are missing there: at most so many records

	Reserve        int64  // bytes that are free in the reserve
	Reserved       uint64 // records written to the reserve
	ReserveProblem error  // why there is no reserve, or what it cannot promise
}

// Stats returns the current figures. It is cheap and does not wait for the disk.
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
	s.Gaps, s.Missing = j.n.gaps, j.n.missing
	s.Reserve, s.Reserved, s.ReserveProblem = max(j.reserve.free(wholeReserve), 0), j.n.reserved, j.reserve.problem
	switch {
	case s.Pending == 0:
	case len(j.handouts) > 0:
		s.Oldest = unixTime(j.handouts[0].firstAt)
	default:
		s.Oldest = unixTime(j.lastTaken)
	}
	return s
}
