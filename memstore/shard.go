package memstore

import (
	"sync"
	"time"
	"unsafe"

	"github.com/footfall-go/footfall/store"
)

// A shard holds a part of the sessions. Its methods are called with its lock held.
type shard struct {
	mu        sync.Mutex
	numbers   map[key]uint32
	chunks    []*[chunkRecords]record // the first record is never used
	made      uint32                  // records, that one included
	freed     uint32                  // the first of those that are free; 0: none is
	documents documentLog
	others    map[uint32][]other // writers after the first, of the few records that have some
	allOthers int

	// Two queues of records, each in the order of their last change: sessions
	// without any activity since the request that began them, and all others. The
	// former are dropped first.
	fresh, returned queue
	evicted         uint64
}

const (
	chunkRecords = 64
	// recordBytes is what a record takes besides its document, with its map entry.
	recordBytes = int64(unsafe.Sizeof(record{})) + 32
)

func newShard(most int64) shard {
	return shard{
		numbers: map[key]uint32{}, made: 1,
		documents: newDocumentLog(int(min(most/16, 64<<10))),
	}
}

func (s *shard) record(n uint32) *record { return &s.chunks[n/chunkRecords][n%chunkRecords] }

// find returns the number of a session's record, or 0 if it is absent or has expired.
func (s *shard) find(k key, now time.Duration) uint32 {
	n := s.numbers[k]
	if n != 0 && now >= s.record(n).expires {
		s.remove(n)
		return 0
	}
	return n
}

// add returns a new record, with a document. If there is no memory for another one, the
// number is that of one that was evicted.
func (s *shard) add(k key, blob []byte, now time.Duration, most int64) uint32 {
	if s.freed == 0 && s.bytes()+recordBytes > most {
		s.evict(0)
	}
	n := s.freed
	if n != 0 {
		s.freed = s.record(n).next
	} else {
		n = s.made
		s.made++
		if int(n/chunkRecords) == len(s.chunks) {
			s.chunks = append(s.chunks, new([chunkRecords]record))
		}
	}
	*s.record(n) = record{key: k, stored: now, document: s.documents.add(n, blob, s)}
	s.pushBack(&s.fresh, n)
	s.numbers[k] = n
	return n
}

// replace gives a record another document.
func (s *shard) replace(n uint32, blob []byte) {
	s.documents.remove(s.record(n).document)
	s.record(n).document = nowhere
	s.record(n).document = s.documents.add(n, blob, s)
}

func (s *shard) remove(n uint32) {
	r := s.record(n)
	s.documents.remove(r.document)
	s.unlink(s.queue(r), n)
	delete(s.numbers, r.key)
	s.dropOthers(n)
	*r = record{document: nowhere, next: s.freed}
	s.freed = n
}

func (s *shard) queue(r *record) *queue {
	if r.returned {
		return &s.returned
	}
	return &s.fresh
}

// standsAt and moveTo let the log of documents move what is alive.
func (s *shard) standsAt(n uint32, p place) bool { return s.record(n).document == p }
func (s *shard) moveTo(n uint32, p place)        { s.record(n).document = p }

// bytes is about how much memory the shard takes.
func (s *shard) bytes() int64 {
	return s.documents.used + int64(s.made-1)*recordBytes + int64(s.allOthers)*otherBytes
}

// makeRoom evicts records until the shard takes no more than it may.
func (s *shard) makeRoom(keep uint32, most int64) {
	for s.bytes() > most && s.evict(keep) {
		s.documents.compact(s)
	}
}

// dropExpired removes at most this many expired records from the front of each
// queue, which holds the records changed longest ago.
func (s *shard) dropExpired(most int, now time.Duration) {
	for _, q := range [...]*queue{&s.fresh, &s.returned} {
		for range most {
			if q.front == 0 || now < s.record(q.front).expires {
				break
			}
			s.remove(q.front)
		}
	}
}

// evict drops one record to make room: the oldest one without any activity since
// its session began, otherwise the one changed longest ago, but not the one that room
// is made for. It returns false if there is no other.
func (s *shard) evict(keep uint32) bool {
	for _, q := range [...]*queue{&s.fresh, &s.returned} {
		n := q.front
		if n == keep && n != 0 {
			n = s.record(n).next
		}
		if n != 0 {
			s.remove(n)
			s.evicted++
			return true
		}
	}
	return false
}

// writer returns what a writer of a record has counted, and whether it is new: nil if the
// record has as many writers as it holds.
func (s *shard) writer(n uint32, name string) (c *counts, added bool) {
	r := s.record(n)
	if r.first.is(name) || r.first.become(name) {
		return &r.first.counts, false
	}
	all := s.others[n]
	for i := range all {
		if all[i].name == name {
			return &all[i].counts, false
		}
	}
	if len(all)+int(min(r.first.length, 1)) >= store.MaxWriters {
		return nil, false
	}
	if s.others == nil {
		s.others = map[uint32][]other{}
	}
	s.others[n] = append(all, other{name: name})
	s.allOthers += cap(s.others[n]) - cap(all)
	return &s.others[n][len(all)].counts, true
}

func (s *shard) dropOthers(n uint32) {
	if all, ok := s.others[n]; ok {
		s.allOthers -= cap(all)
		delete(s.others, n)
	}
}

// activity is what all writers of a record have counted.
func (s *shard) activity(n uint32) store.Activity {
	r := s.record(n)
	a := store.Activity{LastSeen: r.lastSeen}
	r.first.addTo(&a)
	for i := range s.others[n] {
		s.others[n][i].addTo(&a)
	}
	return a
}
