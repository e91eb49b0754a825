// Package turn keeps long work going beside thousands of goroutines that answer requests.
//
// It owns how long work that takes many milliseconds of CPU runs at a stretch. The
// scheduler interrupts a goroutine after 10 ms and puts it behind all that can run: beside
// 1,200 connections it then waits for hundreds of milliseconds, and gets 10 ms of each
// half a second. One that waits for a moment by itself, before that, is the next to run
// when the moment is over. It never takes a processor from requests for longer than that.
package turn

import "time"

const (
	stretch = 4 * time.Millisecond   // of work
	pause   = 100 * time.Microsecond // for whoever can run meanwhile: without another the stretch would count as going on
)

// A Turn is that of one goroutine. The zero value is ready for use.
type Turn struct{ began time.Time }

// Keep pauses if the goroutine has worked for long enough. It is called often, between
// pieces of work of less than some milliseconds.
func (t *Turn) Keep() {
	if time.Since(t.began) >= stretch {
		time.Sleep(pause)
		t.began = time.Now()
	}
}
