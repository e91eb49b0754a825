package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

// killed kills the process with kill -9 at random moments, even while it is
// starting.
var killed = fault{name: "kill -9 and restart, again and again", open: localWorld, run: again(func(w *world) error {
	p := w.anyProcess()
	w.pause(100*time.Millisecond, 1500*time.Millisecond)
	p.kill()
	for range w.random.IntN(3) { // several times in quick succession
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

// rolled restarts the instances one after the other, like a deployment.
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

// killedBehind kills a process whose latest facts, including logins and logouts,
// are in its journal and not in the archive.
var killedBehind = fault{name: "kill -9 with a long journal", open: localWorld, run: func(w *world, length time.Duration) error {
	p := w.processes[0]
	release, err := lockSQLite(p.dataDir)
	if err != nil {
		return err
	}
	time.Sleep(length / 2)
	p.kill()
	if err := release(); err != nil {
		return err
	}
	err = p.start()
	w.replayDead()
	time.Sleep(length / 2)
	return err
}}

// frozen pauses a process for seconds, like a virtual machine. When it continues,
// all its time-outs have passed.
var (
	frozen         = fault{name: "process frozen for seconds", open: localWorld, run: again(freeze)}
	instanceFrozen = fault{name: "an instance frozen for seconds", open: sharedWorld, run: again(freeze)}
)

func freeze(w *world) error {
	p := w.anyProcess()
	w.pause(200*time.Millisecond, 500*time.Millisecond)
	if err := testserver.Pause(p.cmd.Process); err != nil {
		return err
	}
	w.pause(500*time.Millisecond, 3*time.Second)
	return testserver.Resume(p.cmd.Process)
}

// orphaned gives up an instance for good: its journal is drained elsewhere, and a
// new instance takes its place.
var orphaned = fault{name: "an instance lost, its journal drained elsewhere", open: sharedWorld, run: func(w *world, length time.Duration) error {
	p := w.processes[0]
	slow(w.toMongo, 250*time.Millisecond) // so that the journal is not empty
	time.Sleep(length / 3)
	p.kill()
	slow(w.toMongo, 0)
	waiting := int64(0)
	for _, segment := range p.segments() {
		waiting += size(segment)
	}
	if waiting == 0 {
		return errors.New("the journal is empty: the fault did not happen")
	}
	time.Sleep(length / 3)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	drain := exec.CommandContext(ctx, p.binary, "drain", p.dataDir)
	drain.Env = append(slices.Clone(p.env), "DATA_DIR="+filepath.Join(w.dir, "elsewhere"))
	if out, err := drain.CombinedOutput(); err != nil {
		return fmt.Errorf("footfall drain: %w\n%s", err, out)
	}
	if err := os.RemoveAll(p.dataDir); err != nil {
		return err
	}
	return p.start()
}}

func (w *world) anyProcess() *process { return w.processes[w.random.IntN(len(w.processes))] }

// restart ends a process like a deployment does. All facts in its journal have to
// be in the archive then.
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
