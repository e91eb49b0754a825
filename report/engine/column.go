package engine

import (
	"math"
	"strings"
)

// A column has a code for each row, as narrow as the greatest one allows. A code stands for a
// text, and 0 for the empty one, unknown.
type column struct {
	texts   []string // by code
	numbers []uint32 // of the texts, the same on every day, by code
	bytes   []uint8
	shorts  []uint16
	ints    []uint32
}

// at is the code of a row.
func (c *column) at(row int) uint32 {
	switch {
	case c.bytes != nil:
		return uint32(c.bytes[row])
	case c.shorts != nil:
		return uint32(c.shorts[row])
	}
	return c.ints[row]
}

// codes are the codes of a scan's visits; buffer is used for them.
func (s *scan) codes(c *column, buffer *[]uint32) []uint32 {
	all := (*buffer)[:0]
	switch {
	case c.bytes != nil:
		all = gather(all, s, c.bytes)
	case c.shorts != nil:
		all = gather(all, s, c.shorts)
	default:
		all = gather(all, s, c.ints)
	}
	*buffer = all
	return all
}

func gather[C uint8 | uint16 | uint32](all []uint32, s *scan, codes []C) []uint32 {
	if s.rows == nil {
		for _, code := range codes[s.first : s.first+s.n] {
			all = append(all, uint32(code))
		}
		return all
	}
	for _, row := range s.rows {
		all = append(all, uint32(codes[row]))
	}
	return all
}

// rows is how many rows the column has.
func (c *column) rows() int { return len(c.bytes) + len(c.shorts) + len(c.ints) }

// size is how many bytes the column takes, about. Its texts are the numbering's.
func (c *column) size() int { return 20*len(c.texts) + len(c.bytes) + 2*len(c.shorts) + 4*len(c.ints) }

// A dictionary gives codes to the texts of a day.
type dictionary struct {
	of      *numbering
	codes   map[uint32]uint32 // by number
	texts   []string
	numbers []uint32
	keys    map[string]uint32 // codes by the text that a key was made of, of some
	noted   int               // bytes of keys
}

// maxNoted is how many bytes the texts may have of which a dictionary remembers what key made:
// strangers can send any number that have the same key.
const maxNoted = 512 << 10

func newDictionary(of *numbering) *dictionary {
	return &dictionary{of: of, codes: map[uint32]uint32{0: 0}, texts: []string{""}, numbers: []uint32{0}, keys: map[string]uint32{"": 0}}
}

func asIs(s string) string { return s }

// code is the code of what key makes of a text.
func (d *dictionary) code(text string, key func(string) string) uint32 {
	if code, ok := d.keys[text]; ok {
		return code
	}
	number := d.of.of(key(text))
	code, ok := d.codes[number]
	if !ok {
		code = uint32(len(d.texts)) //nolint:gosec // a day has fewer events than that
		d.codes[number] = code
		d.texts, d.numbers = append(d.texts, d.of.texts[number]), append(d.numbers, number)
	}
	if d.noted += len(text) + 64; d.noted > maxNoted {
		d.keys, d.noted = map[string]uint32{"": 0}, 0
	}
	d.keys[strings.Clone(text)] = code
	return code
}

// column makes a column of codes.
func (d *dictionary) column(codes []uint32) column {
	c := column{texts: d.texts, numbers: d.numbers}
	switch n := len(d.texts); {
	case n <= math.MaxUint8+1:
		c.bytes = make([]uint8, len(codes))
		for i, code := range codes {
			c.bytes[i] = uint8(code) //nolint:gosec // fits
		}
	case n <= math.MaxUint16+1:
		c.shorts = make([]uint16, len(codes))
		for i, code := range codes {
			c.shorts[i] = uint16(code) //nolint:gosec // fits
		}
	default:
		c.ints = codes
	}
	return c
}

// text is the text of a row.
func (c *column) text(row int) string { return c.texts[c.at(row)] }
