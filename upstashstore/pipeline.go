package upstashstore

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A request takes 5 to 50 ms. Commands that arrive while one is under way wait
// until it ends and go together in the next. A second request is sent beside the
// first only when a full batch is waiting, so a request that hangs delays few
// commands. Before a request is sent it waits a moment for the callers whom the
// last one answered, because they often have their next command ready.
const (
	gatherTime    = time.Millisecond
	maxBatch      = 64
	maxBatchBytes = 512 << 10
	maxFlights    = 4
)

// A pipeline groups commands that are repeatable and whose order does not matter.
type pipeline struct {
	send func(ctx context.Context, commands []command) ([]reply, error)

	mu      sync.Mutex
	waiting []*call
	bytes   int // of the commands that wait
	flights int
}

type call struct {
	command
	deadline time.Time
	done     chan reply
	batch    *batch // nil while the call waits
}

// A batch is cancelled when none of its callers waits for it any more.
type batch struct {
	callers int
	cancel  context.CancelFunc
}

// do runs a command, alone or together with others. ctx must have a deadline. If
// ctx ends first, the command may still take effect.
func (p *pipeline) do(ctx context.Context, cmd command) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := &call{command: cmd, done: make(chan reply, 1)}
	c.deadline, _ = ctx.Deadline()
	p.mu.Lock()
	p.waiting = append(p.waiting, c)
	p.bytes += len(cmd.json)
	full := len(p.waiting) >= maxBatch || p.bytes >= maxBatchBytes
	if p.flights == 0 || full && p.flights < maxFlights {
		p.flights++
		go p.fly()
	}
	p.mu.Unlock()
	select {
	case r := <-c.done:
		return r.value, r.err
	case <-ctx.Done():
		p.leave(c)
		return nil, ctx.Err()
	}
}

// leave removes a call whose caller no longer waits.
func (p *pipeline) leave(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.batch != nil {
		if c.batch.callers--; c.batch.callers == 0 {
			c.batch.cancel()
		}
	} else if i := slices.Index(p.waiting, c); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.bytes -= len(c.json)
	}
}

// fly sends batches until no command waits.
func (p *pipeline) fly() {
	for {
		time.Sleep(gatherTime)
		ctx, cancel, calls := p.next()
		if calls == nil {
			return
		}
		commands := make([]command, len(calls))
		for i, c := range calls {
			commands[i] = c.command
		}
		replies, err := p.send(ctx, commands)
		cancel()
		for i, c := range calls {
			if err != nil {
				c.done <- reply{err: err}
			} else {
				c.done <- replies[i]
			}
		}
	}
}

// next returns the next batch. It has at least one command, however long that is.
// Its deadline is the latest among its callers'.
func (p *pipeline) next() (context.Context, context.CancelFunc, []*call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, size := 0, 0
	for n < len(p.waiting) && n < maxBatch && (n == 0 || size+len(p.waiting[n].json) <= maxBatchBytes) {
		size += len(p.waiting[n].json)
		n++
	}
	if n == 0 {
		p.flights--
		return nil, nil, nil
	}
	calls := slices.Clone(p.waiting[:n])
	p.waiting = slices.Delete(p.waiting, 0, n)
	p.bytes -= size
	latest := calls[0].deadline
	for _, c := range calls {
		if c.deadline.After(latest) {
			latest = c.deadline
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), latest)
	b := &batch{callers: n, cancel: cancel}
	for _, c := range calls {
		c.batch = b
	}
	return ctx, cancel, calls
}
