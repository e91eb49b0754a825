package engine

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"slices"

	"github.com/footfall-go/footfall/report"
)

// A day's file is a segment as it is in memory, but with texts and visitors in place of their
// numbers, which are another process's: magic, generation and day, then everything in the
// order in which write and read name it, then a checksum (CRC-32C) of all before. Numbers are
// little-endian.
const magic = "footfall day 1\n\x00"

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errFile    = errors.New("it is damaged, or of another version")
)

// encode writes a segment.
func encode(s *segment, t *texts) []byte {
	e := encoder{b: append(make([]byte, 0, s.bytes+4096), magic...)}
	e.int64(s.generation)
	e.int64(int64(s.day))
	e.ints(s.began)
	for i := range s.did {
		e.int32(s.did[i].took)
		e.int32(s.did[i].views)
		e.int32(s.did[i].flags)
	}
	visitors := newDictionary(t.visitors)
	codes := make([]uint32, len(s.visitor))
	for i, number := range s.visitor {
		codes[i] = visitors.code(t.visitors.texts[number], asIs)
	}
	e.column(visitors.column(codes))
	for i := range s.single {
		e.column(s.single[i])
	}
	e.ints(s.firstEvent)
	e.ints(s.eventAt)
	for _, is := range s.isView {
		e.b = append(e.b, 0)
		if is {
			e.b[len(e.b)-1] = 1
		}
	}
	e.column(s.page)
	e.column(s.product)
	e.column(s.kind)
	e.int32(uint32(len(s.converted))) //nolint:gosec // fits
	for session, row := range s.converted {
		e.text(session)
		e.int32(row)
	}
	e.int32(uint32(len(s.orders))) //nolint:gosec // fits
	for i := range s.orders {
		o := &s.orders[i]
		e.int64(o.at)
		e.int64(o.amount)
		e.int64(o.refunded)
		e.int64(int64(o.visitDay))
		e.text(o.currency)
		e.text(o.session)
	}
	return binary.LittleEndian.AppendUint32(e.b, crc32.Checksum(e.b, castagnoli))
}

type encoder struct{ b []byte }

func (e *encoder) int32(n uint32) { e.b = binary.LittleEndian.AppendUint32(e.b, n) }
func (e *encoder) int64(n int64)  { e.b = binary.LittleEndian.AppendUint64(e.b, uint64(n)) } //nolint:gosec // its bits

func (e *encoder) text(s string) {
	e.int32(uint32(len(s))) //nolint:gosec // fits
	e.b = append(e.b, s...)
}

func (e *encoder) ints(all []uint32) {
	e.int32(uint32(len(all))) //nolint:gosec // fits
	for _, n := range all {
		e.int32(n)
	}
}

// column writes the texts of a column and its codes.
func (e *encoder) column(c column) {
	e.int32(uint32(len(c.texts))) //nolint:gosec // fits
	for _, t := range c.texts {
		e.text(t)
	}
	switch {
	case c.bytes != nil:
		e.int32(uint32(len(c.bytes))) //nolint:gosec // fits
		e.b = append(e.b, c.bytes...)
	case c.shorts != nil:
		e.int32(uint32(len(c.shorts))) //nolint:gosec // fits
		for _, code := range c.shorts {
			e.b = binary.LittleEndian.AppendUint16(e.b, code)
		}
	default:
		e.ints(c.ints)
	}
}

// decode reads what encode wrote, if it is the version of the day that is asked for.
func decode(b []byte, of report.DayState, t *texts) (*segment, error) {
	if len(b) < len(magic)+4 || string(b[:len(magic)]) != magic || binary.LittleEndian.Uint32(b[len(b)-4:]) != crc32.Checksum(b[:len(b)-4], castagnoli) {
		return nil, errFile
	}
	d := decoder{b: b[len(magic) : len(b)-4], texts: t}
	s := &segment{generation: d.int64(), day: report.UTCDay(d.int64()), converted: map[string]uint32{}} //nolint:gosec // compared with the one that is asked for
	if s.generation != of.Generation || s.day != of.Day {
		return nil, errFile
	}
	s.start = s.day.Start()
	s.began = d.ints()
	s.did = make([]did, len(s.began))
	for i := range s.did {
		s.did[i] = did{d.int32(), d.int32(), d.int32()}
	}
	visitors := d.column(t.visitors)
	s.visitor = make([]uint32, visitors.rows())
	for i := range s.visitor {
		s.visitor[i] = visitors.numbers[visitors.at(i)]
	}
	for i := range s.single {
		s.single[i] = d.column(t.single[i])
	}
	s.firstEvent, s.eventAt = d.ints(), d.ints()
	s.isView = make([]bool, len(s.eventAt))
	for i, is := range d.take(len(s.eventAt)) {
		s.isView[i] = is != 0
	}
	s.page, s.product, s.kind = d.column(t.pages), d.column(t.products), d.column(t.kinds)
	for range d.count(8) {
		session := d.text()
		s.converted[session] = d.int32()
	}
	s.orders = make([]order, d.count(40))
	for i := range s.orders {
		s.orders[i] = order{at: d.int64(), amount: d.int64(), refunded: d.int64(), visitDay: report.UTCDay(d.int64()), currency: d.text(), session: d.text()} //nolint:gosec // as it was written
	}
	if errors.Is(d.err, errTooLarge) {
		return nil, d.err
	}
	if d.err != nil || len(d.b) > 0 || !s.fits() {
		return nil, errFile
	}
	s.measure()
	return s, nil
}

// fits reports whether all columns have the rows that they should have.
func (s *segment) fits() bool {
	n, events := len(s.began), len(s.eventAt)
	if len(s.visitor) != n || len(s.firstEvent) != n+1 || int(s.firstEvent[n]) != events || !slices.IsSorted(s.firstEvent) || !slices.IsSorted(s.began) || s.page.rows() != events || s.product.rows() != events || s.kind.rows() != events {
		return false
	}
	for i := range s.single {
		if s.single[i].rows() != n {
			return false
		}
	}
	for _, row := range s.converted {
		if int(row) >= n {
			return false
		}
	}
	return true
}

// A decoder reads from the front of a text. After an error it reads zeros.
type decoder struct {
	b     []byte
	texts *texts
	err   error
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.b, d.err = nil, errFile
		return nil
	}
	taken := d.b[:n]
	d.b = d.b[n:]
	return taken
}

func (d *decoder) int32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) int64() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b)) //nolint:gosec // its bits
	}
	return 0
}

// count reads how many things follow, of at least so many bytes each.
func (d *decoder) count(bytes int) int {
	n := int64(d.int32())
	if n*int64(bytes) > int64(len(d.b)) {
		d.b, d.err = nil, errFile
		return 0
	}
	return int(n)
}

func (d *decoder) text() string { return string(d.take(d.count(1))) }

func (d *decoder) ints() []uint32 {
	all := make([]uint32, d.count(4))
	for i := range all {
		all[i] = d.int32()
	}
	return all
}

func (d *decoder) column(of *numbering) column {
	dict := newDictionary(of)
	texts := d.count(4)
	for range texts {
		dict.code(d.text(), asIs)
		if d.texts.full() {
			d.b, d.err = nil, errTooLarge
			return column{}
		}
	}
	width := 4
	switch {
	case texts <= math.MaxUint8+1:
		width = 1
	case texts <= math.MaxUint16+1:
		width = 2
	}
	codes := make([]uint32, d.count(width))
	for i := range codes {
		switch b := d.take(width); width {
		case 1:
			codes[i] = uint32(b[0])
		case 2:
			codes[i] = uint32(binary.LittleEndian.Uint16(b))
		default:
			codes[i] = binary.LittleEndian.Uint32(b)
		}
		if int(codes[i]) >= len(dict.texts) {
			d.b, d.err = nil, errFile
			return column{texts: dict.texts, numbers: dict.numbers, ints: make([]uint32, len(codes))}
		}
	}
	return dict.column(codes)
}
