package journal

import (
	"context"
	"errors"
	"io"
)

// Batch is what Next hands out. The consumer may keep its records.
type Batch struct {
	Records [][]byte
	End     Position // position of the last record, for Done
}

// handout is a batch that has been handed out and is not Done.
type handout struct {
	first, end Position
	records    int
	firstAt    int64 // times of its first and its last record
	lastAt     int64
}

// reader is the position of Next: a run, and an offset in it. Only the holder of
// Journal.turn uses it. It reads from the files, so memory does not grow while
// the archive is away.
type reader struct {
	order    int // of the run that is being read, or of the last one that was finished
	run      *run
	f        readFile
	scan     scanner
	rewinds  int
	failures int      // failed reads at the same place
	sawAll   Position // everything up to this position had been passed when no more was readable
}

func (r *reader) close() {
	if r.f != nil {
		_ = r.f.Close()
	}
	r.f, r.run = nil, nil
}

// How often reading a place of a disk is tried before its bytes are given up.
const maxReadFailures = 3

// Next returns the oldest records that have not been handed out: at most
// maxRecords of them (0: no limit), and at most maxBytes of payload (0: MaxCall)
// unless the first record alone is longer. It waits until there is a record. It
// returns ctx.Err() when ctx is done, [io.EOF] when the journal is sealed and
// everything was handed out, and [ErrClosed] when the journal is closed before
// that. Any other error comes from the disk: call Next again. Bytes that still
// cannot be read are then counted as damaged and skipped.
//
// A consumer whose archive fails may keep the batch and try again, or drop it and
// call [Journal.Rewind].
func (j *Journal) Next(ctx context.Context, maxRecords, maxBytes int) (Batch, error) {
	if maxRecords <= 0 {
		maxRecords = int(^uint(0) >> 1)
	}
	if maxBytes <= 0 {
		maxBytes = MaxCall
	}
	select {
	case j.turn <- struct{}{}:
	case <-ctx.Done():
		return Batch{}, ctx.Err()
	}
	defer func() { <-j.turn }()
	for {
		if err := ctx.Err(); err != nil {
			return Batch{}, err
		}
		j.mu.Lock()
		closed := j.closed
		j.mu.Unlock()
		if !closed {
			b, err := j.read(maxRecords, maxBytes)
			if err != nil || len(b.Records) > 0 {
				return b, err
			}
		}
		wait, err := j.nothing()
		if err != nil {
			return Batch{}, err
		}
		if !wait {
			continue
		}
		select {
		case <-j.readable:
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		}
	}
}

// nothing decides what follows when a read returns no records: waiting, another
// read, or the end.
func (j *Journal) nothing() (wait bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	flushed := j.pending.records == 0 && j.inflight == nil
	switch {
	case j.closed && j.handed < j.written:
		return false, ErrClosed
	case j.closed:
		return false, io.EOF
	case j.handed < j.written || j.reader.rewinds != j.rewinds:
		return false, nil
	case j.sealed && flushed:
		return false, io.EOF
	}
	j.waiting = true
	return true, nil
}

// read reads a batch. It is empty if everything readable was handed out.
func (j *Journal) read(maxRecords, maxBytes int) (Batch, error) {
	r := &j.reader
	j.mu.Lock()
	if r.rewinds != j.rewinds {
		r.close()
		r.order, r.rewinds = 0, j.rewinds
	}
	after := j.handed
	j.mu.Unlock()

	var b Batch
	var h handout
	var store arena
	var limit int64
	for size := 0; len(b.Records) < maxRecords; {
		var err error
		if r.run == nil || r.scan.off >= limit {
			var more bool
			if limit, more, err = j.advance(r); err != nil {
				return j.interrupted(b, h, err)
			}
			if !more {
				break
			}
		}
		f, start, err := r.scan.next(limit)
		if err != nil && !errors.Is(err, io.EOF) {
			if err = j.unreadable(r, limit, err); err != nil {
				return j.interrupted(b, h, err)
			}
			limit = 0
			continue
		}
		if start > r.scan.off {
			j.setAsideDamage(r.run.seg, r.f, []span{{r.scan.off, start}}, nil)
			r.scan.off = start
		}
		if errors.Is(err, io.EOF) {
			continue // go on with the next run
		}
		r.failures = 0
		if f.seq > after {
			if size += len(f.payload); len(b.Records) > 0 && size > maxBytes {
				break // the record stays for the next call
			}
			if len(b.Records) == 0 {
				h.first, h.firstAt = f.seq, f.at
			}
			b.Records = append(b.Records, store.copy(f.payload, min(int(limit-start), maxBytes, 64<<10)))
			b.End, after = f.seq, f.seq
			h.lastAt = f.at
		}
		r.scan.off, r.scan.last = f.end, f.seq
	}
	return j.handOut(b, h), nil
}

// advance moves the reader to the next place with something to read. It returns
// the offset up to which it may read there. It opens files outside the lock.
func (j *Journal) advance(r *reader) (limit int64, more bool, err error) {
	for {
		j.mu.Lock()
		if r.run != nil {
			if limit = r.run.limit(); r.scan.off < limit {
				j.mu.Unlock()
				return limit, true, nil
			}
		}
		var next *run
		if r.run == nil || !r.run.live || r.run.seg.sealed && !r.run.seg.inPlace {
			for _, c := range j.runs {
				if c.order > r.order {
					next = c
					break
				}
			}
		}
		if next == nil {
			r.sawAll = j.written
		}
		var live bool
		if next != nil {
			live, limit = next.live, next.limit()
		}
		j.mu.Unlock()
		if next == nil {
			return 0, false, nil
		}
		r.close()
		f, err := j.fs.open(j.path(next.seg))
		if err != nil {
			if r.failures++; r.failures < maxReadFailures {
				return 0, false, err
			}
			j.giveUp(next.seg, limit-next.off, err)
			r.failures, r.order = 0, next.order
			continue
		}
		r.run, r.order, r.f = next, next.order, f
		r.scan = scanner{
			src: f, base: next.seg.base, salt: next.seg.salt, off: next.off,
			window: r.scan.window[:0],
		}
		if !live {
			r.scan.last = next.first - 1
		}
	}
}

// limit returns the offset up to which the run may be read. The caller holds
// Journal.mu unless the run is not live.
func (r *run) limit() int64 {
	if r.live {
		return r.seg.size
	}
	return r.end
}

// unreadable handles a disk error at the reader's place. It returns nil if
// reading should go on, possibly at another place.
func (j *Journal) unreadable(r *reader, limit int64, err error) error {
	j.mu.Lock()
	cut := r.run.limit() < limit // a repair cut the file, and the records are in the next segment
	j.mu.Unlock()
	if cut {
		return nil
	}
	if r.failures++; r.failures < maxReadFailures {
		return err
	}
	j.giveUp(r.run.seg, limit-r.scan.off, err)
	r.failures, r.scan.off = 0, limit
	return nil
}

// interrupted hands out the records read before an error. The next read gets the
// error again.
func (j *Journal) interrupted(b Batch, h handout, err error) (Batch, error) {
	if b = j.handOut(b, h); len(b.Records) > 0 {
		return b, nil
	}
	return Batch{}, err
}

// handOut records a batch as handed out, unless there was a Rewind meanwhile.
func (j *Journal) handOut(b Batch, h handout) Batch {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := &j.reader
	if r.rewinds != j.rewinds {
		return Batch{}
	}
	if n := len(b.Records); n > 0 {
		h.end, h.records = b.End, n
		j.handouts = append(j.handouts, h)
		j.handed = max(j.handed, b.End)
		j.n.handed += uint64(n)
		j.n.undone += uint64(n)
		j.lastTaken = h.lastAt
	} else if r.sawAll > j.handed {
		j.handed = r.sawAll // the last records were found to be damaged
	}
	if j.handed >= j.written {
		j.n.readable = j.n.handed // lost records do not count as pending
	}
	return b
}

// arena copies small byte slices into a few large allocations.
type arena struct{ buf []byte }

func (a *arena) copy(p []byte, room int) []byte {
	if len(p) > cap(a.buf)-len(a.buf) {
		a.buf = make([]byte, 0, max(len(p), room))
	}
	n := len(a.buf)
	a.buf = append(a.buf, p...)
	return a.buf[n:len(a.buf):len(a.buf)]
}
