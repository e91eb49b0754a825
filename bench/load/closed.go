package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Closed makes that many requests as fast as the server answers: each visitor
// sends its next request when it has the answer to the last. With forget each
// request is a new visitor's. It returns how long all took.
func Closed(ctx context.Context, visitors []*Visitor, requests int, forget bool) (time.Duration, error) {
	var left atomic.Int64
	left.Store(int64(requests))
	failed := make(chan error, len(visitors))
	var running sync.WaitGroup
	began := time.Now()
	for _, v := range visitors {
		running.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				if err := v.Do(); err != nil {
					failed <- err
					return
				}
				if forget {
					v.Forget()
				}
			}
		})
	}
	running.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		return took, err
	default:
		return took, ctx.Err()
	}
}
