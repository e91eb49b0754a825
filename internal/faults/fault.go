package faults

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A fault breaks something for about the given time. When run returns, everything
// works again.
type fault struct {
	name string
	open func(*plan) (*world, error) // the world it happens in
	mix  *mix                        // what visitors do meanwhile; nil: the usual
	long string                      // text that is appended to the URLs they request
	cost price                       // the loss that it may cause by design
	more time.Duration               // how much longer than others it takes, because it sends a number of requests however long that takes
	run  func(w *world, length time.Duration) error
}

// settle is the time allowed for answers to requests that were sent before.
const settle = 500 * time.Millisecond

// while returns a run that breaks something for the whole time.
func while(begin, end func(*world) error) func(*world, time.Duration) error {
	return func(w *world, length time.Duration) error {
		if err := begin(w); err != nil {
			return err
		}
		time.Sleep(length)
		return end(w)
	}
}

// again returns a run that repeats something for the whole time.
func again(do func(*world) error) func(*world, time.Duration) error {
	return func(w *world, length time.Duration) error {
		for until := time.Now().Add(length); time.Now().Before(until); {
			if err := do(w); err != nil {
				return err
			}
		}
		return nil
	}
}

// A row is the result of one fault.
type row struct {
	name                             string
	acknowledged, unanswered, failed int
	asked, unavailable, sales, shed  int
	excused                          int
	toll                             toll
	added                            time.Duration
	backlog                          time.Duration
	findings                         findings
	calm, broken                     int // numbers of page views measured while nothing was broken, and while something was
}

// suffer runs a fault in a world and audits the world.
func (w *world) suffer(number int, f fault, length time.Duration) (row, error) {
	c := w.crowd
	r := row{name: f.name}
	if err := w.recovered(); err != nil {
		return r, fmt.Errorf("%s: before it: %w", f.name, err)
	}
	c.ledger.begin(number)
	claimed := w.claim()
	asked, unavailable, failed := c.asked.Load(), c.unavailable.Load(), c.failed.Load()
	ended, err := w.through(number, f, length, &r)
	if err != nil {
		return r, fmt.Errorf("%s: %w", f.name, err)
	}
	if r.failed = int(c.failed.Load() - failed); r.failed > 0 {
		c.register.report(unwell, f.name, fmt.Sprintf("%d pages were answered, but not with 200", r.failed))
	}
	undrained := w.drained(90 * time.Second)
	r.backlog = max(0, time.UnixMilli(w.behind.Load()).Sub(ended))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stored, err := w.read(ctx)
	if err != nil {
		return r, fmt.Errorf("%s: reading the archive: %w", f.name, err)
	}
	a := c.ledger.compare(stored)
	if undrained != nil {
		a.findings.add(unwell, f.name, undrained.Error())
	}
	r.excused = a.excuse(w.excused)
	r.toll = a.judge(f.cost, w.claim().since(claimed))
	for _, p := range w.processes {
		for _, line := range p.troubles() {
			a.findings.add(unwell, p.addr, line)
		}
	}
	if r.toll.declared+a.findings.count(lost)+a.findings.count(misdeclared) > 0 {
		for i, p := range w.processes {
			w.t.Logf("%s: what process %d counted in each life:%s", f.name, i+1, p.counters())
		}
	}
	for _, x := range append(a.findings, c.register.take()...) {
		if !w.seen[x] {
			w.seen[x] = true
			r.findings = append(r.findings, x)
		}
	}
	r.acknowledged, r.unanswered, r.sales = c.ledger.of(number)
	r.asked, r.unavailable = int(c.asked.Load()-asked), int(c.unavailable.Load()-unavailable)
	r.shed = w.load.takeShed()
	return r, nil
}

// through sends visitors before a fault, during it and after it, each for a part
// of the length. It returns when the fault was over.
func (w *world) through(number int, f fault, length time.Duration, r *row) (ended time.Time, err error) {
	c, usual := w.crowd, w.load.mix
	c.pages.take()
	w.load.start()
	defer func() {
		w.load.stop()
		w.load.use(usual)
		c.long.Store(nil)
	}()
	c.calm.Store(int64(2*number - 1))
	time.Sleep(length / 5)
	c.calm.Store(0)
	calm := c.pages.take()
	if f.mix != nil {
		w.load.use(*f.mix)
		time.Sleep(settle)
	}
	c.long.Store(&f.long)
	if err := f.run(w, length*11/20); err != nil {
		return ended, err
	}
	broken := c.pages.take()
	ended = time.Now()
	if err := w.recovered(); err != nil {
		c.register.report(unwell, f.name, err.Error())
	} else {
		c.calm.Store(int64(2 * number))
	}
	time.Sleep(length / 4)
	c.calm.Store(0)
	w.replayDead()
	r.calm, r.broken = len(calm), len(broken)
	r.added = max(0, p99(broken)-p99(calm))
	return ended, nil
}

// take returns the latencies added since its last call.
func (l *latencies) take() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := l.times
	l.times = nil
	return times
}

func p99(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(len(times)-1, len(times)*99/100)]
}
