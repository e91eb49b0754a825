package journal

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// A frame is
//
//	 0  u32  CRC-32C of bytes 4..28, started from salt ^ offset
//	 4  u32  length of the payload
//	 8  u64  sequence number, from 1
//	16  i64  when it was appended, unix nanoseconds
//	24  u32  CRC-32C of the payload
//	28       payload
//
// The header has a checksum of its own so that looking for the next frame after
// damage costs a few nanoseconds a byte, whatever the bytes claim to be.
const (
	headerSize = 28

	// maxPosition and maxSpan (the most a segment's numbers may run past the
	// one in its name) keep a damaged name or number from using up the rest.
	maxPosition Position = 1 << 62
	maxSpan     Position = 1 << 40
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the checksum of a payload. It does not depend on where the
// frame will be, so Append computes it outside the lock.
func checksum(record []byte) uint32 { return crc32.Checksum(record, castagnoli) }

// appendFrame appends a frame whose header checksum is missing: sign adds it.
func appendFrame(buf []byte, seq Position, at int64, sum uint32, record []byte) []byte {
	var h [headerSize]byte
	binary.LittleEndian.PutUint32(h[4:], uint32(len(record)))
	binary.LittleEndian.PutUint64(h[8:], uint64(seq))
	binary.LittleEndian.PutUint64(h[16:], uint64(at))
	binary.LittleEndian.PutUint32(h[24:], sum)
	buf = append(buf, h[:]...)
	return append(buf, record...)
}

// sign completes the headers of the whole frames in buf, which will be written at
// off into a segment with this salt. A frame may be signed again for another
// place.
func sign(buf []byte, salt uint32, off int64) {
	for len(buf) > 0 {
		binary.LittleEndian.PutUint32(buf, headerSum(buf, salt, off))
		n := frameLen(buf)
		buf, off = buf[n:], off+int64(n)
	}
}

func headerSum(h []byte, salt uint32, off int64) uint32 {
	return crc32.Update(salt^uint32(off), castagnoli, h[4:headerSize])
}

// frameLen is the length of the frame that begins with a header.
func frameLen(h []byte) int { return headerSize + int(binary.LittleEndian.Uint32(h[4:])) }

func frameSeq(h []byte) Position { return Position(binary.LittleEndian.Uint64(h[8:])) }

// frame is one valid frame. payload is valid until the next call of the scanner.
type frame struct {
	seq     Position
	at      int64
	payload []byte
	end     int64 // offset of the byte after the frame
}

// scanner finds frames in a segment. Its position, off, changes only when the
// caller sets it.
type scanner struct {
	src  io.ReaderAt
	base Position // lowest sequence number the segment may hold; 0: any
	salt uint32
	off  int64
	last Position // number of the frame before off; the next frame's number must be higher

	window []byte // bytes of the file from windowOff on
	winOff int64
}

// next returns the first valid frame that begins at or after s.off and ends by
// limit, and the offset where it begins. If that is past s.off, the bytes between
// are damaged. If no frame is left, next returns limit and [io.EOF]. Any other
// error comes from the disk.
func (s *scanner) next(limit int64) (f frame, start int64, err error) {
	for at := s.off; ; at++ {
		if limit-at < headerSize {
			return frame{}, max(limit, s.off), io.EOF
		}
		h, err := s.peek(at, headerSize, limit)
		if err != nil {
			return frame{}, at, err
		}
		length := int64(binary.LittleEndian.Uint32(h[4:]))
		seq := frameSeq(h)
		if length > MaxRecord || length > limit-at-headerSize ||
			seq < s.base || seq <= s.last || s.base > 0 && seq-s.base >= maxSpan || seq >= maxPosition ||
			binary.LittleEndian.Uint32(h) != headerSum(h, s.salt, at) {
			continue
		}
		h, err = s.peek(at, headerSize+int(length), limit)
		if err != nil {
			return frame{}, at, err
		}
		payload := h[headerSize:]
		if binary.LittleEndian.Uint32(h[24:]) != checksum(payload) {
			continue
		}
		when := int64(binary.LittleEndian.Uint64(h[16:]))
		return frame{seq: seq, at: when, payload: payload, end: at + headerSize + length}, at, nil
	}
}

const readAhead = 128 << 10

// peek returns the n bytes at off, all of which must be below limit. It does not
// keep bytes beyond limit, because they may still change.
func (s *scanner) peek(off int64, n int, limit int64) ([]byte, error) {
	if i := off - s.winOff; i >= 0 && i+int64(n) <= int64(len(s.window)) {
		return s.window[i : i+int64(n)], nil
	}
	want := int(min(max(int64(n), readAhead), limit-off))
	if cap(s.window) < want {
		s.window = make([]byte, want)
	}
	s.window, s.winOff = s.window[:want], off
	got, err := s.src.ReadAt(s.window, off)
	s.window = s.window[:got]
	if got >= n {
		return s.window[:n], nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF // the file is shorter than expected
	}
	return nil, err
}
