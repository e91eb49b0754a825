package journal

import (
	"fmt"
	"io"
)

// syncLoop is the syncer. It runs beside the writer, so that an fsync, which can
// take longer than a request may wait, holds up nobody but those who asked for it.
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

// syncOnce fsyncs what was written up to now and answers those who waited for
// it. When that fails it repairs: see there.
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
		j.answerSynced(upTo, nil) // nobody waits; what had stalled is over
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
			files = append(files, j.forgetUnsynced()...) // nobody will ask for it
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

// dropRetained forgets what was retained at mark. j.mu is held.
func (j *Journal) dropRetained(mark int) {
	j.retained.drop(mark)
	j.work.Broadcast() // the writer may wait for room
}

// forgetUnsynced leaves the retained bytes to the operating system, and returns
// the files to close. j.mu is held.
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

// answerSynced answers those whose records are at or below upTo. j.mu is held.
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

// repair brings the retained bytes to safety after a failed fsync. The kernel
// may have dropped the pages it could not write and called them clean, so
// neither the old files nor a second fsync of them can be trusted: everything
// since the last good fsync is written to a new segment, with the same numbers,
// and that is synced. Until it succeeds the bytes stay in memory, new ones join
// them, and it is tried again every so often; those who wait for their fsync get
// the error.
func (j *Journal) repair() error {
	j.io.Lock() // the writer waits, and the watchdog answers for it
	defer j.io.Unlock()
	j.mu.Lock()
	j.suspect = true
	j.n.syncErrors++
	chunks, size := j.retained.chunks, int64(j.retained.size) // only the writer adds to them
	j.mu.Unlock()

	fresh, err := j.rewrite(chunks)

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
	fresh.last, fresh.size, fresh.bytes = j.written, size, size
	j.enlist(fresh)
	j.current = fresh
	j.bytes += fresh.bytes
	j.suspect = false
	j.dropRetained(j.retained.mark())
	j.answerSynced(j.written, nil)
	j.mu.Unlock()

	// Tidiness only: the numbers say which records are there twice.
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

// rewrite puts frames into a new, synced segment. j.io is held.
func (j *Journal) rewrite(chunks [][]byte) (*segment, error) {
	s, err := j.createSegment(frameSeq(chunks[0]))
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
