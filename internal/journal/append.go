package journal

import (
	"errors"
	"fmt"
	"time"
)

// Append writes tracking facts, in the order given, and returns the Position of
// the last. The records are copied. When it returns nil they are the kernel's,
// so the death of the process does not lose them; with [SyncAlways] they are
// fsynced.
//
// It waits at most [Options.Stall] and then returns [ErrStalled], as do at once
// all further calls until the disk answers again: their records wait in memory,
// as far as there is room, and are written then. It returns [ErrFull] past 90 %
// of the cap or of that room, [ErrTooLarge], [ErrClosed], or the disk's error.
// After any error none of the records is acknowledged; with ErrStalled the
// Position is theirs all the same.
func (j *Journal) Append(records ...[]byte) (Position, error) {
	return j.put(records, tracking)
}

// Commit writes control facts: it returns nil only after an fsync, whatever
// [Options.Sync] says, may use the last 10 % of the cap, and waits for up to 2 s.
// Everything appended before it, and written, is then synced as well, except
// with [SyncNever]. Otherwise it is as Append.
func (j *Journal) Commit(records ...[]byte) (Position, error) {
	return j.put(records, control)
}

type kind uint8

const (
	tracking kind = iota
	control
)

// batch is what the writer writes at once. There are two: while one is written
// the other fills. Guarded by Journal.mu, except that buf is the writer's while
// the batch is in flight.
type batch struct {
	buf     []byte
	first   Position
	last    Position
	records int
	born    time.Time // when the first of them came
	sync    bool      // somebody waits for fsync
	waiters []*waiter
}

func (b *batch) reset() {
	if cap(b.buf) > 1<<20 { // after a burst
		b.buf = nil
	}
	clear(b.waiters)
	*b = batch{buf: b.buf[:0], waiters: b.waiters[:0]}
}

// waiter is a call that waits. It is sent exactly one answer, by whoever takes
// it off its list, under Journal.mu or after taking it off.
type waiter struct {
	answer   chan error // capacity 1: answering never blocks
	kind     kind
	records  int
	last     Position
	deadline time.Time
}

func newWaiter() any { return &waiter{answer: make(chan error, 1)} }

func (j *Journal) put(records [][]byte, k kind) (Position, error) {
	var few [8]uint32 // most calls have one record: no allocation
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
	wait, err := j.admit(k, size, len(records))
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
	b.sync = b.sync || k == control || j.o.Sync == SyncAlways
	pos := b.last
	if !wait {
		j.n.stalled += uint64(len(records))
		j.mu.Unlock()
		j.waiters.Put(w)
		return pos, ErrStalled
	}
	w.kind, w.records, w.last, w.deadline = k, len(records), b.last, b.born.Add(j.limit(k))
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

// admit says whether a call may join the pending batch, and wait for it. j.mu is
// held.
func (j *Journal) admit(k kind, size, records int) (wait bool, err error) {
	room := j.o.MaxBytes
	if k == tracking {
		room -= room / 10
	}
	held := j.bytes + int64(len(j.pending.buf))
	if j.inflight != nil {
		held += int64(len(j.inflight.buf))
	}
	switch {
	case j.sealed:
		return false, ErrClosed
	case held+int64(size) > room, len(j.pending.buf) > 0 && len(j.pending.buf)+size > maxPending:
		j.n.refused += uint64(records)
		return false, ErrFull
	case j.stalled[k] && k == control: // who is told that it failed may take it as undone
		j.n.stalled += uint64(records)
		return false, ErrStalled
	}
	return !j.stalled[k], nil
}

// watch is the watchdog: one timer for all waiters, set for the earliest
// deadline there was when it was set. It answers those whose time is up.
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
			if j.stalled[w.kind] { // those with time left would wait for the same disk
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
