package journal

import "slices"

// findGaps counts the places where records are missing between the segments that an
// earlier Open left. The number in a segment's name is one more than the last that was
// written before it, and segments are deleted oldest first; so each begins where what
// comes before it ends, unless a file was emptied, cut or taken away. What was before the
// oldest cannot be known. A segment without a byte is such a place too: only a process
// that is killed as it makes one leaves that.
func (j *Journal) findGaps() {
	segments := slices.Clone(j.segments)
	slices.SortStableFunc(segments, func(a, b *segment) int {
		if a.base < b.base {
			return -1
		} else if a.base > b.base {
			return 1
		}
		return 0
	})
	var end Position // of what was read so far
	gap := func(s *segment, missing Position, says string) {
		j.n.gaps++
		j.n.missing += uint64(missing)
		j.log.Error("journal: records are missing; the rest is used", "before", s.name, "records_at_most", uint64(missing), "reason", says)
	}
	var reserved []*run
	for _, r := range j.runs {
		if r.seg == j.reserve.seg {
			reserved = append(reserved, r)
		}
	}
	for i, s := range segments {
		for _, r := range reserved { // a part of the reserve joins two segments
			if r.first <= s.base && r.last > end && i > 0 {
				end = max(end, min(r.last, s.base-1))
			}
		}
		if i > 0 && s.base-1 > end {
			gap(s, s.base-1-end, "the segment before it is missing, or was cut or emptied")
		}
		end = max(end, s.last, s.base-1)
	}
	highest := Position(0)
	for _, r := range j.runs {
		highest = max(highest, r.last)
	}
	if n := len(segments); n > 0 {
		if s := segments[n-1]; s.bytes == 0 && !s.unread && s.base > highest {
			gap(s, 0, "the segment is empty: it was emptied, or the process was killed as it made it")
		}
	}
}
