package faults

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"
)

// journalFull fills the journal to its cap. Visitors only request pages, so each
// refused fact is one page view, and the counters have to state how many.
var journalFull = fault{name: "journal at its cap", open: smallJournalWorld, mix: &pagesOnly, cost: noRoom, long: "&long=" + strings.Repeat("x", 1500),
	run: func(w *world, length time.Duration) error {
		release, err := lockSQLite(w.processes[0].dataDir)
		if err != nil {
			return err
		}
		time.Sleep(length)
		for range 120 { // a short run does not fill it in that time
			if w.processes[0].counter("journal_refused") > 0 {
				break
			}
			time.Sleep(time.Second)
		}
		if err := release(); err != nil {
			return err
		}
		if n := w.processes[0].counter("journal_refused"); n == 0 {
			return fmt.Errorf("the journal was never full: the fault did not happen")
		}
		return nil
	}}

// tornTail and flippedTail act like a machine that crashed in the middle of a
// write. Only what was in the damaged bytes may be missing.
var (
	tornTail    = fault{name: "kill -9, the journal's last bytes cut off", open: localWorld, mix: &pagesOnly, run: again(damage(cutTail))}
	flippedTail = fault{name: "kill -9, bits flipped in the journal's last bytes", open: localWorld, mix: &pagesOnly, run: again(damage(flipTail))}
)

func damage(do func(w *world, content []byte) (damaged []byte)) func(*world) error {
	return func(w *world) error {
		p := w.processes[0]
		release, err := lockSQLite(p.dataDir) // so that the journal is not empty
		if err != nil {
			return err
		}
		w.pause(time.Second, 2*time.Second)
		p.kill()
		if err := release(); err != nil {
			return err
		}
		segments := p.segments()
		if len(segments) == 0 {
			return fmt.Errorf("the journal is empty: the fault did not happen")
		}
		last := segments[len(segments)-1]
		content, err := os.ReadFile(last)
		if err != nil {
			return err
		}
		damaged := do(w, content)
		marks, records, err := damagedMarks(content, damaged)
		if err != nil {
			return fmt.Errorf("%s: %w", last, err)
		}
		for _, mark := range marks {
			w.excused[mark] = true
		}
		w.crowd.register.doubtNamed(records) // the stores do not know a session whose SessionBegun is gone
		if err := os.WriteFile(last, damaged, 0o600); err != nil {
			return err
		}
		if err := p.start(); err != nil {
			return err
		}
		return nil
	}
}

func cutTail(w *world, content []byte) []byte {
	n := len(content) - 1 - w.random.IntN(min(400, len(content)/2))
	return content[:n]
}

func flipTail(w *world, content []byte) []byte {
	damaged := bytes.Clone(content)
	for range 1 + w.random.IntN(3) {
		at := len(content) - 1 - w.random.IntN(min(400, len(content)/2))
		damaged[at] ^= 1 << w.random.IntN(8)
	}
	return damaged
}
