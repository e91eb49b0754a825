package engine

import (
	"slices"

	"github.com/footfall-go/footfall/report"
)

// A selection says which visits of a segment fulfil all conditions of a question. The zero
// selection has all of them.
type selection struct {
	is   []uint8  // 1 for each visit that is selected; nil: all are
	rows []uint32 // those that are selected, in order
}

func (s selection) has(row int) bool { return s.is == nil || s.is[row] != 0 }

// choose applies the conditions to all visits of a segment, whenever they began.
func choose(s *segment, conditions []report.Condition) selection {
	if len(conditions) == 0 {
		return selection{}
	}
	chosen := selection{is: slices.Repeat([]uint8{1}, s.visits())}
	for i := range conditions {
		c := &conditions[i]
		switch c.Dimension {
		case report.Page:
			chosen.several(s, c, &s.page, s.isView)
		case report.Product:
			chosen.several(s, c, &s.product, nil)
		default:
			chosen.one(c, s.column(c.Dimension))
		}
	}
	for row, is := range chosen.is {
		if is != 0 {
			chosen.rows = append(chosen.rows, uint32(row)) //nolint:gosec // fits
		}
	}
	return chosen
}

// decide decides a condition once for each text of a column. not says that the visits that
// do not fulfil what was decided are meant.
func decide(c *report.Condition, texts []string) (holds []uint8, not uint8) {
	holds = make([]uint8, len(texts))
	for code, text := range texts {
		if c.Holds(text) {
			holds[code] = 1
		}
	}
	if c.Operator == report.Not {
		not = 1
	}
	return holds, not
}

// one applies a condition on a dimension of which a visit has one value.
func (s *selection) one(c *report.Condition, of *column) {
	holds, not := decide(c, of.texts)
	for code := range holds {
		holds[code] ^= not
	}
	switch {
	case of.bytes != nil:
		keep(s.is, of.bytes, holds)
	case of.shorts != nil:
		keep(s.is, of.shorts, holds)
	default:
		keep(s.is, of.ints, holds)
	}
}

func keep[C uint8 | uint16 | uint32](is []uint8, codes []C, holds []uint8) {
	for row, code := range codes {
		is[row] &= holds[code]
	}
}

// several applies a condition on a dimension of which a visit may have several values, each
// at an event for which counts says so. A visit without any has the value unknown.
func (s *selection) several(seg *segment, c *report.Condition, of *column, counts []bool) {
	holds, not := decide(c, of.texts)
	for row := range s.is {
		if s.is[row] == 0 {
			continue
		}
		var one, any uint8
		for e := seg.firstEvent[row]; e < seg.firstEvent[row+1]; e++ {
			code := of.at(int(e))
			if counts == nil && code == 0 || counts != nil && !counts[e] {
				continue
			}
			any = 1
			one |= holds[code]
		}
		if any == 0 {
			one = holds[0]
		}
		s.is[row] = one ^ not
	}
}

// noVisit reports whether an order whose visit is not known is selected: of each dimension
// it has none.
func noVisit(conditions []report.Condition) bool {
	for i := range conditions {
		c := &conditions[i]
		if c.Holds("") == (c.Operator == report.Not) {
			return false
		}
	}
	return true
}
