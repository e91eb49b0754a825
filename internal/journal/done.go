package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// Done confirms that every record up to end is stored elsewhere. It deletes
// segments that hold nothing else; after a crash before the deletion, their
// records may be handed out again. An end below an earlier one changes nothing.
// An error is [ErrClosed] or comes from deleting a file, which the next Done
// tries again.
func (j *Journal) Done(end Position) error {
	writer := j.io.TryLock() // if the writer is busy, the current segment waits for the next Done
	j.mu.Lock()
	if j.closed || end > j.written {
		written, closed := j.written, j.closed
		j.mu.Unlock()
		if writer {
			j.io.Unlock()
		}
		if closed {
			return ErrClosed
		}
		return fmt.Errorf("journal: done %d: the last record is %d", end, written)
	}
	if end > j.done {
		j.done = end
		if end > j.handed { // it was handed out before a Rewind
			j.n.handed = min(j.n.handed+uint64(end-j.handed), j.n.readable)
			j.handed = end
		}
		j.settleHandouts()
	}
	if s := j.current; writer && s != nil && s.last <= j.done && s.size >= min(sealWhenDone, j.o.SegmentBytes) {
		s.sealed = true
		j.current = nil
	}
	victims := j.takeDone(false)
	j.returnReserve()
	j.mu.Unlock()
	if writer {
		j.io.Unlock()
	}
	return j.removeSegments(victims)
}

// Rewind makes Next hand out everything again that is not Done.
func (j *Journal) Rewind() {
	j.mu.Lock()
	j.rewinds++
	j.n.handed -= j.n.undone
	j.n.undone = 0
	if len(j.handouts) > 0 {
		j.lastTaken = j.handouts[0].firstAt
	}
	j.handouts = nil
	j.handed = j.done
	j.mu.Unlock()
	j.signalReader()
}

// settleHandouts removes what is Done from the handouts. The caller holds j.mu.
func (j *Journal) settleHandouts() {
	n := 0
	for n < len(j.handouts) && j.handouts[n].end <= j.done {
		j.n.undone -= uint64(j.handouts[n].records)
		n++
	}
	j.handouts = slices.Delete(j.handouts, 0, n)
	if len(j.handouts) == 0 || j.handouts[0].first > j.done {
		return
	}
	h := &j.handouts[0] // Done may end in the middle of a handout
	part := min(int(j.done-h.first)+1, h.records-1)
	j.n.undone -= uint64(part)
	h.first, h.records = j.done+1, h.records-part
}

// takeDone removes from the list, and returns, the segments of which everything
// is Done; with all, that includes the current one. The caller holds j.mu.
func (j *Journal) takeDone(all bool) (victims []*segment) {
	j.segments = slices.DeleteFunc(j.segments, func(s *segment) bool {
		if !all && (s.last > j.done || !s.sealed) {
			return false
		}
		s.removed = true
		victims = append(victims, s)
		return true
	})
	if len(victims) > 0 {
		j.runs = slices.DeleteFunc(j.runs, func(r *run) bool { return r.seg.removed })
	}
	return victims
}

// removeSegments deletes the files of segments, but for those that could not be read:
// it moves them to set-aside/.
func (j *Journal) removeSegments(victims []*segment) error {
	var errs []error
	for _, s := range victims {
		j.mu.Lock()
		f := s.f
		s.f = nil
		j.mu.Unlock()
		if f != nil {
			_ = f.Close() // before deleting, because Windows does not delete open files
		}
		err := error(nil)
		if s.keep {
			if err = j.makeAsideDir(); err == nil {
				err = j.fs.rename(j.path(s), filepath.Join(j.asideDir(), s.name))
			}
		} else {
			err = j.fs.remove(j.path(s))
		}
		j.mu.Lock()
		if err == nil {
			j.bytes -= s.bytes
			s.bytes = 0
		} else {
			errs = append(errs, fmt.Errorf("journal: remove a finished segment: %w", err))
			j.segments = append(j.segments, s) // without runs: it remains in the list only to be deleted
		}
		j.mu.Unlock()
	}
	return errors.Join(errs...)
}
