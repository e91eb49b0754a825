// Package journal is a crash-safe, checksummed, size-capped write-ahead log of
// opaque byte records on local disk.
//
// Facts are added with [Journal.Append] or [Journal.Commit] before the response
// they belong to. A single consumer reads them in order with [Journal.Next] and
// confirms with [Journal.Done] what it has stored elsewhere. What is not Done
// when the process ends, in whatever way, is handed out again after the next
// [Open]. Delivery is at least once, so the consumer must be idempotent.
//
// # What an answer means
//
// A nil error from Append means that the record has passed write(2). It survives
// the death of the process at any moment, kill -9 included. It survives a power
// failure after the next fsync, which follows within [Options.Sync], or
// immediately with [SyncAlways]. A nil error from Commit means that the record is
// fsynced.
//
// An error means "not acknowledged", which is not "not there": a write that
// stalled may still arrive, and a record torn off a full disk may be found
// whole by the next Open. The records of one call are written together and
// numbered without a gap, but they are not a transaction: after a crash in the
// middle of a call that was not acknowledged, a first part of them may be found.
//
// # On disk
//
// A directory holds a LOCK (one owner at a time), segments, a reserve and set-aside/. A
// segment is a plain sequence of frames without header or footer, so a flipped
// bit never costs more than the record it is in. A frame is a 28-byte header
// (checksum, length, sequence number, time, payload checksum; little endian,
// CRC-32C) and the payload. The header's checksum is salted with a number from
// the file's name and with the frame's offset, so bytes left over from another
// file or moved within this one are not taken for a record.
//
// A segment is only ever appended to by the Open that created it. Damage never
// stops the journal: the bytes that cannot be read are copied to set-aside/,
// counted, logged, and reading goes on at the next whole frame.
//
// The reserve is a file of the same frames, whose blocks are allocated before they are
// needed ([Options.ReserveBytes]): on a full disk, or in a full journal, what Commit
// writes goes there. When all of it is Done, it is filled with zeros.
//
// A segment's name has the number that follows the last one written before it, so that a
// file that was emptied, cut or taken away is noticed: see [Stats.Gaps].
//
// Sequence numbers are never used twice. So a record that was written twice
// (after a failed fsync) is still handed out once, and the order of records is
// that of their numbers, whatever file they are in.
package journal
