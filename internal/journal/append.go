package journal

import (
	"errors"
	"fmt"
	"time"
)

// Append writes tracking facts in the order given and returns the Position of the
// last. It copies the records. When it returns nil, the records are in the
// kernel's hands, so they survive the death of the process; with [SyncAlways]
// they are fsynced.
//
// Append waits at most [Options.Stall] and then returns [ErrStalled]. Until the
// disk answers again, all further calls return ErrStalled at once. Their records
// wait in memory as far as there is room, and are written when the disk answers.
// Append returns [ErrFull] when 90 % of the cap or that room are used up,
// [ErrTooLarge], [ErrClosed], or the disk's error. After any error none of the
// records is acknowledged; with ErrStalled the Position is valid nevertheless.
func (j *Journal) Append(records ...[]byte) (Position, error) {
	return j.put(records, tracking, noReserve)
}

// Commit writes control facts. It returns nil only after an fsync, whatever
// [Options.Sync] is, may use the last 10 % of the cap, and waits for up to 2 s.
// The fsync includes everything that was written before, except with [SyncNever].
// In all other respects Commit is like Append. If the disk, or the journal, is full, the
// records go to the reserve.
func (j *Journal) Commit(records ...[]byte) (Position, error) {
	return j.put(records, control, wholeReserve)
}

// CommitMost is Commit for records of which there may be many, such as orders: they leave
// the last quarter of the reserve to those of Commit.
func (j *Journal) CommitMost(records ...[]byte) (Position, error) {
	return j.put(records, control, mostOfReserve)
}

// CommitUnreserved is Commit for records that the journal has handed out, and for those that
// strangers can cause as often as they like: they never use the reserve.
func (j *Journal) CommitUnreserved(records ...[]byte) (Position, error) {
	return j.put(records, control, noReserve)
}

type kind uint8

const (
	tracking kind = iota
	control
)

// batch is what the writer writes at once. There are two: while one is written,
// calls fill the other. Guarded by Journal.mu, except that buf belongs to the
// writer while the batch is in flight.
type batch struct {
	buf     []byte
	first   Position
	last    Position
	records int
	born    time.Time // when its first record was appended
	sync    bool      // some call waits for the fsync
	// beyondCap means that the journal has no room for the batch: it goes to the reserve,
	// as far as it may.
	beyondCap bool
	waiters   []*waiter
}

func (b *batch) reset() {
	if cap(b.buf) > 1<<20 { // grown by a burst: free the memory
		b.buf = nil
	}
	clear(b.waiters)
	*b = batch{buf: b.buf[:0], waiters: b.waiters[:0]}
}

// waiter is a call that waits for its answer. It gets exactly one, from whoever
// removes it from its list. That happens under Journal.mu; the answer may be sent
// after that.
type waiter struct {
	answer   chan error // has capacity 1, so answering never blocks
	kind     kind
	reserve  access // what of the reserve its records may use
	records  int
	last     Position
	deadline time.Time
}

func newWaiter() any { return &waiter{answer: make(chan error, 1)} }

// Last is the position of the latest record that the journal was given.
func (j *Journal) Last() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.assigned
}

func (j *Journal) put(records [][]byte, k kind, reserve access) (Position, error) {
	var few [8]uint32 // most calls have one record; then this needs no allocation
	sums, size := few[:0], 0
	for _, r := range records {
		if len(r) > MaxRecord {
			return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(r), MaxRecord)
		}
		size += headerSize + len(r)
		sums = append(sums, checksum(r))
	}
	if size > MaxCall {
		return 0, fmt.Errorf("%w: %d bytes in one call, at most %d", ErrTooLarge, size, MaxCall)
	}
	w := j.waiters.Get().(*waiter)

	j.mu.Lock()
	wait, beyond, err := j.admit(k, reserve, size, len(records))
	if err != nil || size == 0 {
		last := j.assigned
		j.mu.Unlock()
		j.waiters.Put(w)
		if err != nil {
			return 0, err
		}
		return last, nil
	}
	b := j.pending
	if b.records == 0 {
		b.born = time.Now()
		b.first = j.assigned + 1
		j.work.Signal()
	}
	at := b.born.UnixNano()
	for i, r := range records {
		j.assigned++
		b.buf = appendFrame(b.buf, j.assigned, at, sums[i], r)
	}
	b.last = j.assigned
	b.records += len(records)
	b.beyondCap = b.beyondCap || beyond
	b.sync = b.sync || k == control || j.o.Sync == SyncAlways
	pos := b.last
	if !wait {
		j.n.stalled += uint64(len(records))
		j.mu.Unlock()
		j.waiters.Put(w)
		return pos, ErrStalled
	}
	w.kind, w.reserve, w.records, w.last, w.deadline = k, reserve, len(records), b.last, b.born.Add(j.limit(k))
	b.waiters = append(b.waiters, w)
	if j.watchAt.IsZero() || w.deadline.Before(j.watchAt) {
		j.watchAt = w.deadline
		j.watchdog.Reset(time.Until(w.deadline))
	}
	j.mu.Unlock()

	err = <-w.answer
	j.waiters.Put(w)
	if err != nil && !errors.Is(err, ErrStalled) {
		return 0, err
	}
	return pos, err
}

func (j *Journal) limit(k kind) time.Duration {
	if k == control {
		return max(commitStall, j.o.Stall)
	}
	return j.o.Stall
}

// admit decides whether a call may add its records to the pending batch, and
// whether it waits for the write; beyond is true if only the reserve has room for them.
// The caller holds j.mu.
func (j *Journal) admit(k kind, reserve access, size, records int) (wait, beyond bool, err error) {
	room, waiting := j.o.MaxBytes, maxPending
	if k == tracking {
		room -= room / 10
		waiting -= forControl
	}
	held := j.bytes + int64(len(j.pending.buf))
	if j.inflight != nil {
		held += int64(len(j.inflight.buf))
	}
	switch {
	case j.sealed:
		return false, false, ErrClosed
	case reserve != noReserve && held+int64(size) > room && j.reserve.free(reserve) >= held-j.bytes+int64(size) && !j.stalled[k]:
		return true, true, nil
	case held+int64(size) > room, len(j.pending.buf) > 0 && len(j.pending.buf)+size > waiting:
		j.n.refused += uint64(records)
		return false, false, ErrFull
	case j.stalled[k] && k == control: // a caller that got an error may treat its facts as undone
		j.n.stalled += uint64(records)
		return false, false, ErrStalled
	}
	return !j.stalled[k], false, nil
}

// watch is the watchdog. It answers the waiters whose deadline has passed. One
// timer serves all waiters: it is set to the earliest deadline that was known
// when it was set.
func (j *Journal) watch() {
	j.mu.Lock()
	defer j.mu.Unlock()
	lists := []*[]*waiter{&j.pending.waiters, &j.syncing}
	if j.inflight != nil {
		lists = append(lists, &j.inflight.waiters)
	}
	now := time.Now()
	for _, l := range lists {
		for _, w := range *l {
			if !w.deadline.After(now) {
				j.stalled[w.kind] = true
			}
		}
	}
	var next time.Time
	for _, l := range lists {
		kept := (*l)[:0]
		for _, w := range *l {
			if j.stalled[w.kind] { // waiters with time left wait for the same disk
				j.n.stalled += uint64(w.records)
				w.answer <- ErrStalled
				continue
			}
			if next.IsZero() || w.deadline.Before(next) {
				next = w.deadline
			}
			kept = append(kept, w)
		}
		clear((*l)[len(kept):])
		*l = kept
	}
	if j.watchAt = next; !next.IsZero() {
		j.watchdog.Reset(next.Sub(now))
	}
}
