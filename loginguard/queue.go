package loginguard

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A queue lets a bounded number of checks run at once. Known devices and strangers wait
// in lines of their own, which take turns, so that neither keeps the other out.
type queue struct {
	length int
	wait   time.Duration

	mu    sync.Mutex
	free  int
	lines [2][]chan struct{} // of strangers, of known devices; whoever's channel is closed may run
	turn  int                // the line that comes first when a check ends
}

func newQueue(checks, length int, wait time.Duration) *queue {
	return &queue{length: length, wait: wait, free: checks, turn: 1}
}

// enter waits until a check may run; leave must be called after it. It returns ErrBusy if
// the line is full or the wait was too long, and ctx's error if ctx is done.
func (q *queue) enter(ctx context.Context, known bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	line := 0
	if known {
		line = 1
	}
	q.mu.Lock()
	if q.free > 0 { // then nobody waits
		q.free--
		q.mu.Unlock()
		return nil
	}
	if len(q.lines[line]) >= q.length {
		q.mu.Unlock()
		return ErrBusy
	}
	mine := make(chan struct{})
	q.lines[line] = append(q.lines[line], mine)
	q.mu.Unlock()

	timer := time.NewTimer(q.wait)
	defer timer.Stop()
	err := ErrBusy
	select {
	case <-mine:
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
	q.mu.Unlock()
	if i < 0 { // it became our turn at the same moment
		q.leave()
	}
	return err
}

// leave lets the next check run.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for range q.lines {
		line := &q.lines[q.turn]
		q.turn = 1 - q.turn
		if len(*line) > 0 {
			close((*line)[0])
			*line = slices.Delete(*line, 0, 1)
			return
		}
	}
	q.free++
}
