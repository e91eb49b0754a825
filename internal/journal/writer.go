package journal

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// writeLoop is the writer: apart from the syncer's repairs, the only goroutine
// that appends to segments. It ends when the journal is sealed and no batch is
// pending.
func (j *Journal) writeLoop() {
	defer close(j.writerDone)
	defer j.signalReader() // the reader may wait for the last batch, which failed
	var answered []*waiter
	crowd := false // the last batch came from more than one call
	for {
		if crowd {
			runtime.Gosched() // let goroutines that are about to append join the batch
		}
		j.mu.Lock()
		for (j.pending.records == 0 || j.retained.size >= maxRetained) && !j.sealed {
			j.work.Wait() // the syncer signals when it has dropped retained frames
		}
		b := j.pending
		if b.records == 0 {
			j.mu.Unlock()
			return
		}
		j.pending, j.spare, j.inflight = j.spare, nil, b
		crowd = len(b.waiters) > 1
		j.mu.Unlock()

		j.io.Lock()
		err := error(ErrFull)
		if !b.beyondCap {
			err = j.write(b)
		}
		var rescued []Position
		if err != nil && j.helps(err) {
			rescued = j.rescue(b)
		}
		var lost [][]byte
		j.mu.Lock()
		if !b.beyondCap {
			j.writeErr = err
		}
		if err == nil {
			j.publish(b)
		} else {
			j.n.writeErrors++
			lost = b.late()
			j.n.lateLost += uint64(len(lost))
			j.stalled = [2]bool{} // the disk answered, and no fsync follows that would clear this
		}
		answered = j.settle(b, err, answered[:0])
		if j.o.Sync != SyncAlways {
			j.stalled[tracking] = false
		}
		b.reset()
		j.spare, j.inflight = b, nil
		j.mu.Unlock()
		j.io.Unlock()

		for i, w := range answered {
			if _, ok := slices.BinarySearch(rescued, w.last); ok {
				w.answer <- nil
			} else {
				w.answer <- err
			}
			answered[i] = nil
		}
		if j.o.Lost != nil {
			for _, record := range lost { // the buffer is not reused before the next batch
				j.o.Lost(record)
			}
		}
	}
}

// settle takes from the batch the waiters that can be answered now. The syncer
// answers the others. The caller holds j.mu.
func (j *Journal) settle(b *batch, err error, now []*waiter) []*waiter {
	for _, w := range b.waiters {
		if err == nil && (w.kind == control || j.o.Sync == SyncAlways) {
			j.syncing = append(j.syncing, w)
		} else {
			now = append(now, w)
		}
	}
	if err == nil && b.sync {
		j.wakeSyncer() // even if no call waits any more: an fsync ends the state "stalled"
	}
	clear(b.waiters)
	b.waiters = b.waiters[:0]
	return now
}

// write writes a batch to the current segment or to a new one. If it fails,
// nothing of the batch is valid, and the bytes that reached the file are cut off.
// The caller holds j.io.
func (j *Journal) write(b *batch) error {
	s, isNew := j.current, false
	if s != nil && s.size >= j.o.SegmentBytes {
		j.seal(s)
		s = nil
	}
	if s == nil {
		var err error
		j.mu.Lock()
		next := j.written + 1
		j.mu.Unlock()
		if s, err = j.createSegment(next); err != nil {
			return err
		}
		isNew = true
	}
	sign(b.buf, s.salt, s.size)
	n, err := 0, error(nil)
	if j.o.BeforeWrite != nil {
		err = j.o.BeforeWrite()
	}
	if err == nil {
		n, err = s.f.Write(b.buf)
	}
	if err == nil && n < len(b.buf) {
		err = io.ErrShortWrite
	}
	if err == nil {
		if isNew {
			j.mu.Lock()
			j.enlist(s)
			j.current, j.dirDirty = s, true
			j.mu.Unlock()
		}
		return nil
	}
	err = fmt.Errorf("journal: write %s: %w", j.path(s), err)
	if isNew {
		_ = s.f.Close()
		if j.fs.remove(j.path(s)) != nil && n > 0 {
			j.adopt(s, int64(n))
		}
		return err
	}
	// Seal the segment: some of this batch may remain at its end, so the next
	// batch begins a new file.
	cut := s.f.Truncate(s.size)
	j.mu.Lock()
	if cut != nil {
		s.bytes += int64(n)
		j.bytes += int64(n)
	}
	j.mu.Unlock()
	j.seal(s)
	return err
}

// adopt adds a file that cannot be deleted now to the list of segments. It counts
// against the cap and is deleted together with segments that are Done.
func (j *Journal) adopt(s *segment, bytes int64) {
	j.mu.Lock()
	s.f, s.sealed, s.bytes = nil, true, bytes
	j.segments = append(j.segments, s)
	j.bytes += bytes
	j.mu.Unlock()
}

// publish makes a written batch readable. The caller holds j.io and j.mu.
func (j *Journal) publish(b *batch) {
	s, n := j.current, int64(len(b.buf))
	if b.sync || j.o.Sync != SyncNever || j.retained.size > 0 {
		// Retained bytes must have no gap, because a repair cuts off everything
		// after the first of them.
		if s.unsynced < 0 {
			s.unsynced = s.size
		}
		j.retained.add(b.buf)
		if j.retained.size >= maxRetained/4 {
			j.wakeSyncer()
		} else if !j.syncSet && j.o.Sync > 0 {
			j.syncSet = true
			j.syncTimer.Reset(j.o.Sync)
		}
	}
	s.size += n
	s.bytes += n
	s.last = b.last
	j.bytes += n
	if j.reserve.run != nil {
		j.endReserveRun()
	}
	j.published(b, b.last, b.records)
}

// published makes records of a batch readable, up to a number. The caller holds j.mu.
func (j *Journal) published(b *batch, upTo Position, records int) {
	if j.n.pending() == 0 {
		j.lastTaken = b.born.UnixNano()
	}
	j.n.appended += uint64(records)
	j.n.readable += uint64(records)
	j.written = upTo
	if j.waiting {
		j.waiting = false
		j.signalReader()
	}
}

// seal ends appending to a segment. It closes the file, or leaves that to the
// syncer if bytes have to be synced first. The caller holds j.io.
func (j *Journal) seal(s *segment) {
	j.mu.Lock()
	s.sealed = true
	if j.current == s {
		j.current = nil
	}
	var f file
	if s.unsynced < 0 {
		f, s.f = s.f, nil
	}
	j.mu.Unlock()
	if f != nil {
		_ = f.Close()
	}
}

func (j *Journal) wakeSyncer() {
	select {
	case j.syncNow <- struct{}{}:
	default:
	}
}

func (j *Journal) signalReader() {
	select {
	case j.readable <- struct{}{}:
	default:
	}
}

func unixTime(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}
