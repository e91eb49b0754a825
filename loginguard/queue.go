package loginguard

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A queue lets a bounded number of checks run at once. Known devices and strangers wait
// in lines of their own, which take turns, so that neither keeps the other out. In a full
// line somebody of whom fewer wait takes the place of one of whom more do: otherwise whoever
// comes again and again, with passwords that are right, would have all places.
type queue struct {
	length int
	wait   time.Duration

	mu    sync.Mutex
	free  int
	lines [2][]*waiter // of strangers, of known devices
	turn  int          // the line that comes first when a check ends
}

// A waiter is a check that waits. What is not its channel is guarded by the queue's mu.
type waiter struct {
	whose   key           // who shares the places of a line: see [attempt]
	called  chan struct{} // closed when it may run, or has lost its place
	crowded bool          // it has lost its place
}

func newQueue(checks, length int, wait time.Duration) *queue {
	return &queue{length: length, wait: wait, free: checks, turn: 1}
}

func lineOf(known bool) int {
	if known {
		return 1
	}
	return 0
}

// refuses reports whether enter would return ErrBusy at once.
func (q *queue) refuses(known bool, whose key) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	line := lineOf(known)
	return q.free == 0 && len(q.lines[line]) >= q.length && q.crowdedBy(line, whose) < 0
}

// crowdedBy returns the waiter in a full line whose place a newcomer takes: the last one of
// those of whom most wait, if these are more than the newcomer's with the newcomer. It
// returns -1 if there is none. q.mu is held.
func (q *queue) crowdedBy(line int, newcomer key) (i int) {
	of := make(map[key]int, q.length)
	for _, w := range q.lines[line] {
		of[w.whose]++
	}
	i = -1
	most := of[newcomer] + 1
	for at, w := range q.lines[line] {
		if n := of[w.whose]; n > most || i >= 0 && n == most {
			i, most = at, n
		}
	}
	return i
}

// enter waits until a check may run; leave must be called after it. It returns ErrBusy if
// the line is full, the wait was too long or others of whom fewer wait came, and ctx's
// error if ctx is done.
func (q *queue) enter(ctx context.Context, known bool, whose key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	line := lineOf(known)
	q.mu.Lock()
	if q.free > 0 { // then nobody waits
		q.free--
		q.mu.Unlock()
		return nil
	}
	if len(q.lines[line]) >= q.length {
		i := q.crowdedBy(line, whose)
		if i < 0 {
			q.mu.Unlock()
			return ErrBusy
		}
		other := q.lines[line][i]
		other.crowded = true
		close(other.called)
		q.lines[line] = slices.Delete(q.lines[line], i, i+1)
	}
	mine := &waiter{whose: whose, called: make(chan struct{})}
	q.lines[line] = append(q.lines[line], mine)
	q.mu.Unlock()

	timer := time.NewTimer(q.wait)
	defer timer.Stop()
	err := ErrBusy
	select {
	case <-mine.called:
		if q.hasLost(mine) {
			return ErrBusy
		}
		if err := ctx.Err(); err != nil {
			q.leave()
			return err
		}
		return nil
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	q.mu.Lock()
	i := slices.Index(q.lines[line], mine)
	if i >= 0 {
		q.lines[line] = slices.Delete(q.lines[line], i, i+1)
	}
	crowded := mine.crowded
	q.mu.Unlock()
	if i < 0 && !crowded { // it became our turn at the same moment
		q.leave()
	}
	return err
}

func (q *queue) hasLost(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return w.crowded
}

// leave lets the next check run.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for range q.lines {
		line := &q.lines[q.turn]
		q.turn = 1 - q.turn
		if len(*line) > 0 {
			close((*line)[0].called)
			*line = slices.Delete(*line, 0, 1)
			return
		}
	}
	q.free++
}
