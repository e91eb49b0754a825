package journal

import "encoding/binary"

// late are the records of a batch that nobody waits for any more: their callers
// were told ErrStalled. They are parts of the batch's buffer. Journal.mu is held.
func (b *batch) late() (records [][]byte) {
	waiters := b.waiters // in the order of their records
	for rest := b.buf; len(rest) > 0; {
		seq, end := frameSeq(rest), headerSize+int(binary.LittleEndian.Uint32(rest[4:]))
		for len(waiters) > 0 && waiters[0].last < seq {
			waiters = waiters[1:]
		}
		if len(waiters) == 0 || seq+Position(waiters[0].records) <= waiters[0].last {
			records = append(records, rest[headerSize:end])
		}
		rest = rest[end:]
	}
	return records
}
