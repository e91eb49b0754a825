package journal

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// A segment is one file of frames. Its fields are guarded by Journal.mu, except
// that writing to f needs Journal.io and that the name never changes.
type segment struct {
	name string // base name: <first number>-<salt>.wal, both in hex
	base Position
	salt uint32

	f        file     // nil when the file came from an earlier Open or is closed
	size     int64    // the bytes that are valid: up to here frames are whole and published
	bytes    int64    // its size on disk as far as is known; never below size
	last     Position // the highest number in it
	unsynced int64    // the offset at which its bytes in Journal.retained begin; -1: none are
	sealed   bool     // nothing more is appended
	removed  bool
	damaged  bool // it has been counted as damaged
	keep     bool // it could not be read to the end: move it to set-aside/ instead of deleting it
	unread   bool // it could not be opened
	inPlace  bool // it is the reserve
}

// A run is a part of a segment in which the numbers have no gap. A segment of
// this Open has one run, which grows with it; a damaged one has several. Runs are
// read in the order of their first numbers, and a record whose number has been
// handed out is skipped. So records that are in two files are read once.
type run struct {
	seg         *segment
	order       int
	off, end    int64 // end is not used while live is true
	first, last Position
	firstAt     int64
	live        bool
}

const segmentSuffix = ".wal"

func segmentName(base Position, salt uint32) string {
	return fmt.Sprintf("%016x-%08x%s", uint64(base), salt, segmentSuffix)
}

// parseSegmentName reports whether a file in the directory is a segment, and
// reads its name.
func parseSegmentName(name string) (base Position, salt uint32, ok bool) {
	stem, found := strings.CutSuffix(name, segmentSuffix)
	if !found || len(stem) != 16+1+8 || stem[16] != '-' {
		return 0, 0, false
	}
	b, err := strconv.ParseUint(stem[:16], 16, 64)
	if err != nil || b == 0 || Position(b) >= maxPosition {
		return 0, 0, false
	}
	s, err := strconv.ParseUint(stem[17:], 16, 32)
	return Position(b), uint32(s), err == nil
}

// createSegment makes the file of a new segment. base is one more than the last number
// that was written before it, which findGaps relies on. No other goroutine knows the
// segment yet.
func (j *Journal) createSegment(base Position) (*segment, error) {
	var salt [4]byte
	_, _ = rand.Read(salt[:]) // never fails
	s := &segment{base: base, salt: binary.LittleEndian.Uint32(salt[:]), unsynced: -1}
	s.name = segmentName(s.base, s.salt)
	f, err := j.fs.create(j.path(s))
	if err != nil {
		return nil, fmt.Errorf("journal: new segment: %w", err)
	}
	s.f = f
	return s, nil
}

func (j *Journal) path(s *segment) string { return filepath.Join(j.dir, s.name) }

// enlist adds a segment whose first frames are known to the list. The caller
// holds j.mu.
func (j *Journal) enlist(s *segment) {
	j.segments = append(j.segments, s)
	j.order += orderStep
	j.runs = append(j.runs, &run{seg: s, order: j.order, live: true})
}
