package faults

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

// clockJumps changes a machine's wall clock back and forth, as after a long sleep
// or by somebody who confuses time zones.
var clockJumps = fault{name: "clock an hour ahead, then an hour behind", open: skewedWorld, run: func(w *world, length time.Duration) error {
	for _, offset := range []time.Duration{time.Hour, 0, -time.Hour, 0} {
		if err := w.putClock(0, offset); err != nil {
			return err
		}
		time.Sleep(length / 4)
	}
	return nil
}}

// restartedInThePast starts a process while its clock is behind the times that it
// stored itself.
var restartedInThePast = fault{name: "kill -9, restarted with the clock an hour behind", open: skewedWorld, run: func(w *world, length time.Duration) error {
	p := w.processes[0]
	time.Sleep(length / 4)
	p.kill()
	if err := w.putClock(0, -time.Hour); err != nil {
		return err
	}
	if err := p.start(); err != nil {
		return err
	}
	time.Sleep(length / 2)
	return w.putClock(0, 0)
}}

// clocksApart runs two instances whose clocks are a minute apart.
var clocksApart = fault{name: "clocks 30 s ahead and 30 s behind", open: skewedSharedWorld, run: func(w *world, length time.Duration) error {
	for i, offset := range []time.Duration{30 * time.Second, -30 * time.Second} {
		if err := w.putClock(i, offset); err != nil {
			return err
		}
	}
	time.Sleep(length)
	return nil
}}

// clockYearsAhead starts a process once while its clock is three years ahead, which is
// longer than anything is kept. No visitor is there meanwhile: the cookies of all would
// be too old.
var clockYearsAhead = fault{name: "clock three years ahead at start", open: skewedWorld, more: 6 * time.Second, run: func(w *world, length time.Duration) error {
	p := w.processes[0]
	time.Sleep(length)
	w.load.stop()
	defer w.load.start()
	if err := p.stop(); err != nil {
		return err
	}
	if err := w.putClock(0, 3*365*24*time.Hour); err != nil {
		return err
	}
	if err := p.start(); err != nil {
		return err
	}
	const most = 15 * time.Second
	for until := time.Now().Add(most); p.counter("purged")+p.counter("retention_refused") == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			return fmt.Errorf("after %v nothing was deleted by age, and nothing was kept in spite of it: the fault did not happen", most)
		}
		p.poll()
	}
	time.Sleep(time.Second) // for what else it would delete
	if err := p.stop(); err != nil {
		return err
	}
	if err := w.putClock(0, 0); err != nil {
		return err
	}
	return p.start()
}}

// putClock sets the offset of a process's clock; it is in effect 50 ms later.
func (w *world) putClock(process int, offset time.Duration) error {
	whole := w.clocks[process] + ".new"
	if err := os.WriteFile(whole, []byte(strconv.Itoa(int(offset/time.Second))), 0o600); err != nil {
		return err
	}
	if err := os.Rename(whole, w.clocks[process]); err != nil {
		return err
	}
	time.Sleep(150 * time.Millisecond)
	resp, err := probe.Get("http://" + w.processes[process].addr + "/healthz")
	if err != nil {
		return nil // the process is not running
	}
	defer resp.Body.Close()
	shown, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return err
	}
	if off := time.Until(shown) - offset; off.Abs() > 3*time.Second {
		return fmt.Errorf("the clock is not off by %v: it says %v", offset, shown)
	}
	return nil
}

func skewedWorld(p *plan) (*world, error) {
	binary, err := p.skewed()
	if err != nil {
		return nil, err
	}
	return openLocal(p.t, binary, "", p.scale(p.local))
}

func skewedSharedWorld(p *plan) (*world, error) {
	binary, err := p.skewed()
	if err != nil {
		return nil, err
	}
	w, err := newShared(p.t, p.scale(p.shared), testserver.Redis(p.t))
	if err != nil {
		return nil, err
	}
	return w, w.openShared(binary)
}
