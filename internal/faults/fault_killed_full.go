package faults

import (
	"math/rand/v2"
	"time"
)

// killedFull kills a process whose disk is full, and starts it before there is space
// again. Whatever buyers were told must be there afterwards.
var killedFull = fault{name: "killed on a full disk", open: smallDiskWorld, cost: noRoom, more: 8 * time.Second, run: func(w *world, length time.Duration) error {
	p := w.processes[0]
	buyers := make([]*visitor, 60)
	for i := range buyers {
		buyers[i] = newVisitor(1<<21 + i)
		w.crowd.browse(buyers[i], w.random)
	}
	buy := func() {
		w.flood(8, len(buyers), func(n int, _ *rand.Rand) { w.crowd.buy(buyers[n], 5) })
	}
	issued := w.crowd.register.count()
	free, err := fill(w.dir)
	if err != nil {
		return err
	}
	buy()
	time.Sleep(length / 2)
	w.fellFull(issued)
	defer w.load.start()
	if err := p.start(); err != nil {
		w.crowd.register.report(unwell, p.addr, "it does not start while its disk is full: "+err.Error())
	} else {
		issued = w.crowd.register.count()
		w.load.start()
		buy()
		time.Sleep(length / 2)
		w.fellFull(issued)
	}
	if err := free(); err != nil {
		return err
	}
	return p.start()
}}

// fellFull kills the process. What sessions did while the disk was full may be lost, and
// with it their beginning or a first login: the cookies issued since may be nobody's.
// Nobody visits at that moment, so that all that was dropped is counted.
func (w *world) fellFull(issued int) {
	w.load.stop()
	w.processes[0].kill()
	w.crowd.register.doubtFrom(issued)
	w.load.forget()
}
