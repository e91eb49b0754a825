package faults

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"
)

// journalFull is a journal at its cap. Visitors only look at pages, so that each
// fact that is refused is one page view, and the counters have to say how many.
var journalFull = fault{name: "journal at its cap", open: smallJournalWorld, mix: &pagesOnly, long: "&long=" + strings.Repeat("x", 1500),
	run: func(w *world, length time.Duration) error {
		release, err := lockSQLite(w.processes[0].dataDir)
		if err != nil {
			return err
		}
		time.Sleep(length)
		if err := release(); err != nil {
			return err
		}
		if n := w.processes[0].counter("journal_refused"); n == 0 {
			return fmt.Errorf("the journal was never full: the fault did not happen")
		}
		return nil
	}}

// tornTail and flippedTail are a machine that went down in the middle of a write:
// what may be missing is what stood in the bytes that are gone.
var (
	tornTail    = fault{name: "kill -9, the journal's last bytes cut off", open: localWorld, mix: &pagesOnly, run: again(damage(cutTail))}
	flippedTail = fault{name: "kill -9, bits flipped in the journal's last bytes", open: localWorld, mix: &pagesOnly, run: again(damage(flipTail))}
)

func damage(do func(w *world, content []byte) (damaged []byte, from int)) func(*world) error {
	return func(w *world) error {
		p := w.processes[0]
		release, err := lockSQLite(p.dataDir) // so that there is something in the journal
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
		damaged, from := do(w, content)
		for _, mark := range marksFrom(content, from) {
			w.excused[mark] = true
		}
		if err := os.WriteFile(last, damaged, 0o600); err != nil {
			return err
		}
		if err := p.start(); err != nil {
			return err
		}
		return nil
	}
}

func cutTail(w *world, content []byte) ([]byte, int) {
	n := len(content) - 1 - w.random.IntN(min(400, len(content)/2))
	return content[:n], n
}

func flipTail(w *world, content []byte) ([]byte, int) {
	damaged, first := bytes.Clone(content), len(content)
	for range 1 + w.random.IntN(3) {
		at := len(content) - 1 - w.random.IntN(min(400, len(content)/2))
		damaged[at] ^= 1 << w.random.IntN(8)
		first = min(first, at)
	}
	return damaged, first
}

// marksFrom lists the marks of the records that bytes from a place on belong to.
// A mark stands in the middle of its record: the one before the place may be of
// the record that was hit, or of the one before that.
func marksFrom(content []byte, from int) (marks []string) {
	begin := max(0, bytes.LastIndex(content[:from], []byte("mark=")))
	for rest := content[begin:]; ; {
		_, after, found := bytes.Cut(rest, []byte("mark="))
		if !found {
			return marks
		}
		end := bytes.IndexFunc(after, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefm-", r) })
		if end < 0 {
			end = len(after)
		}
		marks = append(marks, string(after[:end]))
		rest = after[end:]
	}
}
