package journal

import (
	"fmt"
	"io"
	"runtime"
	"time"
)

// writeLoop is the writer: the only goroutine that appends to segments, the
// syncer's repairs apart. It ends when the journal is sealed and nothing is
// pending.
func (j *Journal) writeLoop() {
	defer close(j.writerDone)
	defer j.signalReader() // it may have waited for the last batch, and that failed
	var answered []*waiter
	crowd := false // the last batch had more than one call
	for {
		if crowd {
			runtime.Gosched() // let the others that are about to append join in
		}
		j.mu.Lock()
		for (j.pending.records == 0 || j.retained.size >= maxRetained) && !j.sealed {
			j.work.Wait() // the syncer signals when it has dropped what was retained
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
		err := j.write(b)
		var lost [][]byte
		j.mu.Lock()
		j.writeErr = err
		if err == nil {
			j.publish(b)
		} else {
			j.n.writeErrors++
			lost = b.late()
			j.n.lateLost += uint64(len(lost))
			j.stalled = [2]bool{} // it did answer, and no fsync follows to say so
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
			w.answer <- err
			answered[i] = nil
		}
		if j.o.Lost != nil {
			for _, record := range lost { // the buffer is not used again before the next batch
				j.o.Lost(record)
			}
		}
	}
}

// settle takes off the batch's waiters those that get their answer now and
// leaves the rest to the syncer. j.mu is held.
func (j *Journal) settle(b *batch, err error, now []*waiter) []*waiter {
	for _, w := range b.waiters {
		if err == nil && (w.kind == control || j.o.Sync == SyncAlways) {
			j.syncing = append(j.syncing, w)
		} else {
			now = append(now, w)
		}
	}
	if err == nil && b.sync {
		j.wakeSyncer() // even if all who waited gave up: it ends the stall
	}
	clear(b.waiters)
	b.waiters = b.waiters[:0]
	return now
}

// write brings a batch into the current segment, or a new one. On an error
// nothing of it counts, and what reached the file is cut off. j.io is held.
func (j *Journal) write(b *batch) error {
	s, isNew := j.current, false
	if s != nil && s.size >= j.o.SegmentBytes {
		j.seal(s)
		s = nil
	}
	if s == nil {
		var err error
		if s, err = j.createSegment(b.first); err != nil {
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
	// Fence it off: whatever is left of this batch, the next begins a new file.
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

// adopt takes a file that cannot be deleted now into the count, to be deleted
// with what is Done.
func (j *Journal) adopt(s *segment, bytes int64) {
	j.mu.Lock()
	s.f, s.sealed, s.bytes = nil, true, bytes
	j.segments = append(j.segments, s)
	j.bytes += bytes
	j.mu.Unlock()
}

// publish makes a written batch readable. j.io and j.mu are held.
func (j *Journal) publish(b *batch) {
	s, n := j.current, int64(len(b.buf))
	if b.sync || j.o.Sync != SyncNever || j.retained.size > 0 {
		// Without a gap: a repair cuts off what follows the first retained byte.
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
	if j.n.pending() == 0 {
		j.lastTaken = b.born.UnixNano()
	}
	j.n.appended += uint64(b.records)
	j.n.readable += uint64(b.records)
	j.written = b.last
	if j.waiting {
		j.waiting = false
		j.signalReader()
	}
}

// seal closes a segment for appending; the file is closed here or, with bytes to
// be synced, by the syncer. j.io is held.
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
