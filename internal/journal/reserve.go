package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// ReserveBytes is the size of the reserve that a server's journal has, in bytes.
const ReserveBytes = 4 << 20

const (
	reserveName  = "reserve"
	reserveSalt  = 0x72_73_72_76
	reserveRetry = 10 * time.Second // between attempts to make the reserve
	zeroChunk    = 64 << 10

	// orderStep is the distance of two runs in the order of reading, so that a run
	// can be put between them.
	orderStep = 1 << 16
)

// A reserve is a file of zeros whose blocks the file system has allocated, so that
// control facts can be written there, in place, when it has no room for a segment. Its
// frames are read as a segment's are. When all of them are Done, it is filled with zeros
// again. Its fields are guarded by Journal.mu.
type reserve struct {
	seg       *segment // nil: there is no reserve. Its size is where the next frame goes
	f         reserveFile
	bytes     int64 // its length
	run       *run  // what is written since the last write to a segment; nil: nothing
	writing   bool  // the writer uses f
	returning bool  // it is being filled with zeros
	problem   error // why there is none, or what it cannot promise
}

// helps reports whether the reserve is for a write that failed with err.
func (j *Journal) helps(err error) bool {
	return errors.Is(err, ErrFull) || isNoSpace(err)
}

// noSpace are the errors of a full disk.
var noSpace = []error{syscall.ENOSPC, syscall.EDQUOT}

func isNoSpace(err error) bool {
	return slices.ContainsFunc(noSpace, func(full error) bool { return errors.Is(err, full) })
}

// findReserve reads the reserve of an earlier Open. The frames in it become runs.
func (j *Journal) findReserve() {
	s := &segment{name: reserveName, salt: reserveSalt, unsynced: -1, sealed: true, inPlace: true}
	info, err := os.Stat(j.path(s))
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	j.scan(s)
	r := &j.reserve
	r.seg = s
	if err == nil {
		r.bytes = info.Size()
		r.f, err = j.fs.openReserve(j.path(s))
	}
	if r.problem = err; err == nil {
		r.problem = inPlace(j.dir, j.path(s))
	}
	if s.size == 0 && !isAllocated(info) {
		r.bytes = 0 // it is made again
	}
}

// trimReserve takes the zeros at the end of a reserve, which are free, off the damage
// that scan found, and says where they begin.
func trimReserve(src io.ReaderAt, damage []span, size int64) (trimmed []span, end int64, err error) {
	n := len(damage) - 1
	if n < 0 || damage[n].to != size {
		return damage, size, nil
	}
	tail, err := io.ReadAll(io.NewSectionReader(src, damage[n].from, size-damage[n].from))
	if err != nil {
		return damage, size, err
	}
	used := len(bytes.TrimRight(tail, "\x00"))
	end = damage[n].from + int64(used)
	if used == 0 {
		return damage[:n], end, nil
	}
	damage[n].to = end
	return damage, end, nil
}

// tendReserve makes the reserve if there is none, and fills it with zeros if everything
// in it is Done.
func (j *Journal) tendReserve() {
	j.mu.Lock()
	r := &j.reserve
	s := r.seg
	whole := s != nil && r.f != nil && r.bytes >= j.o.ReserveBytes
	done := s != nil && s.last <= j.done && !r.writing
	if !done && s != nil || whole && s.size == 0 {
		j.mu.Unlock()
		return
	}
	if r.run != nil {
		j.endReserveRun()
	}
	j.runs = slices.DeleteFunc(j.runs, func(c *run) bool { return c.seg == s })
	r.returning = true
	used, f := int64(0), r.f
	if s != nil {
		used = s.size
	}
	keep := s != nil && s.keep
	j.mu.Unlock()

	var err error
	if whole && !keep {
		err = zero(f, used)
	} else {
		f, err = j.makeReserve(f, keep)
	}

	j.mu.Lock()
	first := r.problem == nil || err == nil
	r.returning, r.f, r.problem = false, f, err
	if err == nil {
		r.seg = &segment{name: reserveName, salt: reserveSalt, unsynced: -1, sealed: true, inPlace: true}
		if !whole || keep {
			r.bytes = j.o.ReserveBytes
		}
		r.problem = inPlace(j.dir, j.path(r.seg))
	} else if f == nil {
		r.seg = nil
	}
	err = r.problem
	j.mu.Unlock()
	if err != nil && first {
		j.log.Warn("journal: no room can be held ready for orders and logouts on a full disk", "dir", j.dir, "error", err)
	}
}

// zero fills the first bytes of a reserve with zeros, the last of them first: if the
// process dies meanwhile, whole frames are left that are Done.
func zero(f reserveFile, used int64) error {
	chunk := make([]byte, zeroChunk)
	for at := used; at > 0; {
		n := min(at, zeroChunk)
		at -= n
		if _, err := f.WriteAt(chunk[:n], at); err != nil {
			return err
		}
	}
	return f.Sync()
}

// makeReserve makes the file, in place of one that cannot be used; with keep that one is
// moved to set-aside/.
func (j *Journal) makeReserve(old reserveFile, keep bool) (reserveFile, error) {
	name := filepath.Join(j.dir, reserveName)
	if old != nil {
		_ = old.Close()
	}
	if keep {
		if err := j.makeAsideDir(); err != nil {
			return nil, err
		}
		aside := filepath.Join(j.asideDir(), fmt.Sprintf("%s-%d", reserveName, time.Now().UnixNano()))
		if err := j.fs.rename(name, aside); err != nil {
			return nil, err
		}
	}
	fresh := name + ".new"
	f, err := j.fs.createReserve(fresh)
	if err != nil {
		return nil, err
	}
	chunk := make([]byte, zeroChunk)
	for at := int64(0); at < j.o.ReserveBytes && err == nil; at += zeroChunk { // written, because a file system may allocate nothing otherwise
		_, err = f.WriteAt(chunk[:min(zeroChunk, j.o.ReserveBytes-at)], at)
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close()) // Windows does not rename a file that is open
	if err == nil {
		err = j.fs.rename(fresh, name)
	}
	if err != nil {
		_ = j.fs.remove(fresh)
		return nil, err
	}
	if err := j.fs.syncDir(j.dir); err != nil {
		return nil, err
	}
	return j.fs.openReserve(name)
}

// reserveLoop makes the reserve when there is room for it, and gives back what is Done.
func (j *Journal) reserveLoop() {
	defer close(j.reserveDone)
	retry := time.NewTicker(reserveRetry)
	defer retry.Stop()
	for {
		select {
		case <-j.stop:
			return
		case <-j.reserveWork:
		case <-retry.C:
		}
		j.tendReserve()
	}
}

// returnReserve wakes the loop if all of the reserve is Done. The caller holds j.mu.
func (j *Journal) returnReserve() {
	if s := j.reserve.seg; s != nil && s.size > 0 && s.last <= j.done && !j.reserve.returning {
		select {
		case j.reserveWork <- struct{}{}:
		default:
		}
	}
}

// rescue writes to the reserve the control facts of a batch that could not be written, as
// far as they may use it and there is room, and flushes them to the disk. It returns the
// last number of each call whose records are written. The caller holds j.io.
func (j *Journal) rescue(b *batch) (rescued []Position) {
	if j.current != nil {
		j.seal(j.current) // what is written next is read after what is in the reserve
	}
	j.mu.Lock()
	r := &j.reserve
	s, f := r.seg, r.f
	var buf []byte
	var records int
	for _, w := range b.waiters {
		if w.reserve == noReserve {
			continue
		}
		frames := framesOf(b.buf, w.last+1-Position(w.records), w.last)
		if int64(len(buf)+len(frames)) > r.free(w.reserve) {
			continue
		}
		buf, records, rescued = append(buf, frames...), records+w.records, append(rescued, w.last)
	}
	r.writing = len(buf) > 0
	j.mu.Unlock()
	if len(buf) == 0 {
		return nil
	}
	sign(buf, s.salt, s.size) // only the writer changes the size while writing is true
	_, err := f.WriteAt(buf, s.size)
	if err == nil {
		err = f.Sync()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	r.writing = false
	if err != nil {
		r.problem = err
		j.log.Error("journal: the reserve for control facts cannot be written", "dir", j.dir, "error", err)
		return nil
	}
	if r.run == nil {
		j.order += orderStep
		r.run = &run{seg: s, order: j.order, off: s.size, first: frameSeq(buf), live: true}
		j.runs = append(j.runs, r.run)
	}
	s.size += int64(len(buf))
	s.last = rescued[len(rescued)-1]
	j.n.reserved += uint64(records)
	j.published(b, s.last, records)
	return rescued
}

// endReserveRun ends what was written to the reserve in a row: what follows is in a
// segment. The caller holds j.mu.
func (j *Journal) endReserveRun() {
	r := &j.reserve
	r.run.end, r.run.last, r.run.live = r.seg.size, r.seg.last, false
	r.run = nil
}

// framesOf returns the frames of a buffer with numbers from first to last.
func framesOf(buf []byte, first, last Position) []byte {
	from := -1
	for at := 0; at < len(buf); {
		seq := frameSeq(buf[at:])
		if seq > last {
			return buf[max(from, 0):at]
		}
		if seq >= first && from < 0 {
			from = at
		}
		at += frameLen(buf[at:])
	}
	return buf[max(from, 0):]
}

// closeReserve runs last, when no goroutine uses the reserve any more.
func (j *Journal) closeReserve() error {
	j.mu.Lock()
	r := &j.reserve
	f, s := r.f, r.seg
	r.f = nil
	j.mu.Unlock()
	if f == nil {
		return nil
	}
	if s.size > 0 && s.last <= j.done && !s.keep {
		_ = zero(f, s.size) // if it fails, the records are handed out once more
	}
	return f.Close()
}
