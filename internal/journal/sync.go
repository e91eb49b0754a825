package journal

import (
	"fmt"
	"io"
	"slices"
)

// syncLoop is the syncer. It runs beside the writer, so that an fsync, which can
// take longer than a request may wait, delays only the calls that wait for an
// fsync.
func (j *Journal) syncLoop() {
	defer close(j.syncerDone)
	for {
		select {
		case <-j.syncNow:
			_ = j.syncOnce()
		case <-j.stop:
			j.finalErr = j.syncOnce()
			return
		}
	}
}

type dirtySegment struct {
	*segment
	f    file
	size int64
}

// syncOnce fsyncs everything written so far and answers those who wait for that.
// If the fsync fails, it calls repair.
func (j *Journal) syncOnce() error {
	j.mu.Lock()
	j.syncSet = false
	var dirty []dirtySegment
	for _, s := range j.segments {
		if s.unsynced >= 0 && s.f != nil {
			dirty = append(dirty, dirtySegment{s, s.f, s.size})
		}
	}
	upTo, mark, dir, suspect := j.written, j.retained.mark(), j.dirDirty, j.suspect
	if mark == 0 {
		j.answerSynced(upTo, nil) // nobody waits; this ends the state "stalled"
		j.mu.Unlock()
		return nil
	}
	j.dirDirty = false
	j.mu.Unlock()

	var err error
	if !suspect {
		err = j.fsync(dirty, dir)
	}
	if suspect || err != nil {
		if err != nil {
			j.log.Warn("journal: fsync failed; writing the records once more, to a new segment", "dir", j.dir, "error", err)
		}
		return j.repair()
	}

	var files []file
	j.mu.Lock()
	for _, d := range dirty {
		if d.unsynced = -1; d.segment.size > d.size {
			d.unsynced = d.size
		}
		if d.sealed && d.unsynced < 0 && d.segment.f != nil {
			files = append(files, d.f)
			d.segment.f = nil
		}
	}
	j.dropRetained(mark)
	j.answerSynced(upTo, nil)
	if j.retained.size > 0 {
		if j.o.Sync == SyncNever && len(j.syncing) == 0 {
			files = append(files, j.forgetUnsynced()...) // nobody will ask for an fsync of these bytes
		} else if !j.syncSet && j.o.Sync > 0 {
			j.syncSet = true
			j.syncTimer.Reset(j.o.Sync)
		}
	}
	j.mu.Unlock()
	for _, f := range files {
		_ = f.Close()
	}
	return nil
}

func (j *Journal) fsync(dirty []dirtySegment, dir bool) error {
	for _, d := range dirty {
		if err := d.f.Sync(); err != nil {
			j.mu.Lock()
			removed := d.removed
			j.mu.Unlock()
			if !removed {
				return err
			}
		}
	}
	if dir {
		return j.fs.syncDir(j.dir)
	}
	return nil
}

// dropRetained drops what was retained when mark was taken. The caller holds
// j.mu.
func (j *Journal) dropRetained(mark int) {
	j.retained.drop(mark)
	j.work.Broadcast() // the writer may be waiting for room
}

// forgetUnsynced leaves it to the operating system to write the retained bytes to
// the disk, and returns the files to close. The caller holds j.mu.
func (j *Journal) forgetUnsynced() (files []file) {
	for _, s := range j.segments {
		if s.unsynced = -1; s.sealed && s.f != nil {
			files = append(files, s.f)
			s.f = nil
		}
	}
	j.dropRetained(j.retained.mark())
	return files
}

// answerSynced answers the waiters whose records are at or below upTo. The caller
// holds j.mu.
func (j *Journal) answerSynced(upTo Position, err error) {
	n := 0
	for n < len(j.syncing) && j.syncing[n].last <= upTo {
		j.syncing[n].answer <- err
		n++
	}
	rest := copy(j.syncing, j.syncing[n:])
	clear(j.syncing[rest:])
	j.syncing = j.syncing[:rest]
	j.stalled[control] = false
	if j.o.Sync == SyncAlways {
		j.stalled[tracking] = false
	}
}

// repair secures the retained bytes after a failed fsync. The kernel may have
// dropped the pages that it could not write and marked them as clean, so neither
// the old files nor a second fsync of them can be trusted. Therefore everything
// since the last good fsync is written to a new segment, with the same numbers,
// and that segment is synced. Until this succeeds, the bytes stay in memory
// together with new ones, and the repair is tried again at intervals. Calls that
// wait for their fsync get the error.
func (j *Journal) repair() error {
	j.io.Lock() // the writer has to wait; the watchdog answers its waiters
	defer j.io.Unlock()
	j.mu.Lock()
	j.suspect = true
	j.n.syncErrors++
	base := frameSeq(j.retained.chunks[0])
	for _, s := range j.segments {
		if s.unsynced >= 0 {
			base = min(base, s.base) // that of the segment whose place the new one takes
		}
	}
	chunks, size := j.retained.chunks, int64(j.retained.size) // only the writer adds to them
	j.mu.Unlock()

	fresh, err := j.rewrite(base, chunks)

	j.mu.Lock()
	if err != nil {
		j.answerSynced(j.written, err)
		j.syncSet = true
		j.syncTimer.Reset(syncRetry)
		j.mu.Unlock()
		return err
	}
	var old []dirtySegment
	for _, s := range j.segments {
		if s.unsynced < 0 {
			continue
		}
		old = append(old, dirtySegment{s, s.f, s.unsynced})
		s.size, s.unsynced, s.sealed, s.f = s.unsynced, -1, true, nil
	}
	fresh.last, fresh.size, fresh.bytes = lastSeq(chunks), size, size
	var closing file
	if j.enlistBefore(fresh) { // what is written next is read after the reserve
		closing, fresh.f, fresh.sealed, j.current = fresh.f, nil, true, nil
	} else {
		j.current = fresh
	}
	j.bytes += fresh.bytes
	j.suspect = false
	j.dropRetained(j.retained.mark())
	j.answerSynced(j.written, nil)
	j.mu.Unlock()
	if closing != nil {
		_ = closing.Close()
	}

	// Cutting the old files is for tidiness only: the numbers show which records
	// exist twice.
	for _, o := range old {
		if o.f == nil {
			continue
		}
		if o.f.Truncate(o.size) == nil {
			j.mu.Lock()
			if !o.removed {
				j.bytes -= o.bytes - o.size
				o.bytes = o.size
			}
			j.mu.Unlock()
		}
		_ = o.f.Close()
	}
	return nil
}

// rewrite writes frames to a new segment and syncs it. The caller holds j.io.
func (j *Journal) rewrite(base Position, chunks [][]byte) (*segment, error) {
	s, err := j.createSegment(base)
	if err != nil {
		return nil, err
	}
	var off int64
	for _, c := range chunks {
		sign(c, s.salt, off)
		var n int
		n, err = s.f.Write(c)
		off += int64(n)
		if err == nil && n < len(c) {
			err = io.ErrShortWrite
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = s.f.Sync()
	}
	if err == nil {
		err = j.fs.syncDir(j.dir)
	}
	if err == nil {
		return s, nil
	}
	_ = s.f.Close()
	if j.fs.remove(j.path(s)) != nil {
		j.adopt(s, off)
	}
	return nil, fmt.Errorf("journal: write again after a failed fsync: %s: %w", j.path(s), err)
}

// enlistBefore is enlist for a segment that is written after parts of the reserve with
// higher numbers: it is read before them. It reports whether there are such. The caller
// holds j.mu.
func (j *Journal) enlistBefore(s *segment) bool {
	j.enlist(s)
	last := len(j.runs) - 1
	fresh, i := j.runs[last], last
	for i > 0 && j.runs[i-1].seg.inPlace && j.runs[i-1].first > s.last {
		i--
	}
	if i == last {
		return false
	}
	before := 0
	if i > 0 {
		before = j.runs[i-1].order
	}
	fresh.order = before + (j.runs[i].order-before)/2
	j.runs = slices.Insert(j.runs[:last], i, fresh)
	return true
}

// lastSeq returns the number of the last of the whole frames in chunks.
func lastSeq(chunks [][]byte) (seq Position) {
	for rest := chunks[len(chunks)-1]; len(rest) > 0; rest = rest[frameLen(rest):] {
		seq = frameSeq(rest)
	}
	return seq
}
