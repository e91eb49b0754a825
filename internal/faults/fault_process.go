package faults

import (
	"fmt"
	"time"
)

// killed is kill -9 at a random moment, also of a process that is only just
// starting.
var killed = fault{name: "kill -9 and restart, again and again", open: localWorld, run: again(func(w *world) error {
	p := w.anyProcess()
	w.pause(100*time.Millisecond, 1500*time.Millisecond)
	p.kill()
	for range w.random.IntN(3) { // in quick succession
		if err := p.launch(); err != nil {
			return err
		}
		w.pause(0, 80*time.Millisecond)
		p.kill()
	}
	if w.random.IntN(2) == 0 {
		w.pause(0, 300*time.Millisecond)
	}
	return p.start()
})}

var terminated = fault{name: "SIGTERM and restart, again and again", open: localWorld, run: again(func(w *world) error {
	w.pause(200*time.Millisecond, 1500*time.Millisecond)
	return w.restart(w.anyProcess())
})}

// rolled is how a new version is brought in.
var rolled = fault{name: "rolling restart with SIGTERM", open: sharedWorld, run: again(func(w *world) error {
	for _, p := range w.processes {
		if err := w.restart(p); err != nil {
			return err
		}
		w.pause(500*time.Millisecond, time.Second)
	}
	return nil
})}

var instanceKilled = fault{name: "an instance killed with -9 and restarted", open: sharedWorld, run: again(func(w *world) error {
	p := w.anyProcess()
	w.pause(100*time.Millisecond, time.Second)
	p.kill()
	w.pause(0, 2*time.Second)
	return p.start()
})}

func (w *world) anyProcess() *process { return w.processes[w.random.IntN(len(w.processes))] }

// restart ends a process as a deployment does: what its journal held has to be in
// the archive then.
func (w *world) restart(p *process) error {
	if err := p.stop(); err != nil {
		return err
	}
	for _, segment := range p.segments() {
		if n := size(segment); n > 0 {
			w.crowd.register.report(unwell, segment, fmt.Sprintf("%d bytes are left in the journal after SIGTERM", n))
		}
	}
	return p.start()
}
