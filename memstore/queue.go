package memstore

// A queue is a linked list of records, by their numbers.
type queue struct{ front, back uint32 } // 0: it is empty

func (s *shard) pushBack(q *queue, n uint32) {
	r := s.record(n)
	r.prev, r.next = q.back, 0
	if q.back != 0 {
		s.record(q.back).next = n
	} else {
		q.front = n
	}
	q.back = n
}

func (s *shard) unlink(q *queue, n uint32) {
	r := s.record(n)
	if r.prev != 0 {
		s.record(r.prev).next = r.next
	} else {
		q.front = r.next
	}
	if r.next != 0 {
		s.record(r.next).prev = r.prev
	} else {
		q.back = r.prev
	}
	r.prev, r.next = 0, 0
}

func (s *shard) moveToBack(q *queue, n uint32) {
	if q.back != n {
		s.unlink(q, n)
		s.pushBack(q, n)
	}
}
