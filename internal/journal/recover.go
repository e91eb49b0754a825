package journal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// recover finds the segments in the directory and reads what is in them. It runs
// before everything else.
func (j *Journal) recover() error {
	entries, err := os.ReadDir(j.dir) // sorted by name, and so by first number
	if err != nil {
		return err
	}
	lines, _, err := countLines(filepath.Join(j.asideDir(), recordsName))
	if err != nil {
		return err
	}
	j.n.setAside = uint64(lines)
	var highest Position
	for _, e := range entries {
		base, salt, ok := parseSegmentName(e.Name())
		if !ok || e.IsDir() {
			continue
		}
		s := &segment{name: e.Name(), base: base, salt: salt, unsynced: -1, sealed: true}
		j.scan(s)
		j.segments = append(j.segments, s)
		j.bytes += s.bytes
		highest = max(highest, s.last, base-1)
	}
	j.findReserve()
	if s := j.reserve.seg; s != nil {
		highest = max(highest, s.last)
	}
	j.findGaps()
	// A damaged frame had a number too, which must not be used again. There were
	// fewer such frames than damaged bytes.
	j.assigned = highest + Position(j.n.damagedBytes)

	slices.SortStableFunc(j.runs, func(a, b *run) int {
		if a.first < b.first {
			return -1
		} else if a.first > b.first {
			return 1
		}
		return 0
	})
	for _, r := range j.runs {
		j.order += orderStep
		r.order = j.order
		if j.lastTaken == 0 {
			j.lastTaken = r.firstAt
		}
		if r.last > j.written {
			j.n.readable += uint64(r.last - max(r.first-1, j.written))
			j.written = r.last
		}
	}
	j.n.replay = j.n.readable
	if j.o.ReserveBytes > 0 || j.reserve.seg != nil {
		j.tendReserve()
	}
	return nil
}

// scan reads a segment of an earlier Open to its end and adds its runs.
func (j *Journal) scan(s *segment) {
	f, err := j.fs.open(j.path(s))
	if err != nil {
		s.unread = true
		j.giveUp(s, 0, err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		j.giveUp(s, 0, err)
		return
	}
	s.size, s.bytes = info.Size(), info.Size()

	var damage []span
	var at *run
	sc := scanner{src: f, base: s.base, salt: s.salt}
	for err == nil {
		var fr frame
		var start int64
		fr, start, err = sc.next(s.size)
		if err != nil && !errors.Is(err, io.EOF) {
			start = s.size // give up the rest
		}
		if start > sc.off {
			damage = append(damage, span{sc.off, start})
			at = nil
		}
		if err != nil {
			break
		}
		if at == nil || fr.seq != at.last+1 {
			at = &run{seg: s, off: start, first: fr.seq, firstAt: fr.at}
			j.runs = append(j.runs, at)
		}
		at.last, at.end, s.last = fr.seq, fr.end, fr.seq
		if j.o.Found != nil {
			j.o.Found(fr.seq, fr.payload)
		}
		sc.off, sc.last = fr.end, fr.seq
	}
	if s.inPlace {
		var trimErr error
		if damage, s.size, trimErr = trimReserve(f, damage, s.size); trimErr != nil {
			err = trimErr
		}
	}
	if len(damage) == 0 {
		return
	}
	// An earlier Open may have copied the same damage.
	copied := filepath.Join(j.asideDir(), strings.TrimSuffix(s.name, segmentSuffix)+damagedSuffix)
	if rerr := j.fs.remove(copied); rerr != nil && !errors.Is(rerr, os.ErrNotExist) {
		j.log.Warn("journal: cannot replace an earlier copy", "file", copied, "error", rerr)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	j.setAsideDamage(s, f, damage, err)
}
