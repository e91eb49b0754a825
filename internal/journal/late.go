package journal

import "encoding/binary"

// late returns the records of a batch whose callers no longer wait, because they
// got ErrStalled. The records are slices of the batch's buffer. The caller holds
// Journal.mu.
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
