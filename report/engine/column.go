package engine

import "math"

// A column has a code for each row, as narrow as the greatest one allows. A code is a place
// in the column's dictionary of texts, which has the empty text, unknown, at 0.
type column struct {
	texts  []string
	bytes  []uint8
	shorts []uint16
	ints   []uint32
}

func (c *column) at(row int) uint32 {
	switch {
	case c.bytes != nil:
		return uint32(c.bytes[row])
	case c.shorts != nil:
		return uint32(c.shorts[row])
	}
	return c.ints[row]
}

func (c *column) text(row int) string { return c.texts[c.at(row)] }

// size is how many bytes the column takes, about.
func (c *column) size() (n int) {
	for _, t := range c.texts {
		n += len(t) + 16
	}
	return n + len(c.bytes) + 2*len(c.shorts) + 4*len(c.ints)
}

// A dictionary gives codes to texts.
type dictionary struct {
	codes map[string]uint32
	texts []string
	keys  map[string]uint32 // codes by the text that a key was made of
}

func newDictionary() *dictionary {
	return &dictionary{codes: map[string]uint32{"": 0}, texts: []string{""}, keys: map[string]uint32{}}
}

func (d *dictionary) code(text string) uint32 {
	if code, ok := d.codes[text]; ok {
		return code
	}
	code := uint32(len(d.texts)) //nolint:gosec // a day has fewer events than that
	d.codes[text] = code
	d.texts = append(d.texts, text)
	return code
}

// keyed is the code of what key makes of a text. It asks once for each text.
func (d *dictionary) keyed(text string, key func(string) string) uint32 {
	if text == "" {
		return 0
	}
	if code, ok := d.keys[text]; ok {
		return code
	}
	code := d.code(key(text))
	d.keys[text] = code
	return code
}

// column makes a column of codes.
func (d *dictionary) column(codes []uint32) column {
	c := column{texts: d.texts}
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
