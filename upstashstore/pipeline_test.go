package upstashstore

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A wire stands for a service that takes one second to answer.
type wire struct {
	mu      sync.Mutex
	batches [][]command
	fail    error
}

func (w *wire) send(ctx context.Context, commands []command) ([]reply, error) {
	w.mu.Lock()
	w.batches = append(w.batches, commands)
	w.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	replies := make([]reply, len(commands))
	for i, c := range commands {
		if replies[i].value = string(c.json); string(c.json) == "poison" {
			replies[i] = reply{err: errors.New("poisoned")}
		}
	}
	return replies, w.fail
}

func (w *wire) sizes() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var sizes []int
	for _, b := range w.batches {
		sizes = append(sizes, len(b))
	}
	return sizes
}

func patient(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestPipelineGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * gatherTime) // the last request sees that nothing waits
		w := &wire{}
		p := &pipeline{send: w.send}
		began := time.Now()
		var wg sync.WaitGroup
		run := func(text string) {
			wg.Go(func() {
				v, err := p.do(patient(t, 10*time.Second), command{json: []byte(text)})
				if text == "poison" {
					if err == nil {
						t.Error("a command that failed did not")
					}
				} else if err != nil || v != text {
					t.Errorf("%s = %v, %v", text, v, err)
				}
			})
		}
		run("first")
		time.Sleep(2 * gatherTime)
		for i := range maxBatch - 2 {
			run(strconv.Itoa(i))
		}
		run("poison")
		wg.Wait()
		if s := w.sizes(); len(s) != 2 || s[0] != 1 || s[1] != maxBatch-1 || time.Since(began) != 2*(time.Second+gatherTime) {
			t.Errorf("batches of %v in %v, want one alone and then all that came meanwhile", s, time.Since(began))
		}
	})
}

func TestPipelineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * gatherTime) // the last request sees that nothing waits
		w := &wire{}
		p := &pipeline{send: w.send}
		var wg sync.WaitGroup
		long := []byte(strings.Repeat("x", maxBatchBytes/4))
		for i := range 5 * maxBatch {
			wg.Go(func() {
				cmd := command{json: []byte("short")}
				if i%maxBatch == 0 {
					cmd.json = long
				}
				if i == 7 {
					cmd.json = []byte(strings.Repeat("y", 2*maxBatchBytes)) // goes alone
				}
				if _, err := p.do(patient(t, 10*time.Second), cmd); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(2 * gatherTime)
		synctest.Wait()
		if flights, _, _ := left(p); flights > maxFlights || flights < 2 {
			t.Errorf("%d requests under way at once, want 2 to %d when full batches wait", flights, maxFlights)
		}
		wg.Wait()
		time.Sleep(2 * gatherTime)
		synctest.Wait()
		if flights, bytes, calls := left(p); flights != 0 || bytes != 0 || calls != 0 {
			t.Errorf("left over: %d flights, %d bytes, %d calls", flights, bytes, calls)
		}
		for _, b := range w.batches {
			size := 0
			for _, c := range b {
				size += len(c.json)
			}
			if len(b) > maxBatch || size > maxBatchBytes && len(b) > 1 {
				t.Errorf("a batch of %d commands and %d bytes", len(b), size)
			}
		}
	})
}

func left(p *pipeline) (flights, bytes, calls int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flights, p.bytes, len(p.waiting)
}

func TestPipelineCallersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * gatherTime) // the last request sees that nothing waits
		w := &wire{}
		p := &pipeline{send: w.send}
		var wg sync.WaitGroup
		run := func(text string, leaves time.Duration, want error) {
			wg.Go(func() {
				began := time.Now()
				ctx, cancel := context.WithCancel(patient(t, 5*time.Second))
				defer time.AfterFunc(leaves, cancel).Stop()
				_, err := p.do(ctx, command{json: []byte(text)})
				if !errors.Is(err, want) || time.Since(began) > leaves {
					t.Errorf("%s: %v after %v, want %v within %v", text, err, time.Since(began), want, leaves)
				}
			})
			time.Sleep(2 * gatherTime)
		}
		began := time.Now()
		run("impatient, under way", 100*time.Millisecond, context.Canceled)
		time.Sleep(50 * time.Millisecond)
		run("impatient, waiting", 10*time.Millisecond, context.Canceled)
		run("patient", 5*time.Second, nil)
		wg.Wait()
		synctest.Wait()
		if took := time.Since(began); took > 1500*time.Millisecond {
			t.Errorf("%v: the first request ends with its only caller, not a second after", took)
		}
		if s := w.sizes(); len(s) != 2 || s[1] != 1 || string(w.batches[1][0].json) != "patient" {
			t.Errorf("batches of %v: who left before is not sent", s)
		}
		run("first", 5*time.Second, nil)
		run("leaves", 1500*time.Millisecond, context.Canceled)
		run("stays", 5*time.Second, nil)
		wg.Wait()
		if _, err := p.do(canceled(t), command{}); !errors.Is(err, context.Canceled) || len(w.sizes()) != 4 {
			t.Errorf("a context that is done: %v, %v requests", err, w.sizes())
		}
	})
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestPipelineFailsAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * gatherTime) // the last request sees that nothing waits
		w := &wire{fail: errors.New("no network")}
		p := &pipeline{send: w.send}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := p.do(patient(t, 10*time.Second), command{}); !errors.Is(err, w.fail) {
					t.Errorf("%v, want the error of the request", err)
				}
			})
		}
		wg.Wait()
	})
}
