package memstore

import "encoding/binary"

// A documentLog holds the documents of one shard, one behind the other in segments
// without pointers, so that a million sessions are few objects for the garbage collector.
// A document is written once: one that changes is written anew behind the others, and
// segments of which much has died are left behind when the rest has moved. What was
// written is never changed, so a document may be read after the shard's lock was released.
type documentLog struct {
	segments []segment
	free     []uint32 // numbers of segments that are none
	active   uint32   // documents are written to it; noSegment: there is none
	most     int      // bytes of a segment
	used     int64    // bytes of all segments
	dead     int64    // of them, those of documents that have died
}

// A segment holds documents; its capacity never changes. One without memory is none.
type segment struct {
	b    []byte
	dead int
}

// A place is where a document stands.
type place struct{ segment, offset uint32 }

const noSegment = ^uint32(0)

// nowhere is where no document stands.
var nowhere = place{segment: noSegment}

// leastSegment is how large a segment of a small log is.
const leastSegment = 1 << 10

func newDocumentLog(most int) documentLog { return documentLog{active: noSegment, most: most} }

// size is how large the next segment is: a part of what there is.
func (l *documentLog) size() int { return int(min(max(l.used/4, leastSegment), int64(l.most))) }

// headBytes come before each document: the number of its record, and its length.
const headBytes = 8

// A mover knows where the documents of records stand.
type mover interface {
	standsAt(number uint32, p place) bool
	moveTo(number uint32, p place)
}

// add writes a record's document. moved is told where those are that move to make room.
func (l *documentLog) add(number uint32, doc []byte, moved mover) place {
	if len(doc) > l.size()/8 { // one of its own, of which nothing is left over
		return l.write(l.begin(headBytes+len(doc)), number, doc)
	}
	if !l.fits(doc) {
		l.compact(moved)
	}
	return l.write(l.next(doc), number, doc)
}

func (l *documentLog) fits(doc []byte) bool {
	if l.active == noSegment {
		return false
	}
	b := l.segments[l.active].b
	return cap(b)-len(b) >= headBytes+len(doc)
}

// next is the segment for a document: the active one, or a new one that becomes it.
func (l *documentLog) next(doc []byte) uint32 {
	if !l.fits(doc) {
		before := l.active
		l.active = l.begin(l.size())
		if before != noSegment {
			l.dropDead(before)
		}
	}
	return l.active
}

func (l *documentLog) write(to, number uint32, doc []byte) place {
	s := &l.segments[to]
	at := place{to, uint32(len(s.b))}
	s.b = binary.LittleEndian.AppendUint32(s.b, number)
	s.b = binary.LittleEndian.AppendUint32(s.b, uint32(len(doc)))
	s.b = append(s.b, doc...)
	return at
}

// begin makes a segment.
func (l *documentLog) begin(size int) (number uint32) {
	if n := len(l.free); n > 0 {
		number, l.free = l.free[n-1], l.free[:n-1]
	} else {
		number = uint32(len(l.segments))
		l.segments = append(l.segments, segment{})
	}
	l.segments[number] = segment{b: make([]byte, 0, size)}
	l.used += int64(size)
	return number
}

// at returns the document at a place.
func (l *documentLog) at(p place) []byte {
	_, doc := head(l.segments[p.segment].b[p.offset:])
	return doc
}

func head(b []byte) (number uint32, doc []byte) {
	n := binary.LittleEndian.Uint32(b[4:])
	return binary.LittleEndian.Uint32(b), b[headBytes : headBytes+n : headBytes+n]
}

// remove says that the document at a place has died.
func (l *documentLog) remove(p place) {
	size := headBytes + len(l.at(p))
	l.segments[p.segment].dead += size
	l.dead += int64(size)
	if p.segment != l.active {
		l.dropDead(p.segment)
	}
}

// dropDead leaves a segment to the garbage collector if all its documents have died.
func (l *documentLog) dropDead(number uint32) {
	if s := &l.segments[number]; s.dead == len(s.b) && s.b != nil {
		l.drop(number)
	}
}

func (l *documentLog) drop(number uint32) {
	l.used -= int64(cap(l.segments[number].b))
	l.dead -= int64(l.segments[number].dead)
	l.segments[number] = segment{}
	l.free = append(l.free, number)
}

// compact moves what is alive of the segments of which most has died, until no more than
// a quarter of the memory is of dead documents. A fifth of a segment at least is won each
// time, so that the work per byte that is written is bounded.
func (l *documentLog) compact(moved mover) {
	for l.dead > l.used/4+int64(l.size()) {
		most := noSegment
		for i := range l.segments {
			if s := &l.segments[i]; uint32(i) != l.active && s.b != nil && (most == noSegment || s.dead*cap(l.segments[most].b) > l.segments[most].dead*cap(s.b)) {
				most = uint32(i)
			}
		}
		if most == noSegment || 5*l.segments[most].dead < cap(l.segments[most].b) {
			return
		}
		l.move(most, moved)
	}
}

func (l *documentLog) move(from uint32, moved mover) {
	b := l.segments[from].b
	for offset := 0; offset < len(b); {
		number, doc := head(b[offset:])
		if moved.standsAt(number, place{from, uint32(offset)}) {
			moved.moveTo(number, l.write(l.next(doc), number, doc))
		}
		offset += headBytes + len(doc)
	}
	l.drop(from)
}
